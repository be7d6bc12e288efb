"use strict";
/*
 * The demo page. An EventSource hands over only the event names that it was asked for; to show every
 * event this page reads the stream itself, and resumes as an EventSource would: by Last-Event-ID.
 * What an event says goes into the page as text, never as markup.
 */

const AWAY_S = 5;      // how long a dropped connection stays away
const ROWS_MAX = 500;  // rows in the log
const DATA_MAX = 4000; // characters of an event's data that are shown
const RETRY_MS = 3000; // until the stream names its own

const element = (id) => document.getElementById(id);
const wait = (ms, signal) => new Promise((done) => {
  const timer = setTimeout(done, ms);
  signal.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
});

/* The event stream format (WHATWG HTML 9.2.6), incremental. */
class Parser {
  constructor(onEvent, onRetry) {
    Object.assign(this, { onEvent, onRetry, text: "", wasCr: false, id: "" });
    this.clear();
  }

  clear() {
    this.name = "";
    this.data = [];
  }

  feed(text) {
    const isSplitCrLf = this.wasCr && text.startsWith("\n");
    this.wasCr = text === "" ? this.wasCr : text.endsWith("\r");
    text = isSplitCrLf ? text.slice(1) : text;
    const lines = (this.text + text).split(/\r\n|\r|\n/);
    this.text = lines.pop();
    lines.forEach((line) => this.line(line));
  }

  line(line) {
    if (line === "") { this.dispatch(); return; }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") { this.name = value; }
    if (field === "data") { this.data.push(value); }
    if (field === "id" && !value.includes("\0")) { this.id = value; }
    if (field === "retry" && /^\d+$/.test(value)) { this.onRetry(Number(value)); }
  }

  dispatch() {
    if (this.data.length > 0) {
      this.onEvent({ name: this.name || "message", data: this.data.join("\n"), id: this.id });
    }
    this.clear();
  }
}

const page = {
  counts: { events: 0, replayed: 0, gaps: 0, reconnects: 0 },
  beatAt: 0,

  count(what) {
    this.counts[what] += 1;
    element(what).textContent = this.counts[what];
  },

  state(name, text = name) {
    element("state").dataset.state = name;
    element("state").textContent = text;
    const isIdle = name === "closed" || name === "refused";
    element("close").disabled = isIdle;
    element("drop").disabled = !(name === "open" || name === "live");
  },

  cursor(id) {
    if (id !== "") { element("last").textContent = id; }
  },

  beat() {
    this.beatAt = Date.now();
    const beat = element("beat");
    beat.classList.remove("pulse");
    void beat.offsetWidth; // starts the animation anew
    beat.classList.add("pulse");
    this.tick();
  },

  tick() {
    if (this.beatAt > 0) {
      element("beat").textContent = `${Math.round((Date.now() - this.beatAt) / 1000)} s ago`;
    }
  },

  row(kind, parts) {
    const row = document.createElement("li");
    row.className = kind;
    for (const [name, text] of parts) {
      const part = document.createElement("span");
      part.className = name;
      part.textContent = text;
      row.append(part);
    }
    const log = element("log");
    log.prepend(row);
    while (log.childElementCount > ROWS_MAX) { log.lastElementChild.remove(); }
  },

  note(text) { this.row("note", [["when", `${new Date().toLocaleTimeString()}  ${text}`]]); },

  event(event, isReplay) {
    const rest = event.data.length - DATA_MAX;
    const data = rest > 0 ? `${event.data.slice(0, DATA_MAX)} … ${rest} more` : event.data;
    this.row(isReplay ? "replay" : "event", [
      ["name", event.name], ["key", event.id],
      ["when", new Date().toLocaleTimeString()], ["data", data],
    ]);
  },

  gap(data) {
    let gap = {};
    try { gap = JSON.parse(data); } catch { gap = { reason: data }; }
    this.row("gap", [["name", "gap"],
      ["data", `${gap.channel}: events after ${gap.after} are missing (${gap.reason}); it goes on at ${gap.resumes}`]]);
  },
};

