import {
  AlbumClient,
  CounterClient,
  FilesClient,
  InQueryClient,
  MirrorClient,
  PrivateClient,
  ReplyError,
  ShoutClient,
  ShoutClient2,
  WhereClient,
} from "./client.mts";
import type { Photo, Told } from "./client.mts";
import { failure, server, step, tell } from "./telling.mts";

const options = { baseUrl: server };
const found: Record<string, unknown> = {};

function first<T>(client: AsyncIterable<T>): Promise<T> {
  return client[Symbol.asyncIterator]().next().then(({ value }) => value);
}

// Requests, streams and questions.

const files = new FilesClient(options);
const noted: string[] = [];
files.on("noted", ({ text }) => noted.push(text));
const questions: string[] = [];
const unsubscribe = files.answer("confirm", async ({ text }) => {
  questions.push(text);
  return { type: "answer", yes: text !== "Delete mine?" };
});
// What is sent before there is a connection comes in order, before what is sent later.
files.send({ type: "note", text: "one" });
const yours = await files.request({ type: "delete", path: "yours" });
found["deleted"] = yours.type === "deleted" ? yours.path : null;
found["kept"] = (await files.request({ type: "delete", path: "mine" })).type;
found["questions"] = questions;
found["own id"] = (await files.request({ type: "delete", id: "mine", path: "x" })).id;
const pending = files.request({ type: "delete", id: "twice", path: "x" });
found["id that is taken"] = await failure(files.request({ type: "delete", id: "twice", path: "x" }));
await pending;
const error = await files.request({ type: "delete", path: "missing" }).catch((it: unknown) => it);
if (error instanceof ReplyError) found["error"] = [error.code, error.message, error.error];
found["timeout"] = await failure(files.request({ type: "wait" }, { timeout: 50 }));
const abort = new AbortController();
const aborted = failure(files.request({ type: "wait" }, { signal: abort.signal }));
abort.abort(new Error("enough"));
found["aborted"] = await aborted;
found["aborted before"] = await failure(files.request({ type: "wait" }, { signal: abort.signal }));

const numbers: number[] = [];
for await (const { number } of files.requestStream(
  { type: "count", to: 3 },
  { until: (reply) => reply.number === 3 },
)) {
  numbers.push(number);
}
for await (const { number } of files.requestStream({ type: "count", to: 3 })) {
  numbers.push(number);
  if (number === 2) break;
}
found["numbers"] = numbers;
async function countTooFar(): Promise<void> {
  for await (const { number } of files.requestStream({ type: "count", to: 4 })) numbers.push(number);
}
found["stream that fails"] = await failure(countTooFar());
const stopped = new AbortController();
const stream = files.requestStream({ type: "count", to: 0 }, { signal: stopped.signal });
stopped.abort(new Error("no more"));
found["stream that is aborted"] = await failure(stream.next());

// Without somebody who answers, a question is a message.
unsubscribe();
const asked = new Promise((resolve) => files.on("confirm", resolve));
const unanswered = failure(files.request({ type: "delete", path: "z" }));
found["question as a message"] = await asked;
found["noted"] = noted;

// A loop, and what it is too slow for.
const some = new FilesClient({ ...options, queue: { messages: 2 } });
await some.ready();
const loop = some[Symbol.asyncIterator]();
for (const text of ["a", "b", "c", "d"]) some.send({ type: "note", text });
await failure(some.request({ type: "delete", path: "missing" }));
const texts: unknown[] = [];
found["slow loop"] = await failure(
  (async () => {
    for (;;) texts.push((await loop.next()).value);
  })(),
);
found["what it got"] = texts;

// The encodings.

const album = new AlbumClient(options);
const photo: Photo = {
  taken: "2020-02-29T12:30:15.123456Z",
  jpeg: Uint8Array.of(0, 255, 128),
  numbers: [
    0, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296, 9007199254740991, -1, -32, -33,
    -128, -129, -32768, -32769, -2147483648, -2147483649, -9007199254740991, 1.5, -0.25, 1e300,
  ],
  more: { "": null, grüß: "𝄞", long: "x".repeat(40), longer: "y".repeat(300), longest: "z".repeat(70000), ["__proto__"]: "own" },
};
album.send(photo);
const echoed = await first(album);
if ("taken" in echoed) {
  found["photo"] = {
    taken: echoed.taken,
    jpeg: [...echoed.jpeg],
    numbers: echoed.numbers.every((it, index) => Object.is(it, photo.numbers[index])),
    more: Object.entries(echoed.more).every(([key, it]) => photo.more[key] === it),
    keys: Object.keys(echoed.more).length,
  };
}
const shout = new ShoutClient(options);
shout.send("grüß");
found["text"] = await first(shout);
const mirror = new MirrorClient(options);
mirror.send(Uint8Array.of(1, 2, 3));
found["bytes"] = [...(await first(mirror))];
const counter = new CounterClient(options);
found["numbered"] = [
  await counter.request({ text: "a" }),
  await counter.request({ text: "b" }),
];

// Parameters and tokens.

const asks = { params: { file: "a b/ü.txt" }, query: { page: 2, tag: ["x", "y&z"] } };
const told: (Told | object)[] = [];
for (const query of [asks.query, () => asks.query]) {
  const where = new WhereClient({ ...options, ...asks, query });
  told.push(await first(where));
}
found["told"] = told;
try {
  new WhereClient({ ...options, params: { file: "../admin" } });
} catch (failed) {
  found["path that leads elsewhere"] = String(failed);
}
const unicode = new ShoutClient2({ ...options, params: { size: "ü" } });
unicode.send("there");
found["unicode"] = await first(unicode);
found["token"] = await first(new PrivateClient({ ...options, getToken: async () => "a+/=token?" }));
found["token in the query"] = await first(new InQueryClient({ ...options, getToken: () => "a token" }));
found["url"] = await first(new ShoutClient({ url: () => `${server}/shout` , hello: () => ["hi"] }));

// What can't work at all.

try {
  new ShoutClient();
} catch (failed) {
  found["no page"] = String(failed);
}
const wrong = new ShoutClient({ url: "ftp://127.0.0.1" });
const reason = await failure(wrong.ready());
found["wrong url"] = [reason.includes("SyntaxError"), wrong.state, wrong.lastClose?.code];

// A connection that breaks, and the end.

const lost = failure(files.request({ type: "wait" }));
const cutOff = new Promise<void>((resolve) => {
  some.onState((state) => {
    if (state === "waiting") resolve();
  });
});
await step("kill");
await cutOff;
found["lost"] = [await lost, await unanswered];
const queued = failure(files.request({ type: "delete", path: "later" }));
// What was given up before it was sent takes no place.
found["given up"] = await failure(some.request({ type: "wait" }, { timeout: 20 }));
some.send({ type: "note", text: "1" });
some.send({ type: "note", text: "2" });
try {
  some.send({ type: "note", text: "3" });
} catch (failed) {
  found["full"] = String(failed);
}
const rest = failure(files.ready());
files.close();
files.close();
found["closed"] = [await queued, await rest, await failure(files.ready()), files.state, files.lastClose];
try {
  files.send({ type: "note", text: "late" });
} catch (failed) {
  found["closed"] = [found["closed"], String(failed)];
}
found["closed loop"] = await failure(first(files));
tell(found);
