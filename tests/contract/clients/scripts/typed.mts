/* What compiles, and what must not: each `@ts-expect-error` has to be needed. */

import {
  AlbumClient,
  CounterClient,
  FilesClient,
  LanguageClient,
  MirrorClient,
  PrivateClient,
  ShoutClient,
  SpeakerClient,
  WhereClient,
} from "./client.mts";
import type { Confirm, Counted, Deleted, FilesErrorMessage, Kept, Noted } from "./client.mts";
import { ChatClient, DashboardClient, EchoClient } from "./examples.mts";
import type { AnimalsInput, AnimalsOutput, ZooErrorMessage } from "./zoo.mts";

type Same<One, Other> =
  (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false;

function check<_Is extends true>(): void {}

// What is sent.

const files = new FilesClient({ baseUrl: "ws://127.0.0.1" });
files.send({ type: "note", text: "a" });
files.send({ type: "count", to: 3 });
// @ts-expect-error - no such type
files.send({ type: "nothing" });
// @ts-expect-error - a field is missing
files.send({ type: "note" });
// @ts-expect-error - a field is of another type
files.send({ type: "note", text: 1 });
// @ts-expect-error - there is no such field
files.send({ type: "note", text: "a", to: 3 });
// @ts-expect-error - only the server sends it
files.send({ type: "noted", text: "a" });
new ShoutClient().send("a");
// @ts-expect-error - no text
new ShoutClient().send(Uint8Array.of(1));
// @ts-expect-error - no bytes
new MirrorClient().send("a");
// @ts-expect-error - it takes nothing
new DashboardClient().send({});

// What comes.

files.on("noted", (message) => check<Same<typeof message, Noted>>());
files.on("error", (message) => check<Same<typeof message, FilesErrorMessage>>());
files.onMessage((message) => {
  check<Same<typeof message, Deleted | Kept | Counted | Noted | Confirm | FilesErrorMessage>>();
  if (message.type === "deleted") check<Same<typeof message.path, string>>();
  // @ts-expect-error - not all of them have it
  message.path;
});
// @ts-expect-error - only the client sends it
files.on("delete", () => {});
// @ts-expect-error - it has no tag
new CounterClient().on("counter", () => {});
for await (const message of files) {
  if (message.type === "counted") check<Same<typeof message, Counted>>();
}
new ShoutClient().onMessage((message) => check<Same<typeof message, string>>());
new MirrorClient().onMessage((message) => check<Same<typeof message, Uint8Array>>());

// Requests, streams and questions.

const reply = await files.request({ type: "delete", path: "a" }, { timeout: 5 });
check<Same<typeof reply, Deleted | Kept>>();
await files.request({ type: "delete", path: "a", id: "7" });
// @ts-expect-error - the id is a text
await files.request({ type: "delete", path: "a", id: 7 });
// @ts-expect-error - a field is missing
await files.request({ type: "delete" });
// @ts-expect-error - there is no such field
await files.request({ type: "delete", path: "a", to: 3 });
// @ts-expect-error - its reply has no id
await files.request({ type: "note", text: "a" });
// @ts-expect-error - it is answered by a stream
await files.request({ type: "count", to: 3 });
// @ts-expect-error - it is answered by one reply
files.requestStream({ type: "delete", path: "a" });
for await (const counted of files.requestStream({ type: "count", to: 3 })) {
  check<Same<typeof counted, Counted>>();
}
const speaker = new SpeakerClient();
speaker.requestStream({ type: "say" }, { stop: (id) => ({ type: "stop", id }) });
// @ts-expect-error - it takes no such message
speaker.requestStream({ type: "say" }, { stop: (id) => ({ type: "stopped", id }) });
check<Same<Awaited<ReturnType<CounterClient["request"]>>["id"], number>>();
files.answer("confirm", ({ text }) => ({ type: "answer", yes: text !== "" }));
files.answer("confirm", async () => ({ type: "answer", yes: true }));
// @ts-expect-error - that is no answer
files.answer("confirm", () => ({ type: "answer" }));
// @ts-expect-error - that is no question
files.answer("noted", () => ({ type: "answer", yes: true }));
// @ts-expect-error - nothing has an id there
new EchoClient().request({ type: "say", text: "a" });
// @ts-expect-error - it asks nothing
new EchoClient().answer("said", () => ({}));

// Calls.

const language = new LanguageClient();
check<Same<Awaited<ReturnType<typeof hovered>>, string>>();
function hovered() {
  return language.call("textDocument/hover", { line: 1 }, { timeout: 5 });
}
const renamed = await language.call("rename", { name: "a" });
check<Same<typeof renamed, boolean | string>>();
await language.call("noted");
language.notify("note", { number: 1 });
// @ts-expect-error - there is no such method
await language.call("textDocument/nothing", {});
// @ts-expect-error - a param is missing
await language.call("textDocument/hover", {});
// @ts-expect-error - there are no params
await language.call("note");
// @ts-expect-error - a param is of another type
language.notify("note", { number: "1" });

// What it is given.

new WhereClient({ params: { file: "a" } });
new WhereClient({ params: { file: "a" }, query: { page: 2, tag: ["b"] } });
new WhereClient({ url: "wss://example.com/where/a", query: () => ({ page: 2 }) });
// @ts-expect-error - the path has a parameter
new WhereClient();
// @ts-expect-error - it has another one
new WhereClient({ params: { name: "a" } });
// @ts-expect-error - it is a number
new WhereClient({ params: { file: "a" }, query: { page: "2" } });
// @ts-expect-error - there is no such parameter
new WhereClient({ params: { file: "a" }, query: { size: 2 } });
new PrivateClient({ getToken: async () => "token", subprotocols: ["private"] });
// @ts-expect-error - there is no such subprotocol
new PrivateClient({ subprotocols: ["public"] });
// @ts-expect-error - it takes no token
new EchoClient({ getToken: () => "token" });
// @ts-expect-error - it speaks no subprotocol
new EchoClient({ subprotocols: ["chat"] });
new AlbumClient({ queue: { messages: 1 }, backoff: { min: 1 }, comebacks: { 1008: "retry" } });
// @ts-expect-error - that is nothing that it does
new AlbumClient({ comebacks: { 1008: "again" } });
const chat = new ChatClient({
  params: { room: "a" },
  hello: ({ Talk }) => [{ type: "join", name: "Ada", after: Talk ?? null }],
});
check<Same<typeof chat.positions, { readonly Talk?: string }>>();
// @ts-expect-error - there is no such group
chat.positions.Lobby;
new ChatClient({
  params: { room: "a" },
  // @ts-expect-error - that is no message of a client
  hello: () => [{ type: "said" }],
});
check<Same<typeof chat.state, "connecting" | "open" | "waiting" | "closed">>();

// The types of fields.

type Input = AnimalsInput;
type Output = AnimalsOutput;
check<Same<Input["maybe"], number | null>>();
check<Same<Input["left_out"], number | null | undefined>>();
check<Same<Input["choice"], 1 | "two" | true | null>>();
check<Same<Input["colour"], "red" | "blue">>();
check<Same<Input["legs"], 0 | 4>>();
check<Same<Input["amount"], number | string>>();
check<Same<Output["amount"], string>>();
check<Same<Input["pair"], [number, string]>>();
check<Same<Input["point"], [number, number?]>>();
check<Same<Input["counts"], { [key: string]: number }>>();
check<Same<Input["by_colour"], { red?: number; blue?: number }>>();
check<Same<Input["anything"], unknown>>();
check<Same<Input["json_text"], string>>();
check<Same<Output["json_text"], number[]>>();
check<Same<Input["is-aliased"], number>>();
check<Same<Input["tree"]["children"], Input["tree"][] | undefined>>();
check<Same<Input["open"][string], unknown>>();
check<Same<ZooErrorMessage["code"], "invalid_message" | "closed" | 7>>();
declare const pet: Input["pet"];
if (pet.kind === "dog") check<Same<typeof pet.barks, boolean>>();
