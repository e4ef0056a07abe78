// What is in a frame, for people: text, JSON with its numbers as they came, or bytes.

import { unpack } from "./msgpack.js";

const MAX_PREVIEW = 300;

/** Returns the value of a frame in JSON, or in MessagePack; throws an Error if there is none. */
export function decode(data, encoding) {
  if (encoding === "msgpack" && typeof data !== "string") return unpack(data);
  const text =
    typeof data === "string" ? data : new TextDecoder("utf-8", { fatal: true }).decode(data);
  return JSON.parse(text);
}

/** Returns how long a frame is, in bytes. */
export function sizeOf(data) {
  if (typeof data !== "string") return data.length;
  let size = data.length;
  for (let index = 0; index < data.length; index++) {
    const code = data.charCodeAt(index);
    // Each half of a pair of surrogates is two of the four bytes of its character.
    if (code > 0x7f) size += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
  }
  return size;
}

/** Returns a size as people write it. */
export function written(size) {
  if (size < 1000) return `${size} B`;
  return size < 1_000_000
    ? `${(size / 1000).toFixed(1)} kB`
    : `${(size / 1_000_000).toFixed(1)} MB`;
}

/** Returns a text with a picture for each control character, which would be nothing, or worse. */
export function visible(text) {
  return text.replace(/[\0-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (it) =>
    it === "\x7f"
      ? "␡"
      : it < " "
        ? String.fromCharCode(0x2400 + it.charCodeAt(0))
        : `\\u${it.charCodeAt(0).toString(16)}`,
  );
}

/** Returns a frame on one line, as much of it as a line has place for. */
export function preview(data) {
  if (typeof data !== "string") return toHex(data.subarray(0, 64)) + (data.length > 64 ? "…" : "");
  const cut = data.slice(0, MAX_PREVIEW);
  return visible(cut.replaceAll(/\s+/g, " ")) + (data.length > MAX_PREVIEW ? "…" : "");
}

/**
 * Returns JSON with one value a line; a text that is no JSON as it is.
 *
 * All but the space between its parts stays as it came: a number too, however many digits it has.
 */
export function indented(text) {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  let depth = 0;
  let result = "";
  const line = () => `\n${"  ".repeat(depth)}`;
  for (const [part] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[{]\s*[\]}]|[[\]{},:]|[^\s[\]{},:"]+/g)) {
    if (part === "[" || part === "{") {
      depth += 1;
      result += part + line();
    } else if (part === "]" || part === "}") {
      depth -= 1;
      result += line() + part;
    } else if (part === ",") {
      result += part + line();
    } else if (part === ":") {
      result += ": ";
    } else {
      result += part.length > 2 && /^[[{]/.test(part) ? part[0] + part.at(-1) : part;
    }
  }
  return result;
}

/** Returns bytes as hexadecimal digits, in pairs. */
export function toHex(bytes) {
  return Array.from(bytes, (it) => it.toString(16).padStart(2, "0")).join(" ");
}

/** Returns the bytes that hexadecimal digits stand for; throws an Error if they stand for none. */
export function fromHex(text) {
  const digits = text.replaceAll(/\s+/g, "");
  if (/[^0-9a-f]/i.test(digits)) throw new Error("use the digits 0 to 9 and a to f");
  if (digits.length % 2) throw new Error("each byte has two digits");
  return Uint8Array.from(digits.match(/../g) ?? [], (it) => parseInt(it, 16));
}

/** Returns bytes as a table: where, in hexadecimal digits, as ASCII. */
export function dumped(bytes) {
  const lines = [];
  for (let start = 0; start < bytes.length; start += 16) {
    const some = bytes.subarray(start, start + 16);
    const ascii = Array.from(some, (it) => (it > 31 && it < 127 ? String.fromCharCode(it) : "."));
    lines.push(
      `${start.toString(16).padStart(6, "0")}  ${toHex(some).padEnd(47)}  ${ascii.join("")}`,
    );
  }
  return lines.join("\n");
}
