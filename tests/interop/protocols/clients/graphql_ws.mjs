// graphql-ws: a query, a subscription, errors, one that is left early, and a forbidden message.
import { createClient } from "graphql-ws";
import { WebSocket } from "ws";

const client = createClient({
  url: process.argv[2],
  webSocketImpl: WebSocket,
  retryAttempts: 0,
  lazy: false,
  onNonLazyError: () => {},
});

async function each(query, stop = Infinity) {
  const items = [];
  const iterator = client.iterate({ query });
  try {
    for await (const item of iterator) {
      items.push(item);
      if (items.length === stop) break;
    }
  } catch (errors) {
    return { items, errors: errors.map(({ message }) => message) };
  }
  return items;
}

const results = {
  query: await each("{ answer }"),
  subscription: await each("subscription { countdown(start: 2) }"),
  syntax: await each("{"),
  validation: await each("{ question }"),
  left: await each("subscription { countdown(start: 100000) }", 2),
  afterwards: await each("{ answer }"),
  parallel: await Promise.all([1, 2].map((start) => each(`subscription { countdown(start: ${start}) }`))),
};
await client.dispose();

// Without the client's manners.
async function refused(...messages) {
  const socket = new WebSocket(process.argv[2], "graphql-transport-ws");
  const closed = new Promise((resolve) => {
    socket.on("close", (code, reason) => resolve([code, reason.toString()]));
  });
  await new Promise((resolve) => socket.on("open", resolve));
  for (const message of messages) socket.send(typeof message === "string" ? message : JSON.stringify(message));
  return closed;
}
const init = { type: "connection_init" };
const subscribe = { id: "1", type: "subscribe", payload: { query: "subscription { countdown(start: 9999) }" } };
results.refused = [
  await refused("{"),
  await refused({ type: "unknown" }),
  await refused(subscribe),
  await refused(init, init),
  await refused(init, subscribe, subscribe),
];
console.log(JSON.stringify(results));
process.exit(0);
