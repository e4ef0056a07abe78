// A message as code, to be sent by something else than this page.

import { toHex } from "./frames.js";

export const LANGUAGES = ["wscat", "Python", "TypeScript"];

/**
 * Returns code that sends a frame, and shows the answer.
 *
 * @param {string} language - one of `LANGUAGES`
 * @param {string} url
 * @param {string} subprotocol - `""` for none
 * @param {string | Uint8Array} data
 */
export function snippet(language, url, subprotocol, data) {
  if (language === "wscat") return wscat(url, subprotocol, data);
  return language === "Python"
    ? python(url, subprotocol, data)
    : typescript(url, subprotocol, data);
}

function wscat(url, subprotocol, data) {
  const option = subprotocol && ` --subprotocol ${quoted(subprotocol)}`;
  // It sends text alone.
  const message = typeof data === "string" ? ` --wait 5 --execute ${quoted(data)}` : "";
  return `npx wscat --connect ${quoted(url)}${option}${message}`;
}

/** Returns a word of a shell. */
function quoted(text) {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function python(url, subprotocol, data) {
  const option = subprotocol && `, subprotocols=[${literal(subprotocol)}]`;
  const message = typeof data === "string" ? literal(data) : `bytes.fromhex("${toHex(data)}")`;
  return `from websockets.sync.client import connect

with connect(${literal(url)}${option}) as websocket:
    websocket.send(${message})
    print(websocket.recv())
`;
}

function typescript(url, subprotocol, data) {
  const option = subprotocol && `, ${literal(subprotocol)}`;
  const message = typeof data === "string" ? literal(data) : `new Uint8Array([${data.join(", ")}])`;
  return `const websocket = new WebSocket(${literal(url)}${option});
websocket.addEventListener("open", () => websocket.send(${message}));
websocket.addEventListener("message", (event) => console.log(event.data));
`;
}

/** Returns a literal of both Python and TypeScript, which shows what turns text around. */
function literal(text) {
  const hidden = /[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
  return JSON.stringify(text).replace(
    hidden,
    (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