/* One subscription, over as many connections as it takes. */
class Stream {
  constructor(url) {
    Object.assign(this, { url, id: "", retryMs: RETRY_MS, isOver: false, isLive: false });
  }

  close() {
    this.isOver = true;
    this.stop.abort();
  }

  drop() {
    this.isDropped = true;
    this.stop.abort();
  }

  async run() {
    while (!this.isOver) {
      this.isDropped = false;
      this.isLive = false;
      this.stop = new AbortController();
      try { await this.connect(); } catch { /* the network: the same as an end */ }
      if (!this.isOver) { await this.pause(); }
    }
  }

  async pause() {
    this.stop = new AbortController();
    if (this.isDropped) {
      page.state("away", `away for ${AWAY_S} s`);
      page.note(`connection cut; the last event id is ${this.id || "none"}`);
      await wait(AWAY_S * 1000, this.stop.signal);
    } else {
      page.state("reconnecting");
      await wait(this.retryMs, this.stop.signal);
    }
    if (!this.isOver) { page.count("reconnects"); }
  }

  async connect() {
    const headers = { Accept: "text/event-stream" };
    if (this.id !== "") { headers["Last-Event-ID"] = this.id; }
    page.state(page.counts.reconnects > 0 ? "reconnecting" : "connecting");
    const answer = await fetch(this.url, { headers, cache: "no-store", signal: this.stop.signal });
    if (answer.status !== 200) {
      await this.refused(answer);
      return;
    }
    page.state("open", "open, catching up");
    await this.read(answer.body.getReader());
  }

  async refused(answer) {
    this.isOver = true;
    page.state("refused", `refused: ${answer.status}`);
    page.note((await answer.text()).slice(0, DATA_MAX));
  }

  async read(reader) {
    const decoder = new TextDecoder();
    const parser = new Parser((event) => this.onEvent(event), (ms) => { this.retryMs = ms; });
    parser.id = this.id;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) { return; }
      parser.feed(decoder.decode(value, { stream: true }));
    }
  }

  onEvent(event) {
    this.id = event.id;
    page.cursor(event.id);
    if (event.name === "runnel.live") {
      this.isLive = true;
      page.beat();
      page.state("live");
      page.note("live from here on");
    } else if (event.name === "runnel.beat") {
      page.beat();
    } else if (event.name === "runnel.gap") {
      page.count("gaps");
      page.gap(event.data);
    } else if (event.name === "runnel.unavailable") {
      page.note(`the server asks to come back later: ${event.data}`);
    } else {
      page.count("events");
      if (!this.isLive) { page.count("replayed"); }
      page.event(event, !this.isLive);
    }
  }
}

let stream = null;

const channels = () => element("channels").value.split(",").map((name) => name.trim()).filter((name) => name !== "");

const query = (names) => names.map((name) => `channel=${encodeURIComponent(name)}`).join("&");

function showCode() {
  element("code").textContent = `new EventSource("${new URL("events", location.href).pathname}?${query(channels())}")`;
}

function connect() {
  const names = channels();
  const start = element("start").value;
  if (names.length === 0) { return; }
  if (stream !== null) { stream.close(); }
  history.replaceState(null, "", `?${query(names)}`);
  page.state("connecting");
  stream = new Stream(`events?${query(names)}${start === "" ? "" : `&${start}`}`);
  stream.run();
}

function closeStream() {
  stream.close();
  page.state("closed");
}

function clearLog() {
  element("log").replaceChildren();
  for (const what of Object.keys(page.counts)) {
    page.counts[what] = 0;
    element(what).textContent = "0";
  }
}

element("away").textContent = AWAY_S;
element("form").addEventListener("submit", (submit) => { submit.preventDefault(); connect(); });
element("close").addEventListener("click", closeStream);
element("drop").addEventListener("click", () => stream.drop());
element("clear").addEventListener("click", clearLog);
element("channels").addEventListener("input", showCode);
setInterval(() => page.tick(), 1000);

element("channels").value = new URLSearchParams(location.search).getAll("channel").join(", ");
showCode();
if (channels().length > 0) { connect(); }
