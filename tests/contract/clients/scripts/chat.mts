import { ChatClient } from "./examples.mts";
import type { ChatServerMessage, Said } from "./examples.mts";
import { server, step, tell } from "./telling.mts";

// The shortest waits.
Math.random = () => 0;

const room = { baseUrl: server, params: { room: "lobby" } };

class Member {
  readonly texts: string[] = [];
  readonly seen: string[] = [];
  readonly client: ChatClient;

  constructor(name: string) {
    this.client = new ChatClient({
      ...room,
      hello: ({ Talk }) => [{ type: "join", name, after: Talk ?? null }],
    });
    this.client.on("said", ({ text }) => this.texts.push(text));
    this.client.on("refused", ({ code }) => {
      // The server has not noticed yet that the last connection is gone.
      if (code === "name_taken") this.client.reconnect();
    });
    this.client.onMessage(({ type }) => this.seen.push(type));
  }

  said(text: string): Promise<Said> {
    return new Promise((resolve) => {
      const stop = this.client.on("said", (said) => {
        if (said.text !== text) return;
        stop();
        resolve(said);
      });
    });
  }

  got(type: ChatServerMessage["type"]): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.client.on(type, () => {
        stop();
        resolve();
      });
    });
  }

  /** Waits until the connection has ended, and returns the code. */
  cutOff(): Promise<number | undefined> {
    return new Promise((resolve) => {
      const stop = this.client.onState((state) => {
        if (state !== "waiting") return;
        stop();
        resolve(this.client.lastClose?.code);
      });
    });
  }
}

const ada = new Member("Ada");
const bob = new Member("Bob");
await Promise.all([ada.got("welcome"), bob.got("welcome")]);

function say(text: string): Promise<unknown> {
  const both = Promise.all([ada.said(text), bob.said(text)]);
  ada.client.send({ type: "say", text });
  return both;
}

await say("before");
const start = bob.client.positions.Talk !== undefined;

// Cut off, while others talk.
const waited = bob.cutOff();
bob.client.reconnect();
await waited;
await Promise.all(["one", "two"].map(say));

// Killed: what is said meanwhile waits. Another server knows nothing of what was said before.
const cutOff = Promise.all([ada.cutOff(), bob.cutOff()]);
await step("kill");
const killed = await cutOff;
const again = Promise.all([ada.got("missed"), bob.got("missed"), say("three"), say("four")]);
await step("start");
await again;

// Drained.
const drained = Promise.all([ada.cutOff(), bob.cutOff()]);
await step("stop");
const stopped = await drained;
const back = Promise.all([ada.client.ready(), bob.client.ready(), say("five")]);
await step("start");
await back;

tell({ start, killed, stopped, ada: ada.texts, bob: bob.texts });
