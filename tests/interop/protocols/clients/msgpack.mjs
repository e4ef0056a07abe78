// Speaks MessagePack by @msgpack/msgpack, or JSON: whichever the server accepts of what is offered.
import { decode, encode } from "@msgpack/msgpack";
import WebSocket from "ws";

const [url, ...offered] = process.argv.slice(2);
const socket = new WebSocket(url, offered);
socket.binaryType = "arraybuffer";

const waiting = [];
const come = [];
socket.on("message", (data, isBinary) => {
  const frame = { isBinary, value: isBinary ? decode(data) : JSON.parse(Buffer.from(data)) };
  (waiting.shift() ?? ((it) => come.push(it)))(frame);
});
const receive = () =>
  come.length ? come.shift() : new Promise((resolve) => waiting.push(resolve));
const closed = new Promise((resolve) => socket.on("close", (code) => resolve(code)));
await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));

const isPacked = socket.protocol === "chat.v1.msgpack";
const send = (value) => socket.send(isPacked ? encode(value) : JSON.stringify(value));

const seen = { protocol: socket.protocol };
const at = new Date("2020-02-29T12:30:15.250Z");
const data = isPacked ? new Uint8Array([0, 255, 128]) : "text";
send({ type: "note", text: "grüß 𝄞", data, at });
const note = await receive();
seen.isBinary = note.isBinary;
seen.note = {
  text: note.value.text,
  data: isPacked ? [note.value.data instanceof Uint8Array, ...note.value.data] : note.value.data,
  at: isPacked ? [note.value.at instanceof Date, note.value.at.toISOString()] : note.value.at,
};
send({ type: "count", number: 3 });
seen.counted = [];
for (let number = 0; number < 3; number++) seen.counted.push((await receive()).value.number);
send({ type: "note", text: 5, data, at });
seen.error = (await receive()).value;
// A frame that the encoding has not.
socket.send(isPacked ? "text" : "[");
seen.code = await closed;
console.log(JSON.stringify(seen));
