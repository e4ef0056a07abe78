// What belongs together: a frame and its answers, a stream and its items, the server's open questions.

const MAX_WAITING = 1000;
const MAX_SHOWN = 20;
// Milliseconds, for what has no id: it may never be answered.
const MAX_WAIT = 10_000;

/**
 * Knows the frames that wait for an answer.
 *
 * An answer has the id of what it answers, where messages have ids. Of others it is told by what is
 * declared, and by their order: what comes next answers the first that waits.
 */
export class Replies {
  /** @param {import("./document.js").Endpoint} endpoint */
  constructor(endpoint) {
    this.endpoint = endpoint;
    const all = [...endpoint.sent, ...endpoint.received];
    this.field = all.find((it) => it.correlation)?.correlation;
    /** @type {{id: *, message: object, entry: number, start: number}[]} */
    this.waiting = [];
    /** @type {{id: *, message: object, entry: number, items: number}[]} */
    this.streams = [];
    /** @type {{id: *, message: object, entry: number}[]} */
    this.questions = [];
  }

  /** Notes what was sent. */
  sent({ id: entry, message }, value, now) {
    const id = idOf(message, value);
    this.questions = this.questions.filter((it) => !this.#isAnswer(message, id, it));
    this.waiting = [...this.waiting, { id, message, entry, start: now }].slice(-MAX_WAITING);
    if (this.endpoint.streams.has(message)) {
      this.streams = [...this.streams, { id, message, entry, items: 0 }].slice(-MAX_SHOWN);
    }
  }

  /** Returns the messages that a value may be by its id. */
  expected(value) {
    const id = this.field && typeof value === "object" ? value?.[this.field] : undefined;
    const known = [...this.waiting, ...this.streams].find((it) => it.id !== null && it.id === id);
    return this.endpoint.replies.get(known?.message) ?? [];
  }

  /** Notes what came, and returns what it answers: the number of that entry, and after how long. */
  received({ id: entry, message }, value, now) {
    const id = idOf(message, value);
    if (this.endpoint.answers.has(message)) {
      this.questions = [...this.questions, { id, message, entry }].slice(-MAX_SHOWN);
      return { answers: null, latency: null };
    }
    const stream = this.streams.find(
      (it) => id === it.id && (id !== null || it === this.streams.at(-1)),
    );
    if (stream) stream.items += 1;
    this.waiting = this.waiting.filter((it) => it.id !== null || now - it.start < MAX_WAIT);
    const open = this.waiting.filter((it) => it.id === id);
    const found =
      open.find((it) => this.endpoint.replies.get(it.message)?.includes(message)) ?? open[0];
    if (!found) return { answers: stream?.entry ?? null, latency: null };
    this.waiting = this.waiting.filter((it) => it !== found);
    return { answers: found.entry, latency: now - found.start };
  }

  /** Forgets a stream, or a question. */
  forget(it) {
    this.streams = this.streams.filter((other) => other !== it);
    this.questions = this.questions.filter((other) => other !== it);
  }

  #isAnswer(message, id, question) {
    return this.endpoint.answers.get(question.message).includes(message) && id === question.id;
  }
}

/** Returns the id that a message has: `null` for none. */
export function idOf(message, value) {
  const id =
    message?.correlation && typeof value === "object" ? value?.[message.correlation] : null;
  return id ?? null;
}

/** Returns the example of a message as the answer to something with an id. */
export function withId(message, id) {
  const example = message.example ?? {};
  const isObject = typeof example === "object" && example !== null && !Array.isArray(example);
  return isObject && message.correlation && id !== null
    ? { ...example, [message.correlation]: id }
    : example;
}
