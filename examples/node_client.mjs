// An Omni client for Node 22 or newer, in one file and without a package: its own WebSocket does.
// (Node 20 and 21: node --experimental-websocket.)
//
//     node examples/node_client.mjs question1.wav question2.wav       recordings: WAV, 16 kHz, mono, 16 bit
//     node examples/node_client.mjs --turns 3                         a hum for each turn of kbserver simulate --script
//
// Reads PYAI_API_KEY, KB_ENDPOINT and KB_TOKEN, and PYAI_BASE_URL for the simulator (http://127.0.0.1:8787).
// Every frame is binary, and its first byte says what follows: 1 audio, 2 what the caller said, 3 JSON.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const AUDIO = 1;
const TRANSCRIPT = 2;
const CONTROL = 3;
const RATE = 16_000; // Hz of what we send
const AGENT_RATE = 24_000; // Hz of what comes back
const FRAME_BYTES = (RATE / 50) * 2; // 20 ms of PCM16
const QUIET_MS = 500; // after the agent's last sound, before the caller speaks again
const FIRST_SOUND_MS = 5000; // an answer without any sound by then has none

function hum(seconds) {
  const samples = Int16Array.from({ length: RATE * seconds }, (_, n) => 8000 * Math.sin((2 * Math.PI * 200 * n) / RATE));
  return Buffer.from(samples.buffer);
}

function recording(path) {
  const wav = readFileSync(path);
  const data = wav.indexOf("data", 12);
  const found = [wav.readUInt32LE(24), wav.readUInt16LE(22), wav.readUInt16LE(34)];
  if (data < 0 || String(found) !== `${RATE},1,16`) throw new Error(`${path}: give a WAV file with ${RATE} Hz, mono, 16 bit`);
  return wav.subarray(data + 8, data + 8 + wav.readUInt32LE(data + 4));
}

class Call {
  answers = 0;
  heardMs = 0;
  playingUntil = 0;
  quietAt = 0; // when the answer under way is over, as far as is known

  constructor(socket, configure) {
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.send(CONTROL, Buffer.from(JSON.stringify(configure))); // before anything else
    socket.onmessage = ({ data }) => this.receive(Buffer.from(data));
    this.over = new Promise((resolve) => (socket.onclose = resolve));
    this.configured = new Promise((resolve, reject) => {
      this.isConfigured = resolve;
      this.isRefused = reject;
      socket.onerror = () => reject(new Error("no connection; is PYAI_BASE_URL right, and the key?"));
    });
  }

  // Sends each utterance in real time, and silence while the agent answers.
  async speak(utterances) {
    await this.configured;
    for (const [turn, utterance] of utterances.entries()) {
      for (let at = 0; at < utterance.length; at += FRAME_BYTES) await this.sendAudio(utterance.subarray(at, at + FRAME_BYTES));
      while (this.answers <= turn || performance.now() < this.quietAt) await this.sendAudio(Buffer.alloc(FRAME_BYTES));
    }
    this.socket.close();
    await this.over;
  }

  async sendAudio(pcm16) {
    this.send(AUDIO, pcm16);
    await sleep(20);
  }

  send(tag, body) {
    if (this.socket.readyState !== WebSocket.OPEN) throw new Error("the engine hung up");
    this.socket.send(Buffer.concat([Buffer.from([tag]), body]));
  }

  receive(frame) {
    const body = frame.subarray(1);
    if (frame[0] === AUDIO) this.play(body);
    if (frame[0] === TRANSCRIPT) console.log("caller:", body.toString());
    if (frame[0] === CONTROL) this.react(JSON.parse(body.toString()));
  }

  // Plays a piece of the agent's voice; it comes faster than it is said, or as it is said.
  play(pcm16) {
    const ms = (pcm16.length / 2 / AGENT_RATE) * 1000;
    this.heardMs += ms;
    this.playingUntil = Math.max(this.playingUntil, performance.now()) + ms;
    this.quietAt = this.playingUntil + QUIET_MS;
  }

  // The server's events are keyed on `event`, our own frames on `type`.
  react(event) {
    switch (event.event) {
      case "configured":
        if (event.kb) this.isConfigured();
        else this.isRefused(new Error("the engine did not accept KB_ENDPOINT; try: kbserver doctor"));
        break;
      case "kb_query":
        console.log("lookup:", event.top_ids?.join(", ") ?? event.reason);
        break;
      case "transcript":
        if (event.role !== "assistant") break;
        console.log("agent: ", event.text);
        this.answers += 1;
        this.quietAt = performance.now() + FIRST_SOUND_MS; // the words come before the voice
        break;
    }
  }
}

const { PYAI_API_KEY, KB_ENDPOINT, KB_TOKEN, PYAI_BASE_URL = "https://api.pyai.com" } = process.env;
const given = process.argv.slice(2);
const utterances = given[0] === "--turns" ? Array(Number(given[1])).fill(hum(1)) : given.length ? given.map(recording) : [hum(1)];

// A label of its own for every call: route it with label = "support-*".
const url = new URL("/v1/omni", PYAI_BASE_URL.replace(/^http/, "ws"));
url.search = new URLSearchParams({ session_label: `support-${randomUUID()}`, format: "pcm16", rate: RATE });
const configure = {
  type: "configure",
  persona: "You answer callers of our support line in one or two sentences.",
  greeting: "",
  kb_endpoint: KB_ENDPOINT,
  kb_token: KB_TOKEN,
};
const call = new Call(new WebSocket(url, ["pyai.v1", `pyai-key.${PYAI_API_KEY}`]), configure);
try {
  await call.speak(utterances);
  console.log(`${Math.round(call.heardMs)} ms of agent audio`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
