// One tab: a connection to an endpoint, what was filled in for it, and its log.

import { explain, explainRefusal } from "./closing.js";
import { decode, fromHex } from "./frames.js";
import { Log } from "./log.js";
import { isStructured, match, problemsOf } from "./matching.js";
import { pack } from "./msgpack.js";
import { Replies, withId } from "./replies.js";
import { urlOf } from "./urls.js";

// Of a list of errors in a message, as many as a line has place for.
const MAX_ERRORS = 3;

let count = 0;

/** A connection, which may be opened and closed again and again. */
export class Session {
  /**
   * @param {import("./document.js").Endpoint} endpoint
   * @param {import("./schemas.js").Schemas} schemas
   * @param {URL} root
   */
  constructor(endpoint, schemas, root) {
    this.number = ++count;
    this.schemas = schemas;
    this.root = root;
    this.log = new Log();
    this.listeners = new Set();
    this.choose(endpoint);
  }

  /** Begins anew, with an endpoint. */
  choose(endpoint) {
    this.endpoint = endpoint;
    /** @type {"closed" | "connecting" | "open" | "closing"} */
    this.state = "closed";
    this.status = "Not connected";
    this.activity = "";
    this.values = {};
    this.subprotocol = endpoint.isSubprotocolRequired ? endpoint.subprotocols[0] : "";
    this.replies = new Replies(endpoint);
    this.log.clear();
    this.draft(endpoint.sent[0] ?? null);
  }

  /** Calls a function when something changes, and returns what ends that. */
  listen(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Tells all listeners of a change, which may be one of many. */
  changed(isOneOfMany = false) {
    for (const listener of this.listeners) listener(isOneOfMany);
  }

  // The connection.

  get url() {
    return urlOf(this.root, this.endpoint, this.values);
  }

  /** The encoding of messages on the connection. */
  get encoding() {
    return this.endpoint.encodings[this.subprotocol];
  }

  connect() {
    const started = performance.now();
    const url = this.url;
    let socket;
    try {
      socket = new WebSocket(url, this.subprotocol ? [this.subprotocol] : []);
    } catch (error) {
      this.note(`No connection: ${error.message}`);
      return;
    }
    let isOpened = false;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => {
      isOpened = true;
      this.state = "open";
      const spoken = socket.protocol ? ` with subprotocol ${socket.protocol}` : "";
      this.note(`Connected to ${url}${spoken} after ${Math.round(performance.now() - started)} ms`);
      this.say("Connected");
    });
    socket.addEventListener("message", ({ data }) => {
      this.received(typeof data === "string" ? data : new Uint8Array(data));
    });
    socket.addEventListener("close", (event) => this.#closed(event, isOpened));
    this.socket = socket;
    this.replies = new Replies(this.endpoint);
    this.state = "connecting";
    this.say("Connecting…");
  }

  close(code = 1000) {
    if (!this.socket || this.state === "closed") return;
    this.state = "closing";
    this.say("Closing…");
    this.socket.close(code);
  }

  #closed({ code, reason }, isOpened) {
    this.state = "closed";
    this.socket = null;
    this.replies = new Replies(this.endpoint);
    if (!isOpened) {
      this.note("The connection was not opened", explainRefusal(this.endpoint));
      this.say("Not connected: the handshake was refused");
      return;
    }
    const { title, meanings } = explain(this.endpoint, code);
    const said = reason && ` and the reason “${reason}”`;
    this.note(`Closed with ${title}${said}`, meanings);
    this.say(`Closed with ${title}`);
  }

  /** Shows what has become of the connection. */
  say(status) {
    this.status = status;
    this.changed();
  }

  /** Tells those who hear the page what has happened in the log. */
  tell(activity) {
    this.activity = activity;
    this.changed(true);
  }

  note(text, details = []) {
    this.log.add("note", text, { details });
  }

  // Frames.

  /** Sends a frame. */
  send(data) {
    if (this.state !== "open") return;
    const { endpoint, schemas } = this;
    const { message, value, problems } = match(
      endpoint,
      endpoint.sent,
      data,
      schemas,
      this.encoding,
    );
    const entry = this.log.add("sent", data, { message, problems });
    this.replies.sent(entry, value, performance.now());
    this.socket.send(data);
    this.tell(`Sent ${message?.name ?? "a message"}`);
  }

  received(data) {
    const now = performance.now();
    const { endpoint, schemas } = this;
    const { message, value, problems } = match(
      endpoint,
      endpoint.received,
      data,
      schemas,
      this.encoding,
      (it) => this.replies.expected(it),
    );
    const entry = this.log.add("received", data, { message, problems });
    if (message?.errorCodes) entry.details = errorsIn(value, message.errorCodes);
    Object.assign(entry, this.replies.received(entry, value, now));
    this.tell(`Received ${message?.name ?? "a message"}`);
  }

  /** Stops a stream: by the endpoint's own message for that, or else with the connection. */
  stop(stream) {
    this.replies.forget(stream);
    const { stop } = this.endpoint;
    if (!stop) {
      this.close();
      return;
    }
    const message = withId(stop, stream.id);
    this.send(this.encoding === "msgpack" ? pack(message) : JSON.stringify(message));
  }

  // The draft of a message.

  /** Begins a message with an example. */
  draft(message, example = message?.example) {
    const isText = message !== null && !isStructured(message);
    this.message = message;
    this.kind = this.usualKind;
    this.text = isText ? String(example ?? "") : JSON.stringify(example ?? {}, null, 2);
    this.changed();
  }

  /** The kind of frame that the message is usually in. */
  get usualKind() {
    if (this.message?.contentType === "application/octet-stream") return "binary";
    const isPlain = this.message !== null && !isStructured(this.message);
    return this.encoding === "msgpack" && !isPlain ? "msgpack" : "text";
  }

  /** Answers a question of the server's. */
  answer(question) {
    const [message] = this.endpoint.answers.get(question.message);
    this.draft(message, withId(message, question.id));
  }

  /** Returns the frame of the draft; throws an Error where there is none. */
  frame() {
    if (this.kind === "hex") return fromHex(this.text);
    if (this.kind === "msgpack") return pack(JSON.parse(this.text));
    return this.kind === "binary" ? new TextEncoder().encode(this.text) : this.text;
  }

  /** Returns what is wrong with the draft. */
  problems() {
    let data;
    try {
      data = this.frame();
    } catch (error) {
      return [{ path: "", reason: `is no frame: ${error.message}` }];
    }
    const { message, schemas } = this;
    if (message === null)
      return match(this.endpoint, this.endpoint.sent, data, schemas, this.encoding).problems;
    if (message.contentType === "application/octet-stream") return [];
    if (!isStructured(message)) return problemsOf(message, this.text, schemas);
    try {
      return problemsOf(message, decode(data, this.encoding), schemas);
    } catch (error) {
      return [{ path: "", reason: `is no ${this.encoding}: ${error.message}` }];
    }
  }
}

/** Returns what a message says of an error. */
function errorsIn(value, codes) {
  const values = Object.values(value ?? {});
  const errors = values
    .filter(Array.isArray)
    .flat()
    .filter((it) => it?.msg);
  const meanings = values.map((it) => codes[it]).filter(Boolean);
  return [
    ...errors.slice(0, MAX_ERRORS).map((it) => `${[it.loc].flat().join(".")}: ${it.msg}`),
    ...meanings,
  ];
}
