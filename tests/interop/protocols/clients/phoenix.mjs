// Phoenix's client: joins, pushes, their errors, and what it makes of an error without a ref.
import { Socket } from "phoenix";
import { WebSocket } from "ws";

process.on("uncaughtException", (error) => {
  console.error("uncaught", error);
  process.exit(1);
});

const socket = new Socket(process.argv[2], { transport: WebSocket, heartbeatIntervalMs: 500 });
const reconnects = [];
socket.onError(() => reconnects.push("error"));
socket.onClose((event) => reconnects.push(event.code));
socket.connect();

const outcome = (push) =>
  new Promise((resolve) => {
    for (const status of ["ok", "error", "timeout"]) {
      push.receive(status, (response) => resolve([status, response]));
    }
  });

const room = socket.channel("room:1");
const said = [];
room.on("said", (payload) => said.push(payload.text));
const results = { join: await outcome(room.join()) };
results.say = await outcome(room.push("say", { text: "hello" }));
results.said = said;
results.invalid = await outcome(room.push("say", { text: 5 }));
results.unknown = await outcome(room.push("shout", {}));
const full = socket.channel("room:full");
results.full = await outcome(full.join());
full.leave();
// What is no message of Phoenix's at all: the answer belongs to no push.
const strays = [];
socket.onMessage((message) => message.topic === "phoenix" && message.ref === "" && strays.push(message.payload));
socket.conn.send("{}");
socket.conn.send("{");
results.afterwards = await outcome(room.push("say", { text: "still here" }));
await new Promise((resolve) => setTimeout(resolve, 1200));
results.strays = strays.map(({ status, response }) => [status, response.code]);
results.connected = socket.isConnected();
results.reconnects = [...reconnects];
socket.disconnect();
console.log(JSON.stringify(results));
setTimeout(() => process.exit(0), 100);
