// A call with Omni from a web page: no build step, and no key in the page.
//
// POST /session gives all that one call needs: where to connect, a token for it, and the configure frame to send first.
// Every frame is binary, and its first byte says what follows: 1 audio, 2 what the caller said, 3 JSON.

const AUDIO = 1;
const TRANSCRIPT = 2;
const CONTROL = 3;
const RATE = 16_000; // Hz of what we send; what comes back has the rate that `hello` names
const LEAD_S = 0.1; // of audio kept ahead, so that a late frame leaves no gap

const sessionEndpoint = document.querySelector("meta[name=session-endpoint]").content;
const toggle = document.getElementById("toggle");
const status = document.getElementById("status");
const conversation = document.getElementById("conversation");
const typed = document.getElementById("typed");

let call = null;

toggle.addEventListener("click", () => (call ? call.hangUp() : startCall()));

typed.addEventListener("submit", (event) => {
  event.preventDefault();
  call?.command({ type: "input_text", text: typed.text.value });
  typed.reset();
});

async function startCall() {
  call = new Call();
  toggle.textContent = "Hang up";
  toggle.classList.add("on");
  conversation.replaceChildren();
  await call.start();
}

function callIsOver(reason, isProblem) {
  call = null;
  toggle.textContent = "Start call";
  toggle.classList.remove("on");
  allowTyping(false);
  tell(reason, isProblem);
}

class Call {
  speaker = new Speaker(); // made in the click: a browser plays nothing before the visitor did something
  microphone = null;
  socket = null;
  over = false;

  async start() {
    try {
      // First the question that a person answers: the session's token is good for a minute.
      tell("Waiting for the microphone …");
      this.microphone = await Microphone.open();
      if (this.over) return this.microphone?.close();
      tell("Asking for a session …");
      const session = await newSession();
      if (this.over) return;
      tell("Connecting …");
      this.connect(session);
    } catch (error) {
      this.end(error.message, true);
    }
  }

  connect(session) {
    const url = new URL(session.url); // holds the session's label
    url.searchParams.set("format", "pcm16");
    url.searchParams.set("rate", RATE);
    this.socket = new WebSocket(url, ["pyai.v1", `pyai-key.${session.token}`]);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.command(session.configure); // before anything else
    this.socket.onmessage = ({ data }) => this.receive(data);
    this.socket.onclose = ({ code }) => this.end(...closing(code));
  }

  receive(data) {
    const [tag] = new Uint8Array(data);
    const body = data.slice(1);
    if (tag === AUDIO) this.speaker.play(new Int16Array(body));
    if (tag === TRANSCRIPT) heard(new TextDecoder().decode(body));
    if (tag === CONTROL) this.react(JSON.parse(new TextDecoder().decode(body)));
  }

  // The server's events are keyed on `event`, our own frames on `type`.
  react(event) {
    switch (event.event) {
      case "hello":
        this.speaker.rate = rateOf(event.audio_out);
        break;
      case "configured":
        this.begin(event.kb);
        break;
      case "kb_query":
        annotate("caller", event.top_ids ? `found: ${passages(event.top_ids.length)}` : `found nothing (${event.reason})`);
        break;
      case "turn":
      case "turn_begin":
        closeEntry();
        break;
      case "transcript":
        write(event.role === "assistant" ? "agent" : "caller", event.text, event.final);
        break;
      case "barge_in":
      case "flush":
        this.speaker.stop();
        break;
      case "assistant_interrupted":
        annotate("agent", "interrupted");
        break;
      case "end_call":
        this.hangUp();
        break;
      case "error":
        tell(`The engine says: ${event.message ?? event.code}`, true);
        break;
      default:
        if (event.detail) tell(`The engine says: ${event.detail}`, true);
    }
  }

  begin(knowledgeAccepted) {
    if (this.microphone) this.microphone.onchunk = (pcm16) => this.send(AUDIO, pcm16.buffer); // silence too, always
    allowTyping(true);
    if (!this.microphone) typed.text.focus();
    if (!knowledgeAccepted) tell("The engine did not accept the knowledge endpoint; `kbserver doctor` says why.", true);
    else tell(this.microphone ? "In a call: speak, or type." : "In a call, without a microphone: type.");
  }

  command(fields) {
    this.send(CONTROL, new TextEncoder().encode(JSON.stringify(fields)));
  }

  send(tag, body) {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    const frame = new Uint8Array(1 + body.byteLength);
    frame[0] = tag;
    frame.set(new Uint8Array(body), 1);
    this.socket.send(frame);
  }

  hangUp() {
    this.command({ type: "session_ending" });
    this.end(...closing(1000));
  }

