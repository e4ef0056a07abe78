// TanStack AI: an answer, one over a connection that breaks, one that is stopped, and one in another tab.
import { ChatClient, webSocket } from "@tanstack/ai-client";
import { WebSocket } from "ws";

const url = process.argv[2];

// Breaks its connection after so many frames.
function breaking(after) {
  let left = after;
  return class extends WebSocket {
    constructor(...rest) {
      super(...rest);
      opened.push(new URL(this.url).searchParams.has("offset"));
      this.on("message", () => --left === 0 && this.terminate());
    }
  };
}
const opened = [];

const textOf = ({ parts }) => parts.map(({ content }) => content).join("");
const wordsOf = (client) => textOf(client.getMessages().at(-1)).split(" ").slice(1).map(Number);

function clientOf(WebSocketImpl = WebSocket, onChunk = () => {}) {
  const errors = [];
  const connection = webSocket(url, { WebSocketImpl, reconnect: { delayMs: 10 } });
  const onError = ({ message }) => errors.push(message);
  const client = new ChatClient({ connection, threadId: "lobby", onError, onChunk });
  return { client, connection, errors };
}

async function joined(connection, run) {
  const chunks = [];
  try {
    for await (const chunk of connection.joinRun(run)) chunks.push(chunk);
  } catch (error) {
    return String(error.cause ?? error);
  }
  return chunks;
}

const results = {};

const { client, errors, connection } = clientOf();
await client.sendMessage("why?");
results.whole = wordsOf(client);
await client.sendMessage("and then?");
results.second = wordsOf(client);
await client.sendMessage("fail");
results.failed = [wordsOf(client), errors.splice(0)];

const broken = clientOf(breaking(12));
await broken.client.sendMessage("why?");
results.broken = [wordsOf(broken.client), [...opened], broken.errors];

// Before the first token, which is awaited meanwhile.
opened.length = 0;
const early = clientOf(breaking(2));
await early.client.sendMessage("late");
results.early = [wordsOf(early.client), opened, early.errors];

let run;
let tab;
const stopped = clientOf(WebSocket, (chunk) => {
  if (chunk.type === "RUN_STARTED") {
    run = chunk.runId;
    // Another tab, from the beginning.
    tab = joined(connection, run);
  }
  if (chunk.delta === " 3") stopped.client.stop();
});
await stopped.client.sendMessage("stuck");
const chunks = await tab;
results.stopped = wordsOf(stopped.client);
results.tab = [chunks[0].type, chunks.at(-1).type, chunks.every((it) => !it.runId || it.runId === run)];
results.tab_words = chunks.flatMap(({ delta }) => delta ?? []).slice(1).map(Number);
const later = await joined(connection, run);
results.later = JSON.stringify(later) === JSON.stringify(chunks);
results.unknown = await joined(connection, "nothing");

console.log(JSON.stringify(results));
process.exit(0);
