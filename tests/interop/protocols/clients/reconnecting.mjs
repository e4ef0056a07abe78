// After which close codes clients come back, and how often, on a clock on which a minute is nothing.
import { Centrifuge } from "centrifuge";
import { createClient } from "graphql-ws";
import { WebSocket as PartySocket } from "partysocket";
import { Socket } from "phoenix";

const turn = globalThis.setImmediate;
const timers = new Map();
let now = 0;
let last = 0;

const later = (repeats) => (run, after = 0, ...given) => {
  last += 1;
  const every = Math.max(Number(after) || 0, repeats ? 1 : 0);
  timers.set(last, { at: now + every, every: repeats ? every : null, run: () => run(...given) });
  return last;
};
const clear = (timer) => timers.delete(timer);
Object.assign(globalThis, {
  setTimeout: later(false),
  setInterval: later(true),
  clearTimeout: clear,
  clearInterval: clear,
});
Date.now = () => now;
performance.now = () => now;
Math.random = () => 0.5;

const MINUTE = 60_000;

async function pass(until) {
  for (;;) {
    for (let turns = 0; turns < 5; turns += 1) await new Promise((resolve) => turn(resolve));
    const [next] = [...timers].sort(([, one], [, other]) => one.at - other.at);
    if (!next || next[1].at > until) break;
    const [id, timer] = next;
    now = timer.at;
    if (timer.every === null) timers.delete(id);
    else timer.at += timer.every;
    timer.run();
  }
  now = until;
}

/** A server that takes every connection, greets as the protocol has it, and closes with a code. */
function closing(code, greet) {
  return class Closing extends EventTarget {
    static CONNECTING = 0;
    static OPEN = 1;
    static CLOSING = 2;
    static CLOSED = 3;
    static tries = [];
    CONNECTING = 0;
    OPEN = 1;
    CLOSING = 2;
    CLOSED = 3;
    readyState = 0;
    bufferedAmount = 0;
    binaryType = "blob";
    extensions = "";

    constructor(url, protocols = []) {
      super();
      this.url = `${url}`;
      this.protocol = [protocols].flat()[0] ?? "";
      Closing.tries.push(now);
      setTimeout(() => {
        this.readyState = 1;
        this.tell(new Event("open"));
      }, 1);
      setTimeout(() => {
        this.readyState = 3;
        this.tell(Object.assign(new Event("close"), { code, reason: "", wasClean: true }));
      }, 100);
    }

    tell(event) {
      this[`on${event.type}`]?.(event);
      this.dispatchEvent(event);
    }

    send(text) {
      const answer = greet(`${text}`);
      if (answer) setTimeout(() => this.tell(new MessageEvent("message", { data: answer })), 1);
    }

    close() {}
  };
}

const [ours, codes] = process.argv.slice(2);
const { ShoutClient } = await import(ours);
const url = "ws://127.0.0.1:1/";
const CLIENTS = {
  centrifuge: [
    (WebSocket) => new Centrifuge(url, { websocket: WebSocket }).connect(),
    (text) => text.includes("connect") && '{"id":1,"connect":{"client":"a","version":"1"}}',
  ],
  "graphql-ws": [
    (WebSocket) => createClient({ url, webSocketImpl: WebSocket, lazy: false, onNonLazyError() {} }),
    (text) => text.includes("connection_init") && '{"type":"connection_ack"}',
  ],
  partysocket: [(WebSocket) => new PartySocket(url, [], { WebSocket }), () => null],
  ours: [(WebSocket) => new ShoutClient({ url, WebSocket }), () => null],
  phoenix: [(WebSocket) => new Socket(url, { transport: WebSocket }).connect(), () => null],
};

const found = {};
for (const [name, [start, greet]] of Object.entries(CLIENTS)) {
  found[name] = {};
  for (const code of codes.split(",").map(Number)) {
    timers.clear();
    now = 0;
    const WebSocket = closing(code, greet);
    start(WebSocket);
    await pass(MINUTE);
    const gaps = WebSocket.tries.slice(1).map((it, index) => it - WebSocket.tries[index]);
    found[name][code] = { tries: WebSocket.tries.length, shortest: Math.min(...gaps, MINUTE) };
  }
}
process.stdout.write(`${JSON.stringify(found)}\n`, () => process.exit(0));
