/** The client of one endpoint: it connects when it is made, and comes back until it is closed. */
export abstract class Client<
    Sent,
    Received,
    Tag extends string = never,
    Group extends string = never,
  >
  extends Session<Group>
  implements AsyncIterable<Received>
{
  readonly #handlers = new Map<unknown, Set<Handler>>();
  readonly #anyHandlers = new Set<Handler>();
  readonly #answers = new Map<unknown, (question: any) => unknown>();
  readonly #inboxes = new Set<Inbox<Received>>();
  #ids = 0;

  /**
   * Sends a message: at once, or in its order as soon as there is a connection. It is sent once,
   * and may be lost with its connection.
   *
   * @throws QueueFullError As many wait as may.
   * @throws ClosedError The client is closed.
   */
  send(message: Sent): void {
    this.post(message);
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

  /**
   * Yields each message from now on, over all connections.
   *
   * @throws ClosedError The client is closed.
   * @throws QueueFullError As many wait for the loop as may.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Received> {
    const inbox: Inbox<Received> = new Inbox(this.bound, () => this.#inboxes.delete(inbox));
    const { closedError } = this;
    if (closedError === null) this.#inboxes.add(inbox);
    else inbox.end(closedError);
    return inbox;
  }

  // For the classes of endpoints, which give them their types.

  /** Sends a message with an id, and waits for the reply with the same one. */
  protected requesting(message: any, options: RequestOptions = {}): Promise<any> {
    const [id, whole] = this.#withId(message);
    return this.asked(id, whole, options, this.#kindsOfReplies(whole));
  }

  /** Sends a message with an id, and yields the replies with the same one. */
  protected streaming(
    message: any,
    options: StreamOptions<any, any> = {},
  ): AsyncIterableIterator<any> {
    const { until, signal, stop } = options;
    const [id, whole] = this.#withId(message);
    let isOver = false;
    let asking: Asking | null = null;
    const inbox: Inbox<unknown> = new Inbox(this.bound, () => {
      asking?.forget(null);
      if (stop && !isOver && asking?.isSent) guarded(() => this.post(stop(id)));
    });
    const waiter: Pending = {
      take: (reply) => {
        inbox.put(reply);
        isOver = until?.(reply) ?? false;
        if (isOver) inbox.end(null);
      },
      fail: (error) => {
        // Unless it is given up here, the server has ended it, or its connection has.
        isOver = !signal?.aborted;
        inbox.end(error);
      },
    };
    asking = this.ask(id, whole, signal, waiter, this.#kindsOfReplies(whole));
    return inbox;
  }

  /** Answers the questions of a kind; `undefined` where nothing tells messages apart. */
  protected answering(kind: unknown, handler: (question: any) => unknown): () => void {
    this.#answers.set(kind, handler);
    return () => {
      if (this.#answers.get(kind) === handler) this.#answers.delete(kind);
    };
  }

  #withId(message: any): [unknown, object] {
    const { field, kind } = this.contract.id ?? { field: "id", kind: "text" };
    const id: unknown = message[field] ?? (kind === "number" ? ++this.#ids : uuid());
    return [id, { ...message, [field]: id }];
  }

  #kindsOfReplies(message: any): readonly unknown[] | null {
    const { tag, replies = {} } = this.contract;
    const kind = tag === null ? undefined : String(message[tag]);
    return kind !== undefined && Object.hasOwn(replies, kind) ? (replies[kind] ?? null) : null;
  }

  // What comes.

  protected override receive(message: any): void {
    const { tag, id: correlation, error } = this.contract;
    const isObject = typeof message === "object" && message !== null;
    const kind: unknown = tag !== null && isObject ? message[tag] : undefined;
    const id: unknown = correlation !== null && isObject ? message[correlation.field] : undefined;
    const pending = this.pending(id, kind);
    const answer = id === undefined || id === null ? undefined : this.#answers.get(kind);
    if (pending && error !== null && message[error.tag] === "error") {
      const text = String(message[error.message] ?? "");
      pending.fail(new ReplyError(message[error.code], text, message));
    } else if (pending) {
      pending.take(message);
    } else if (answer) {
      void this.postOnThis(this.#answered(message, id, answer));
    } else {
      if (isObject && typeof message.position === "string") this.#note(kind, message.position);
      for (const handler of [...(this.#handlers.get(kind) ?? []), ...this.#anyHandlers]) {
        guarded(() => handler(message));
      }
      for (const inbox of [...this.#inboxes]) inbox.put(message);
    }
  }

  async #answered(question: any, id: unknown, handler: (it: any) => unknown): Promise<object> {
    const answer: any = await handler(question);
    return { ...answer, [this.contract.id?.field ?? "id"]: id };
  }

  #note(kind: unknown, position: string): void {
    for (const [group, kinds] of Object.entries(this.contract.histories)) {
      if (kinds.includes(kind)) this.note(group, position);
    }
  }

  protected override ended(error: ClosedError): void {
    for (const inbox of [...this.#inboxes]) inbox.end(error);
  }
}
