import { LanguageClient, ReplyError } from "./client.mts";
import { failure, server, tell } from "./telling.mts";

const found: Record<string, unknown> = {};
const client = new LanguageClient({
  baseUrl: server,
  hello: () => [{ method: "note", params: { number: 1 } }],
});
client.notify("note", { number: 2 });

const progress: unknown[] = [];
const stop = client.on("progress", (params) => progress.push(params));
found["hover"] = await client.call("textDocument/hover", { line: 7 });
stop();
await client.call("textDocument/hover", { line: 8, character: 9 });
found["progress"] = progress;
const error = await client
  .call("textDocument/hover", { line: 101 })
  .catch((it: unknown) => it);
if (error instanceof ReplyError) found["error"] = [error.code, error.message, error.error];

found["nobody answers"] = await client.call("rename", { name: "a" });
const unanswer = client.answer("confirm", async (params) => JSON.stringify(params) !== "{}");
found["answered"] = await client.call("rename", { name: "a" });
unanswer();
client.answer("confirm", () => {
  throw new ReplyError(7, "not today", null);
});
found["answered with an error"] = await client.call("rename", { name: "a" });

found["noted"] = await client.call("noted");
const abort = new AbortController();
client.on("waiting", () => abort.abort(new Error("enough")));
const cancelled = new Promise((resolve) => client.on("cancelled", resolve));
found["aborted"] = await failure(client.call("wait", {}, { signal: abort.signal }));
found["cancelled"] = await cancelled;
found["timeout"] = await failure(client.call("wait", {}, { timeout: 50 }));

// Handlers of states may close, and reconnect.
const states: string[] = [];
const hasty = new LanguageClient({ baseUrl: server });
hasty.onState((state) => {
  states.push(state);
  if (state === "open") hasty.reconnect();
  if (state === "connecting") hasty.close();
});
found["closed while it connects"] = await failure(
  new Promise((_, reject) => hasty.onState((state) => state === "closed" && reject(states))),
);
const waiting = new LanguageClient({ url: "ws://127.0.0.1:1", backoff: { min: 1e9, max: 1e9 } });
waiting.onState((state) => {
  if (state === "waiting") waiting.close();
});
found["closed while it waits"] = await failure(waiting.ready());
found["never late"] = await client.call("noted", {}, { timeout: Infinity });

client.close();
found["closed"] = await failure(client.call("noted"));
// A client that is closed keeps nothing waiting.
tell(found, false);
