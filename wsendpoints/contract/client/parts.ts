/* What every client has: one connection, which comes back by itself. */

/** Where a client is: `"waiting"` until the next try, `"closed"` for good. */
export type State = "connecting" | "open" | "waiting" | "closed";

/**
 * What a client does once its connection has ended: it comes back, later, with another token, or
 * never.
 */
export type Comeback = "retry" | "later" | "token" | "never";

/** How a connection ended: with 1006 if there was no close frame, or it never began. */
export interface Close {
  readonly code: number;
  readonly reason: string;
}

/** The client is closed, by its own `close` or by a code that nobody comes back after. */
export class ClosedError extends Error {
  override readonly name: string = "ClosedError";
  readonly code: number;
  readonly reason: string;

  constructor({ code, reason }: Close) {
    super(reason ? `closed with ${code}: ${reason}` : `closed with ${code}`);
    this.code = code;
    this.reason = reason;
  }
}

/** The connection broke before the reply came. Whether the message was handled, nobody knows. */
export class LostError extends Error {
  override readonly name: string = "LostError";
  readonly code: number;
  readonly reason: string;

  constructor({ code, reason }: Close) {
    super(`the connection broke before the reply came, with ${code}`);
    this.code = code;
    this.reason = reason;
  }
}

/** As many messages wait as may: to be sent, or for a loop to take them. */
export class QueueFullError extends Error {
  override readonly name: string = "QueueFullError";

  constructor(messages: number) {
    super(`${messages} messages wait, and no more may`);
  }
}

/** No reply came in time. A message that was not sent by then never is. */
export class ReplyTimeoutError extends Error {
  override readonly name: string = "ReplyTimeoutError";

  constructor(milliseconds: number) {
    super(`no reply came within ${milliseconds} ms`);
  }
}

/** The server answered with an error, which is in `error` as it came. */
export class ReplyError extends Error {
  override readonly name: string = "ReplyError";
  readonly code: string | number;
  readonly error: unknown;

  constructor(code: string | number, message: string, error: unknown) {
    super(message || `${code}`);
    this.code = code;
    this.error = error;
  }
}

/** Returns what a client does after a close code of which its class says nothing. */
export function comebackAfter(code: number): Comeback {
  // A server that can't send codes below 3000 has 4008 for 1008.
  const known = code > 4000 && code <= 4015 ? code - 3000 : code;
  if ([3000, 4401].includes(known)) return "token";
  if ([1001, 1012, 1013, 4429, 4503].includes(known)) return "later";
  if ([1005, 1006, 1011, 1014, 4408].includes(known)) return "retry";
  if (known >= 4500 && known <= 4599) return "retry";
  // All else was said on purpose, and would be said again.
  return "never";
}

/** Reads and writes messages. What is bytes is in a binary frame, a string in a text frame. */
export interface Codec {
  encode(message: unknown): string | Uint8Array;
  decode(frame: string | Uint8Array): unknown;
}

/** JSON in text frames; a binary frame is the bytes that it has. */
export const json: Codec = {
  encode: (message) => (message instanceof Uint8Array ? message : JSON.stringify(message)),
  decode: (frame) => (typeof frame === "string" ? JSON.parse(frame) : frame),
};

/** Each frame as it is. */
export const plain: Codec = {
  encode: (message) => (message instanceof Uint8Array ? message : String(message)),
  decode: (frame) => frame,
};

/** What a client needs of a WebSocket. */
export interface Socket {
  binaryType: string;
  readonly protocol: string;
  readonly readyState: number;
  send(frame: any): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: string, listener: (event: any) => void): void;
}

/** Where a server is: an `http:` or `ws:` URL, or a function that is called for each try. */
export type Where = string | URL | (() => string | URL | Promise<string | URL>);

/**
 * Where an endpoint is: its own URL, or that of what it is mounted in, and its path parameters.
 * The default for `baseUrl` is the origin of the page.
 */
export type Place<Params> =
  | { readonly url: Where }
  | ({ readonly baseUrl?: Where | undefined } & ([keyof Params] extends [never]
      ? unknown
      : { readonly params: Params }));

/** The last positions that a client got of groups with a history, by the names of their classes. */
export type Positions<Group extends string> = { readonly [name in Group]?: string };

/** Returns a token, and a new one once that has expired. It is called for each try. */
export type GetToken = () => string | Promise<string>;

/** What every client may be given. Times are in milliseconds. */
export interface ClientOptions<Sent, Subprotocol extends string, Group extends string> {
  /** The subprotocols to offer, the best one first; by default all. */
  readonly subprotocols?: readonly Subprotocol[] | undefined;
  /** Returns what is sent first on each connection. */
  readonly hello?: ((positions: Positions<Group>) => readonly Sent[]) | undefined;
  /** The positions to begin with, such as those that a page has kept. */
  readonly positions?: Positions<Group> | undefined;
  /** How many messages may wait for a connection, and how many for a loop; 1000 by default. */
  readonly queue?: { readonly messages: number } | undefined;
  /**
   * Waits are random, up to a limit that doubles from `min` (1000) to `max` (30000). Tries are at
   * least a second apart, whatever these are.
   */
  readonly backoff?: { readonly min?: number; readonly max?: number } | undefined;
  /** What to do after close codes, where you know better. */
  readonly comebacks?: Readonly<Record<number, Comeback>> | undefined;
  /** The class of connections, if it is not the global one. */
  readonly WebSocket?: (new (url: string, protocols: string[]) => Socket) | undefined;
}

