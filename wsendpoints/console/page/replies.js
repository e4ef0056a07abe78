// What belongs together: a frame and its answers, a stream and its items, the server's open questions.

const MAX_WAITING = 1000;
const MAX_SHOWN = 20;

/**
 * Knows the frames that wait for an answer.
 *
 * An answer has the id of what it answers, where messages have ids. Of others it is told by their
 * order alone: what comes next answers the first that waits.
 */
export class Replies {
  constructor(endpoint) {
    this.endpoint = endpoint;
    /** @type {{id: *, entry: number, start: number}[]} */
    this.waiting = [];
    /** @type {{id: *, message: object, entry: number, items: number}[]} */
    this.streams = [];
    /** @type {{id: *, message: object, entry: number}[]} */
    this.questions = [];
  }

  /** Notes what was sent. */
  sent(entry, value, now) {
    const id = idOf(entry.message, value);
    this.questions = this.questions.filter((it) => !this.#isAnswer(entry.message, id, it));
    this.waiting.push({ id, entry: entry.id, start: now });
    if (this.waiting.length > MAX_WAITING) this.waiting.shift();
    if (this.endpoint.streams.has(entry.message)) {
      this.streams = [
        ...this.streams,
        { id, message: entry.message, entry: entry.id, items: 0 },
      ].slice(-MAX_SHOWN);
    }
  }

  /** Notes what came, and returns what it answers: the number of that entry, and after how long. */
  received(entry, value, now) {
    const id = idOf(entry.message, value);
    if (this.endpoint.answers.has(entry.message)) {
      this.questions = [...this.questions, { id, message: entry.message, entry: entry.id }].slice(
        -MAX_SHOWN,
      );
      return { answers: null, latency: null };
    }
    const stream = this.streams.find(
      (it) => id === it.id && (id !== null || it === this.streams.at(-1)),
    );
    if (stream) stream.items += 1;
    const index = this.waiting.findIndex((it) => (id === null ? it.id === null : it.id === id));
    if (index < 0) return { answers: stream?.entry ?? null, latency: null };
    const [{ entry: answers, start }] = this.waiting.splice(index, 1);
    return { answers, latency: now - start };
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