  end(reason, isProblem) {
    if (this.over) return;
    this.over = true;
    this.socket?.close(1000);
    this.microphone?.close();
    this.speaker.close();
    callIsOver(reason, isProblem);
  }
}

async function newSession() {
  let answer;
  try {
    answer = await fetch(sessionEndpoint, { method: "POST" });
  } catch {
    throw new Error(`No answer from ${sessionEndpoint}: it is not running, or does not allow ${location.origin}.`);
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(`No session: ${body.error?.message ?? `status ${answer.status}`}.`);
  return body;
}

function closing(code) {
  switch (code) {
    case 1000:
    case 1005:
      return ["The call is over.", false];
    case 4401:
    case 4403:
      return ["The engine refused the session's token; start the call again.", true];
    case 4429:
      return ["All lines are busy; try again in a moment.", true];
    default:
      return [`The connection was lost (${code}); try again in a moment.`, true];
  }
}

// Audio

class Speaker {
  rate = 24_000;
  #context = new AudioContext();
  #sounding = new Set();
  #end = 0; // of what is scheduled, in the context's seconds

  play(pcm16) {
    if (!pcm16.length) return;
    const buffer = this.#context.createBuffer(1, pcm16.length, this.rate);
    buffer.copyToChannel(Float32Array.from(pcm16, (sample) => sample / 32768), 0);
    const source = new AudioBufferSourceNode(this.#context, { buffer });
    source.connect(this.#context.destination);
    source.onended = () => this.#sounding.delete(source);
    this.#sounding.add(source);
    if (this.#end < this.#context.currentTime) this.#end = this.#context.currentTime + LEAD_S;
    source.start(this.#end);
    this.#end += buffer.duration;
  }

  stop() {
    for (const source of this.#sounding) source.stop();
    this.#sounding.clear();
    this.#end = 0;
  }

  close() {
    this.#context.close();
  }
}

class Microphone {
  onchunk = () => {}; // (Int16Array)
  #stream;
  #context = new AudioContext();

  /** Resolves to null without a microphone, or without leave to use it. */
  static async open() {
    let stream;
    try {
      const audio = { channelCount: 1, echoCancellation: true, noiseSuppression: true };
      stream = await navigator.mediaDevices.getUserMedia({ audio });
    } catch {
      return null;
    }
    const microphone = new Microphone(stream);
    try {
      await microphone.#capture();
    } catch (error) {
      microphone.close();
      throw error;
    }
    return microphone;
  }

  constructor(stream) {
    this.#stream = stream;
  }

  async #capture() {
    await this.#context.audioWorklet.addModule(new URL("microphone.js", import.meta.url));
    const worklet = new AudioWorkletNode(this.#context, "microphone", { processorOptions: { rate: RATE } });
    worklet.port.onmessage = ({ data }) => this.onchunk(data);
    this.#context.createMediaStreamSource(this.#stream).connect(worklet).connect(this.#context.destination); // silent
  }

  close() {
    for (const track of this.#stream.getTracks()) track.stop();
    this.#context.close();
  }
}

function rateOf(audioOut) {
  return Number(/\d{4,}/.exec(JSON.stringify(audioOut) ?? "")?.[0] ?? 24_000); // "pcm16@24000"
}

// The conversation on the page

function tell(text, isProblem = false) {
  status.textContent = text;
  status.classList.toggle("problem", isProblem);
}

function allowTyping(allowed) {
  for (const element of typed.elements) element.disabled = !allowed;
}

// Live engines send pieces of plain text, older ones JSON that names the role.
function heard(text) {
  const entry = text.startsWith("{") ? parsed(text) : {};
  if (entry.event === "transcript") return write(entry.role === "assistant" ? "agent" : "caller", entry.text, entry.final);
  write("caller", (openEntry("caller")?.querySelector("p").textContent ?? "") + text);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function write(role, text, final = false) {
  const entry = openEntry(role) ?? newEntry(role);
  entry.querySelector("p").textContent = text;
  if (final) closeEntry();
}

function openEntry(role) {
  return conversation.querySelector(`.${role}.open`);
}

function newEntry(role) {
  closeEntry();
  const entry = document.createElement("li");
  entry.className = `${role} open`;
  const who = document.createElement("span");
  who.className = "who";
  who.textContent = role === "agent" ? "Agent" : "You";
  entry.append(who, document.createElement("p"));
  conversation.append(entry);
  return entry;
}

function closeEntry() {
  conversation.querySelector(".open")?.classList.remove("open");
}

function annotate(role, text) {
  const entry = [...conversation.querySelectorAll(`.${role}`)].at(-1);
  if (!entry) return;
  const note = document.createElement("span");
  note.className = "note";
  note.textContent = text;
  entry.append(note);
}

function passages(count) {
  return count === 1 ? "1 passage" : `${count} passages`;
}