/** How long to wait for a reply (30000 by default, `Infinity` for ever), and what ends the wait. */
export interface RequestOptions {
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How a stream ends. You may also leave the loop, or call `return()` of what it loops over. */
export interface StreamOptions<Reply, Sent = never> {
  /** Whether a reply is the last one. */
  readonly until?: ((reply: Reply) => boolean) | undefined;
  /** Ends it with an error. */
  readonly signal?: AbortSignal | undefined;
  /** Returns what tells the server that a stream with an id was given up, if it was. */
  readonly stop?: ((id: any) => Sent) | undefined;
}

/** A message without its id, which the client chooses. */
export type WithoutId<Message, Field extends PropertyKey> = Message extends unknown
  ? Omit<Message, Field> & { readonly [key in Field & keyof Message]?: Message[key] }
  : never;

/** The values of the field that tells messages apart. */
export type Kinds<Message, Tag extends string> = [Tag] extends [never]
  ? never
  : Message extends { readonly [key in Tag]: infer Kind }
    ? Kind
    : never;

/** The messages of a kind. */
export type OfKind<Message, Tag extends string, Kind> = Message extends {
  readonly [key in Tag]: infer Own;
}
  ? Kind extends Own
    ? Message
    : never
  : never;

/** What a class of endpoints declares, as its client needs it. */
export interface Contract {
  readonly path: string;
  /** By the subprotocol, `""` for none. */
  readonly codecs: Readonly<Record<string, Codec>>;
  /** The field that tells messages apart. */
  readonly tag: string | null;
  /** The field that an answer has in common with its message, and what the client puts there. */
  readonly id: { readonly field: string; readonly kind: "text" | "number" } | null;
  /** The kinds of the replies, by those of their messages. */
  readonly replies?: Readonly<Record<string, readonly unknown[]>>;
  /** The fields of the messages that tell of an error. */
  readonly error: { readonly tag: string; readonly code: string; readonly message: string } | null;
  /** Where a token goes. */
  readonly token: "subprotocol" | { readonly query: string } | null;
  /** The notification that cancels a call of JSON-RPC. */
  readonly cancel?: { readonly method: string; readonly param: string };
  readonly comebacks: Readonly<Record<number, Comeback>>;
  /** The kinds of messages that have positions, by the groups. */
  readonly histories: Readonly<Record<string, readonly unknown[]>>;
}

/** Holds what comes until a loop takes it. */
class Inbox<T> implements AsyncIterableIterator<T> {
  readonly #bound: number;
  readonly #atEnd: () => void;
  #items: T[] = [];
  #takers: { resolve(result: IteratorResult<T>): void; reject(error: unknown): void }[] = [];
  #end: { readonly error: unknown } | null = null;

  constructor(bound: number, atEnd: () => void) {
    this.#bound = bound;
    this.#atEnd = atEnd;
  }

  put(item: T): void {
    if (this.#end) return;
    const taker = this.#takers.shift();
    if (taker) taker.resolve({ value: item, done: false });
    else if (this.#items.length < this.#bound) this.#items.push(item);
    else this.end(new QueueFullError(this.#bound));
  }

  /** Ends it after what it holds, with an error or with `null`. */
  end(error: unknown): void {
    if (this.#end) return;
    this.#end = { error };
    this.#atEnd();
    const takers = this.#takers;
    this.#takers = [];
    for (const { resolve, reject } of takers) this.next().then(resolve, reject);
  }

  async next(): Promise<IteratorResult<T>> {
    if (this.#items.length > 0) return { value: this.#items.shift() as T, done: false };
    if (!this.#end) return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }));
    const { error } = this.#end;
    this.#end = { error: null };
    if (error !== null) throw error;
    return { value: undefined, done: true };
  }

  async return(): Promise<IteratorResult<T>> {
    this.#items = [];
    this.end(null);
    this.#end = { error: null };
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** Throws where nobody catches it, as what a listener of an event throws. */
function report(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

function guarded(call: () => void): void {
  try {
    call();
  } catch (error) {
    report(error);
  }
}

/** `crypto.randomUUID` is for secure contexts alone. */
function uuid(): string {
  const digits = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte, index) => {
    const marked = index === 6 ? (byte & 0x0f) | 0x40 : index === 8 ? (byte & 0x3f) | 0x80 : byte;
    return marked.toString(16).padStart(2, "0");
  });
  return digits.join("").replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

/** Base64 for URLs, without padding, as the server reads a token. */
function base64url(text: string): string {
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * Returns a path with its parameters in it: `{name}` is one step of it, `{name:path}` any number.
 *
 * @throws TypeError One is missing, or would lead elsewhere.
 */
function filled(path: string, params: Readonly<Record<string, unknown>>): string {
  return path.replace(/\{([^{}:]+)(:path)?\}/g, (_, name: string, rest?: string) => {
    const value = params[name];
    const steps = rest ? String(value ?? "..").split("/") : [String(value ?? "")];
    if (steps.some((it) => it === "." || it === "..") || (!rest && steps[0] === "")) {
      throw new TypeError(`the path parameter ${name} can't be ${JSON.stringify(value)}`);
    }
    return steps.map(encodeURIComponent).join("/");
  });
}
