type Handler = (message: any) => void;

/** A message that waits for a connection, and what is told why it can't be sent. */
interface Waiting {
  readonly message: unknown;
  isSent: boolean;
  readonly fail: (error: unknown) => void;
}

/** What takes the replies to a message, or what comes in their place. */
interface Pending {
  readonly take: (reply: any) => void;
  readonly fail: (error: unknown) => void;
}

/** A message that was asked, and the kinds of its replies; `null` if nothing tells them. */
interface Asked extends Pending {
  readonly waiting: Waiting;
  readonly kinds: readonly unknown[] | null;
}

/** Whoever asked; `isSent` holds also once nobody waits any more. */
interface Asking {
  readonly isSent: boolean;
  /** Waits no more, and fails unless it is given `null`. */
  forget(error: unknown): void;
}

/** What timers can't wait for. */
const LONGEST = 2 ** 31;

/** What is sent and asked over connections that come and go, whatever is said on them. */
abstract class Session<Group extends string> {
  /** What the class of endpoints declares. */
  protected readonly contract: Contract;
  /** How many messages may wait. */
  protected readonly bound: number;
  readonly #hello: ((positions: object) => readonly unknown[]) | undefined;
  readonly #link: Link;
  readonly #stateHandlers = new Set<(state: State) => void>();
  readonly #pending = new Map<unknown, readonly Asked[]>();
  #readies: { resolve(): void; reject(error: ClosedError): void }[] = [];
  #queue: Waiting[] = [];

  protected constructor(contract: Contract, options: ClientOptions<any, string, string>) {
    this.contract = contract;
    this.bound = options.queue?.messages ?? 1000;
    this.#hello = options.hello;
    this.#link = new Link(contract, options, {
      opened: () => this.#flush(),
      received: (message) => this.receive(message),
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

  /** Calls a function with each new state, until what it returns is called. */
  onState(handler: (state: State) => void): () => void {
    this.#stateHandlers.add(handler);
    return () => void this.#stateHandlers.delete(handler);
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

  /** Is called with each message that comes. */
  protected abstract receive(message: any): void;

  /** Is called at the end. */
  protected ended(_error: ClosedError): void {}

  /** Returns what is sent for what an application says first. */
  protected written(message: any): unknown {
    return message;
  }

  /** Why it is closed; `null` if it is not. */
  protected get closedError(): ClosedError | null {
    return this.#link.isClosed ? this.#link.closedError : null;
  }

  /**
   * What takes the reply with an id: who asked for one of its kind. What is a reply to nothing, such
   * as an error, is for whoever asked last.
   */
  protected pending(id: unknown, kind?: unknown): Pending | undefined {
    const asked = this.#pending.get(id);
    if (asked === undefined) return undefined;
    const own = asked.find(({ kinds }) => kinds === null || kinds.includes(kind));
    const isReply = Object.values(this.contract.replies ?? {}).some((it) => it.includes(kind));
    return own ?? (isReply ? undefined : asked[asked.length - 1]);
  }

  /** Remembers how far a group has come. */
  protected note(group: string, position: string): void {
    this.#link.positions[group] = position;
  }

  protected post(message: unknown, fail: (error: unknown) => void = report): Waiting {
    if (this.#link.isClosed) throw this.#link.closedError;
    if (this.#link.transmit(message)) return { message, isSent: true, fail };
    if (this.#queue.length >= this.bound) throw new QueueFullError(this.bound);
    // A copy: what is sent later is what was given now.
    const waiting = { message: structuredClone(message), isSent: false, fail };
    this.#queue.push(waiting);
    return waiting;
  }

  /** Sends what a promise becomes, unless its connection has ended by then. */
  protected async postOnThis(message: Promise<unknown>): Promise<void> {
    const { socket } = this.#link;
    try {
      const found = await message;
      if (socket !== null && this.#link.socket === socket) this.#link.transmit(found);
    } catch (error) {
      report(error);
    }
  }

  /** Sends a message whose replies have an id, and are of some kinds. */
  protected ask(
    id: unknown,
    message: unknown,
    signal: AbortSignal | undefined,
    { take, fail }: Pending,
    kinds: readonly unknown[] | null = null,
  ): Asking {
    let asked: Asked | null = null;
    let waiting: Waiting | null = null;
    const others = (): readonly Asked[] => this.#pending.get(id)?.filter((it) => it !== asked) ?? [];
    const forget = (error: unknown): void => {
      if (asked === null) return;
      const rest = others();
      asked = null;
      if (rest.length > 0) this.#pending.set(id, rest);
      else this.#pending.delete(id);
      this.#queue = this.#queue.filter((it) => it !== waiting);
      signal?.removeEventListener("abort", abort);
      if (error !== null) fail(error);
    };
    const abort = (): void => forget(signal?.reason);
    try {
      signal?.throwIfAborted();
      const rest = others();
      if (rest.some((it) => !it.kinds || !kinds || it.kinds.some((kind) => kinds.includes(kind)))) {
        throw new TypeError(`the id ${id} is that of another request`);
      }
      waiting = this.post(message, forget);
      asked = { waiting, kinds, take, fail: forget };
      this.#pending.set(id, [...rest, asked]);
      signal?.addEventListener("abort", abort);
    } catch (error) {
      fail(error);
    }
    return {
      get isSent() {
        return waiting?.isSent ?? false;
      },
      forget,
    };
  }

  /** Asks for one reply. */
  protected asked(
    id: unknown,
    message: unknown,
    options: RequestOptions = {},
    kinds: readonly unknown[] | null = null,
  ): Promise<any> {
    const { timeout = 30_000, signal } = options;
    return new Promise((resolve, reject) => {
      const late = (): void => asking.forget(new ReplyTimeoutError(timeout));
      const timer = timeout < LONGEST ? setTimeout(late, timeout) : undefined;
      const waiter: Pending = {
        take: (reply) => {
          clearTimeout(timer);
          asking.forget(null);
          resolve(reply);
        },
        fail: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      const asking = this.ask(id, message, signal, waiter, kinds);
    });
  }

  #flush(): void {
    guarded(() => this.#hello?.(this.positions).forEach((it) => this.post(this.written(it))));
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

  #fail(error: Error, isMeant: (asked: Asked) => boolean): void {
    for (const asked of [...this.#pending.values()].flat().filter(isMeant)) asked.fail(error);
  }

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
    for (const { reject } of readies) reject(error);
    this.ended(error);
  }
}
