type Handler = (message: any) => void;

/** A message that waits for a connection, and what is told why it can't be sent. */
interface Waiting {
  readonly message: unknown;
  isSent: boolean;
  readonly fail: (error: unknown) => void;
}

/** A message that waits for its reply. */
interface Pending {
  readonly waiting: Waiting;
  readonly take: (reply: unknown) => void;
  readonly fail: (error: unknown) => void;
}

/** The client of one endpoint: it connects when it is made, and comes back until it is closed. */
export abstract class Client<
  Sent,
  Received,
  Tag extends string = never,
  Group extends string = never,
> implements AsyncIterable<Received>
{
  readonly #contract: Contract;
  readonly #hello: ((positions: object) => readonly unknown[]) | undefined;
  readonly #bound: number;
  readonly #link: Link;
  readonly #handlers = new Map<unknown, Set<Handler>>();
  readonly #anyHandlers = new Set<Handler>();
  readonly #stateHandlers = new Set<(state: State) => void>();
  readonly #answers = new Map<unknown, (question: any) => unknown>();
  readonly #pending = new Map<unknown, Pending>();
  readonly #inboxes = new Set<Inbox<Received>>();
  #readies: { resolve(): void; reject(error: ClosedError): void }[] = [];
  #queue: Waiting[] = [];
  #ids = 0;

  protected constructor(contract: Contract, options: ClientOptions<any, string, string>) {
    this.#contract = contract;
    this.#hello = options.hello;
    this.#bound = options.queue?.messages ?? 1000;
    this.#link = new Link(contract, options, {
      opened: () => this.#flush(),
      received: (message) => this.#receive(message),
      lost: (close) => this.#fail(new LostError(close), (it) => it.waiting.isSent),
      changed: (state) => this.#change(state),
    });
  }

  /** Where it is now. */
  get state(): State {
    return this.#link.state;
  }

  /** How its last connection, or try, ended; `null` if none has. */
  get lastClose(): Close | null {
    return this.#link.lastClose;
  }

  /** The last positions that it got of groups with a history, by the names of their classes. */
  get positions(): Positions<Group> {
    return { ...this.#link.positions } as Positions<Group>;
  }

  /**
   * Sends a message: at once, or in its order as soon as there is a connection. It is sent once,
   * and may be lost with its connection.
   *
   * @throws QueueFullError As many wait as may.
   * @throws ClosedError The client is closed.
   */
  send(message: Sent): void {
    this.#post(message, report);
  }

  /** Calls a function with each message of a kind, until what it returns is called. */
  on<Kind extends Kinds<Received, Tag>>(
    kind: Kind,
    handler: (message: OfKind<Received, Tag, Kind>) => void,
  ): () => void {
    const handlers = this.#handlers.get(kind) ?? new Set();
    this.#handlers.set(kind, handlers.add(handler));
    return () => void handlers.delete(handler);
  }

  /** Calls a function with each message, until what it returns is called. */
  onMessage(handler: (message: Received) => void): () => void {
    this.#anyHandlers.add(handler);
    return () => void this.#anyHandlers.delete(handler);
  }

  /** Calls a function with each new state, until what it returns is called. */
  onState(handler: (state: State) => void): () => void {
    this.#stateHandlers.add(handler);
    return () => void this.#stateHandlers.delete(handler);
  }

  /**
   * Yields each message from now on, over all connections.
   *
   * @throws ClosedError The client is closed.
   * @throws QueueFullError As many wait for the loop as may.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Received> {
    const inbox: Inbox<Received> = new Inbox(this.#bound, () => this.#inboxes.delete(inbox));
    if (this.#link.isClosed) inbox.end(this.#link.closedError);
    else this.#inboxes.add(inbox);
    return inbox;
  }

  /**
   * Waits until there is a connection.
   *
   * @throws ClosedError There will be none.
   */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.state === "open") resolve();
      else if (this.#link.isClosed) reject(this.#link.closedError);
      else this.#readies.push({ resolve, reject });
    });
  }

  /** Gives the connection up for another one; if it waits for its next try, that is made now. */
  reconnect(): void {
    this.#link.reconnect();
  }

  /** Closes for good. What waits to be sent is dropped. */
  close(code: number = 1000, reason: string = ""): void {
    this.#link.close({ code, reason });
  }

  // For the classes of endpoints, which give them their types.

  /** Sends a message with an id, and waits for the reply with the same one. */
  protected requesting(message: any, options: RequestOptions = {}): Promise<any> {
    const { timeout = 30_000, signal } = options;
    return new Promise((resolve, reject) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const settle = (done: () => void): void => {
        clearTimeout(timer);
        done();
      };
      const forget = this.#ask(message, signal, {
        take: (reply) => {
          forget(null);
          settle(() => resolve(reply));
        },
        fail: (error) => settle(() => reject(error)),
      });
      timer = setTimeout(() => forget(new ReplyTimeoutError(timeout)), timeout);
    });
  }

  /** Sends a message with an id, and yields the replies with the same one. */
  protected streaming(message: any, options: StreamOptions<any> = {}): AsyncIterableIterator<any> {
    let forget: (error: unknown) => void = () => {};
    const inbox: Inbox<unknown> = new Inbox(this.#bound, () => forget(null));
    forget = this.#ask(message, options.signal, {
      take: (reply) => {
        inbox.put(reply);
        if (options.until?.(reply)) inbox.end(null);
      },
      fail: (error) => inbox.end(error),
    });
    return inbox;
  }

  /** Answers the questions of a kind; `undefined` where nothing tells messages apart. */
  protected answering(kind: unknown, handler: (question: any) => unknown): () => void {
    this.#answers.set(kind, handler);
    return () => {
      if (this.#answers.get(kind) === handler) this.#answers.delete(kind);
    };
  }

  // What is sent.

  #post(message: unknown, fail: (error: unknown) => void): Waiting {
    if (this.#link.isClosed) throw this.#link.closedError;
    if (this.#link.transmit(message)) return { message, isSent: true, fail };
    if (this.#queue.length >= this.#bound) throw new QueueFullError(this.#bound);
    // A copy: what is sent later is what was given now.
    const waiting = { message: structuredClone(message), isSent: false, fail };
    this.#queue.push(waiting);
    return waiting;
  }

  #flush(): void {
    guarded(() => this.#hello?.(this.positions).forEach((it) => this.#post(it, report)));
    const queue = this.#queue;
    this.#queue = [];
    for (const waiting of queue) {
      try {
        waiting.isSent = this.#link.transmit(waiting.message);
        if (!waiting.isSent) this.#queue.push(waiting);
      } catch (error) {
        waiting.fail(error);
      }
    }
  }

  /** Returns the function that forgets of it, and fails it unless it is given `null`. */
  #ask(
    message: any,
    signal: AbortSignal | undefined,
    { take, fail }: Omit<Pending, "waiting">,
  ): (error: unknown) => void {
    const { field, kind } = this.#contract.id ?? { field: "id", kind: "text" };
    const id: unknown = message[field] ?? (kind === "number" ? ++this.#ids : uuid());
    let waiting: Waiting | null = null;
    const forget = (error: unknown): void => {
      if (waiting === null) return;
      const own = waiting;
      waiting = null;
      this.#pending.delete(id);
      this.#queue = this.#queue.filter((it) => it !== own);
      signal?.removeEventListener("abort", abort);
      if (error !== null) fail(error);
    };
    const abort = (): void => forget(signal?.reason);
    try {
      signal?.throwIfAborted();
      if (this.#pending.has(id)) throw new TypeError(`the id ${id} is that of another request`);
      waiting = this.#post({ ...message, [field]: id }, forget);
      this.#pending.set(id, { waiting, take, fail: forget });
      signal?.addEventListener("abort", abort);
    } catch (error) {
      fail(error);
    }
    return forget;
  }

  #fail(error: Error, isMeant: (pending: Pending) => boolean): void {
    for (const pending of [...this.#pending.values()].filter(isMeant)) pending.fail(error);
  }

  // What comes.

  #receive(message: any): void {
    const { tag, id: correlation, error } = this.#contract;
    const isObject = typeof message === "object" && message !== null;
    const kind: unknown = tag !== null && isObject ? message[tag] : undefined;
    const id: unknown = correlation !== null && isObject ? message[correlation.field] : undefined;
    const pending = this.#pending.get(id);
    const answer = id === undefined || id === null ? undefined : this.#answers.get(kind);
    if (pending && error !== null && message[error.tag] === "error") {
      const text = String(message[error.message] ?? "");
      pending.fail(new ReplyError(message[error.code], text, message));
    } else if (pending) {
      pending.take(message);
    } else if (answer) {
      void this.#answer(message, id, answer);
    } else {
      if (isObject && typeof message.position === "string") this.#note(kind, message.position);
      for (const handler of [...(this.#handlers.get(kind) ?? []), ...this.#anyHandlers]) {
        guarded(() => handler(message));
      }
      for (const inbox of [...this.#inboxes]) inbox.put(message);
    }
  }

  async #answer(question: any, id: unknown, handler: (question: any) => unknown): Promise<void> {
    const { socket } = this.#link;
    try {
      const answer: any = await handler(question);
      // A question ends with its connection.
      if (socket !== null && this.#link.socket === socket) {
        this.#link.transmit({ ...answer, [this.#contract.id?.field ?? "id"]: id });
      }
    } catch (error) {
      report(error);
    }
  }

  #note(kind: unknown, position: string): void {
    for (const [group, kinds] of Object.entries(this.#contract.histories)) {
      if (kinds.includes(kind)) this.#link.positions[group] = position;
    }
  }

  // Where it is.

  #change(state: State): void {
    for (const handler of [...this.#stateHandlers]) guarded(() => handler(state));
    if (state !== "open" && state !== "closed") return;
    const readies = this.#readies;
    this.#readies = [];
    if (state === "open") {
      for (const { resolve } of readies) resolve();
      return;
    }
    const error = this.#link.closedError;
    this.#queue = [];
    this.#fail(error, () => true);
    for (const inbox of [...this.#inboxes]) inbox.end(error);
    for (const { reject } of readies) reject(error);
  }
}
