/** A call without an answer, as `hello` returns it. */
export interface Notification {
  readonly method: string;
  readonly params?: object | undefined;
}

/** The errors that a client answers with itself: https://www.jsonrpc.org/specification */
const METHOD_NOT_FOUND = { code: -32601, message: "Method not found" };
const INTERNAL_ERROR = { code: -32603, message: "Internal error" };

/** The client of an endpoint that speaks JSON-RPC 2.0. */
export abstract class JsonRpcClient<Group extends string = never> extends Session<Group> {
  readonly #handlers = new Map<string, Set<Handler>>();
  readonly #answers = new Map<string, (params: any) => unknown>();
  #ids = 0;

  /** Calls a function with the params of each notification, until what it returns is called. */
  on(method: string, handler: (params: unknown) => void): () => void {
    const handlers = this.#handlers.get(method) ?? new Set();
    this.#handlers.set(method, handlers.add(handler));
    return () => void handlers.delete(handler);
  }

  /**
   * Answers calls of a method with what a function returns, until what this returns is called.
   *
   * If it throws a `ReplyError`, that is the answer; if anything else, an internal error.
   */
  answer(method: string, handler: (params: unknown) => unknown): () => void {
    this.#answers.set(method, handler);
    return () => {
      if (this.#answers.get(method) === handler) this.#answers.delete(method);
    };
  }

  /** Calls a method. What is given up is cancelled, where the server has a notification for it. */
  protected async calling(method: string, params: any, options?: RequestOptions): Promise<any> {
    const id = ++this.#ids;
    try {
      return await this.asked(id, this.written({ id, method, params }), options);
    } catch (error) {
      const { cancel } = this.contract;
      const isGivenUp = error instanceof ReplyTimeoutError || options?.signal?.aborted;
      if (isGivenUp && cancel && this.state === "open") {
        this.post(this.written({ method: cancel.method, params: { [cancel.param]: id } }));
      }
      throw error;
    }
  }

  /** Calls a method without an answer. */
  protected notifying(method: string, params: any): void {
    this.post(this.written({ method, params }));
  }

  protected override written(record: object): object {
    return { jsonrpc: "2.0", ...record };
  }

  protected override receive(message: any): void {
    // A server may put several records into one frame.
    for (const record of Array.isArray(message) ? message : [message]) {
      if (record?.method === undefined) this.#take(record);
      else if (record.id !== undefined) void this.postOnThis(this.#answered(record));
      else this.#notice(record);
    }
  }

  #take(response: any): void {
    const pending = this.pending(response?.id);
    const error = response?.error;
    if (error) pending?.fail(new ReplyError(error.code, error.message, error));
    else pending?.take(response?.result);
  }

  #notice({ method, params }: any): void {
    for (const handler of [...(this.#handlers.get(method) ?? [])]) guarded(() => handler(params));
  }

  async #answered({ id, method, params }: any): Promise<object> {
    const handler = this.#answers.get(method);
    if (!handler) return this.written({ id, error: METHOD_NOT_FOUND });
    try {
      return this.written({ id, result: (await handler(params)) ?? null });
    } catch (error) {
      if (error instanceof ReplyError) {
        const { code, message, error: data } = error;
        return this.written({ id, error: { code, message, data } });
      }
      report(error);
      return this.written({ id, error: INTERNAL_ERROR });
    }
  }
}
