// Runs in the audio thread: brings the microphone's samples down to Omni's rate and posts PCM16, 20 ms at a time.

const CHUNK_S = 0.02;

class Microphone extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate } }) {
    super();
    this.rate = rate;
    this.chunk = new Int16Array(rate * CHUNK_S);
    this.filled = 0;
    this.owed = 0; // of the next sample, in parts of `sampleRate`
    this.sum = 0; // of the microphone's samples that it is the mean of
    this.count = 0;
  }

  process([[samples = []]]) {
    for (const sample of samples) {
      this.sum += sample;
      this.count += 1;
      this.owed += this.rate;
      if (this.owed < sampleRate) continue;
      for (; this.owed >= sampleRate; this.owed -= sampleRate) this.emit(this.sum / this.count);
      this.sum = this.count = 0;
    }
    return true;
  }

  emit(value) {
    this.chunk[this.filled++] = Math.max(-1, Math.min(1, value)) * 32767;
    if (this.filled < this.chunk.length) return;
    this.port.postMessage(this.chunk.slice());
    this.filled = 0;
  }
}

registerProcessor("microphone", Microphone);
