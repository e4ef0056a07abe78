/* Streams that are stopped: what has the id of a stream, and is of another kind, is none of its items. */

import { FilesClient, SpeakerClient } from "./client.mts";
import type { Stopped, Word } from "./client.mts";
import { failure, server, step, tell } from "./telling.mts";

const found: Record<string, unknown> = {};
const speaker = new SpeakerClient({ baseUrl: server });
const heard: string[] = [];
speaker.on("stopped", ({ id }) => heard.push(`${id}`));
const stop = (id: string) => ({ type: "stop", id }) as const;

/** Waits until the server has told that it has stopped a stream. */
function stopping(id: string): Promise<void> {
  return new Promise((resolve) => {
    const unsubscribe = speaker.on("stopped", (message) => {
      if (message.id !== id) return;
      unsubscribe();
      resolve();
    });
  });
}

/** Checks that items are those of one stream, from its beginning on. */
function areWords(id: string, items: readonly (Word | Stopped)[]): boolean {
  return items.every((it, number) => it.type === "word" && it.id === id && it.number === number);
}

async function take(stream: AsyncIterable<Word>, most: number, items: Word[] = []): Promise<Word[]> {
  for await (const item of stream) if (items.push(item) === most) break;
  return items;
}

// What is stopped by a message of its own.

const sent = speaker.requestStream({ type: "say", id: "sent" });
const gone = stopping("sent");
const some = [(await sent.next()).value];
speaker.send(stop("sent"));
await gone;
void sent.return?.();
for await (const item of sent) some.push(item);
found["sent"] = [areWords("sent", some), heard.splice(0)];

const asked = speaker.requestStream({ type: "say", id: "asked" });
const items = [(await asked.next()).value];
found["asked"] = await speaker.request(stop("asked"));
// A second one is refused, which is no end of the stream to the client.
found["refused"] = await failure(speaker.request(stop("asked")));
const rest = take(asked, Infinity, items);
void asked.return?.();
found["rest"] = [areWords("asked", await rest), heard.splice(0)];
found["twice"] = await failure(
  Promise.all([
    speaker.requestStream({ type: "say", id: "twice" }, { stop }).next(),
    speaker.requestStream({ type: "say", id: "twice" }).next(),
  ]),
);

// What is stopped as it is left, in each way.

const left: Record<string, unknown> = {};
async function leave(id: string, how: () => Promise<unknown>): Promise<void> {
  const told = stopping(id);
  left[id] = await how();
  await told;
}
await leave("break", async () =>
  areWords("break", await take(speaker.requestStream({ type: "say", id: "break" }, { stop }), 3)),
);
await leave("return", async () => {
  const stream = speaker.requestStream({ type: "say", id: "return" }, { stop });
  const items = [(await stream.next()).value];
  setTimeout(() => void stream.return?.(), 5);
  // The loop, which waits, ends as if there were no more.
  return areWords("return", await take(stream, Infinity, items));
});
await leave("throw", () =>
  failure(
    (async () => {
      for await (const _ of speaker.requestStream({ type: "say", id: "throw" }, { stop })) {
        throw new Error("enough");
      }
    })(),
  ),
);
await leave("abort", () => {
  const abort = new AbortController();
  setTimeout(() => abort.abort(new Error("no more")), 5);
  const stream = speaker.requestStream({ type: "say", id: "abort" }, { stop, signal: abort.signal });
  return failure(take(stream, Infinity));
});
found["left"] = left;
heard.length = 0;

// What needs no stop.

const unneeded: string[] = [];
const note = (id: string) => {
  unneeded.push(id);
  return stop(id);
};
const done = { stop: note, until: ({ number }: Word) => number === 2 };
found["until"] = (await take(speaker.requestStream({ type: "say", id: "until" }, done), Infinity)).length;
await speaker.request(stop("until"));
found["failed"] = await failure(
  take(speaker.requestStream({ type: "say", id: "failed", words: 2 }, { stop: note }), Infinity),
);
const early = new AbortController();
early.abort(new Error("too early"));
const never = { stop: note, signal: early.signal };
found["early"] = await failure(speaker.requestStream({ type: "say", id: "early" }, never).next());
const waiting = new SpeakerClient({ baseUrl: "ws://127.0.0.1:1" });
const unsent = waiting.requestStream({ type: "say", id: "unsent" }, { stop: note });
void unsent.return?.();
found["unsent"] = (await unsent.next()).done;
waiting.close();
found["unneeded"] = unneeded;

// Many at once, each stopped at a time of its own, in one of the ways.

const many = Array.from({ length: 40 }, async (_, number) => {
  const id = `many ${number}`;
  const most = 1 + ((number * 7) % 13);
  if (number % 2) return areWords(id, await take(speaker.requestStream({ type: "say", id }, { stop }), most));
  const stream = speaker.requestStream({ type: "say", id });
  const items: Word[] = [];
  while (items.length < most) items.push((await stream.next()).value);
  const { type } = await speaker.request(stop(id));
  void stream.return?.();
  return type === "stopped" && areWords(id, await take(stream, Infinity, items));
});
found["many"] = (await Promise.all(many)).filter((it) => it).length;

// A reply that is of one of two kinds.

const files = new FilesClient({ baseUrl: server });
files.answer("confirm", () => ({ type: "answer", yes: false }));
found["kept"] = (await files.request({ type: "delete", id: "one", path: "a" })).type;

// What breaks with its connection.

const lost = speaker.requestStream({ type: "say", id: "lost" }, { stop: note });
await lost.next();
const loss = failure(take(lost, Infinity));
await step("kill");
found["lost"] = await loss;
found["unneeded, in the end"] = unneeded;
tell(found);
