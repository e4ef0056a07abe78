// The frames of a connection, as many of them as there is place for.

import { sizeOf } from "./frames.js";

export const MAX_ENTRIES = 10_000;
const MAX_SIZE = 32_000_000;
const MAX_KEPT = 1_000_000;
// How many of the oldest go at once, so that not each new one moves all others.
const CHUNK = 500;

/**
 * @typedef {object} Entry
 * @property {number} id - counted from 1
 * @property {"sent" | "received" | "note"} direction
 * @property {number} at - milliseconds since 1970
 * @property {string | Uint8Array} data - of a long frame the first million
 * @property {number} size - of the whole frame, in bytes
 * @property {boolean} isCut
 * @property {import("./document.js").Message | null} message - what it holds
 * @property {import("./schemas.js").Problem[]} problems
 * @property {string[]} details - more lines of a note, or what an error says
 * @property {number | null} latency - milliseconds since the frame that it answers
 * @property {number | null} answers - the `id` of that
 */

/** The newest entries. */
export class Log {
  constructor() {
    this.last = 0;
    this.clear();
  }

  clear() {
    /** @type {Entry[]} */
    this.entries = [];
    this.dropped = 0;
    this.size = 0;
  }

  /** Adds an entry, and returns it. */
  add(direction, data, more = {}) {
    const entry = {
      id: ++this.last,
      direction,
      at: Date.now(),
      data: data.length > MAX_KEPT ? data.slice(0, MAX_KEPT) : data,
      size: sizeOf(data),
      isCut: data.length > MAX_KEPT,
      message: null,
      problems: [],
      details: [],
      latency: null,
      answers: null,
      ...more,
    };
    this.entries.push(entry);
    this.size += entry.data.length;
    if (this.entries.length > MAX_ENTRIES + CHUNK) this.#drop(CHUNK);
    while (this.size > MAX_SIZE) this.#drop(1);
    return entry;
  }

  #drop(count) {
    for (const entry of this.entries.splice(0, count)) this.size -= entry.data.length;
    this.dropped += count;
  }

  /** Returns those entries, oldest first, that a filter lets through. */
  filtered({ text, name, direction, until }) {
    const wanted = text.toLowerCase();
    return this.entries.filter(
      (it) =>
        it.id <= until &&
        (!direction || it.direction === direction) &&
        (!name || it.message?.name === name) &&
        (!wanted || (typeof it.data === "string" && it.data.toLowerCase().includes(wanted))),
    );
  }
}

/** Returns entries as JSON, one a line. */
export function exported(entries) {
  const lines = entries.map((it) => {
    const isText = typeof it.data === "string";
    return JSON.stringify({
      at: new Date(it.at).toISOString(),
      direction: it.direction,
      type: it.message?.name,
      [isText ? "text" : "base64"]: isText ? it.data : toBase64(it.data),
      bytes: it.size,
      cut: it.isCut || undefined,
      latency: it.latency ?? undefined,
      problems: it.problems.length ? it.problems : undefined,
      details: it.details.length ? it.details : undefined,
    });
  });
  return lines.map((it) => `${it}\n`).join("");
}

function toBase64(bytes) {
  return btoa(Array.from(bytes, (it) => String.fromCharCode(it)).join(""));
}
