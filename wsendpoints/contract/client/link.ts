/** How a connection ended, and how many milliseconds it was open. */
interface Ended {
  readonly close: Close;
  readonly lasted: number;
}

/** What a link tells of its connections. */
interface LinkEvents {
  /** There is a connection, and nothing was sent on it yet. */
  opened(): void;
  received(message: unknown): void;
  lost(close: Close): void;
  changed(state: State): void;
}

/** What a link is given, of what a client is. */
interface LinkOptions extends Omit<ClientOptions<unknown, string, string>, "hello"> {
  readonly url?: Where;
  readonly baseUrl?: Where | undefined;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: object | ((positions: object) => object) | undefined;
  readonly getToken?: GetToken | undefined;
}

const SECOND = 1000;
/** How long a try may take. */
const CONNECTED_WITHIN = 15 * SECOND;
/** How long a connection has lasted when what went wrong before it is forgotten. */
const STABLE_AFTER = 5 * SECOND;
/** What `readyState` is of a connection that takes messages. */
const OPEN = 1;

/** One connection after the other, until it is closed. */
class Link {
  readonly positions: Record<string, string>;
  state: State = "connecting";
  lastClose: Close | null = null;
  /** The connection, while there is one. */
  socket: Socket | null = null;
  readonly #contract: Contract;
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  #codec: Codec = json;
  /** When the last try was made. */
  #tried = 0;
  /** Ends the try, the connection or the wait that there is. */
  #interrupt: (close: Close) => void = () => {};

  constructor(contract: Contract, options: LinkOptions, events: LinkEvents) {
    this.#contract = contract;
    this.#options = options;
    this.#events = events;
    this.positions = { ...(options.positions as Record<string, string> | undefined) };
    if (!(options.WebSocket ?? globalThis.WebSocket)) {
      throw new TypeError("there is no WebSocket here: give the option `WebSocket`");
    }
    if (!(options.url ?? options.baseUrl ?? globalThis.location)) {
      throw new TypeError("there is no page here: give the option `baseUrl`");
    }
    if (options.url === undefined) filled(contract.path, options.params ?? {});
    void this.#live();
  }

  get isClosed(): boolean {
    return this.state === "closed";
  }

  get closedError(): ClosedError {
    return new ClosedError(this.lastClose ?? { code: 1006, reason: "" });
  }

  /** Sends a message, if there is a connection that takes it. */
  transmit(message: unknown): boolean {
    // One that is being closed drops what it is given.
    if (this.socket?.readyState !== OPEN) return false;
    this.socket.send(this.#codec.encode(message));
    return true;
  }

  reconnect(): void {
    this.#interrupt({ code: 1006, reason: "reconnect() was called" });
  }

  close(close: Close): void {
    // First, since it refuses codes that may not be sent.
    this.socket?.close(close.code, close.reason);
    this.#end(close);
  }

  async #live(): Promise<void> {
    const { min = SECOND, max = 30 * SECOND } = this.#options.backoff ?? {};
    let failures = 0;
    let isTokenNew = false;
    while (!this.isClosed) {
      this.#change("connecting");
      const { close, lasted } = await this.#connect();
      if (this.isClosed) return;
      if (lasted >= STABLE_AFTER) {
        failures = 0;
        isTokenNew = false;
      }
      const comeback = this.#comebackAfter(close.code);
      if (comeback === "never" || (comeback === "token" && (isTokenNew || !this.#hasToken))) {
        return this.#end(close);
      }
      isTokenNew ||= comeback === "token";
      failures += comeback === "later" ? 2 : 0;
      const limit = comeback === "token" ? 0 : Math.min(max, min * 2 ** failures);
      failures += 1;
      this.lastClose = close;
      const slept = this.#sleep(Math.random() * limit);
      this.#change("waiting");
      await slept;
      // Whatever has ended the wait.
      while (!this.isClosed && performance.now() < this.#tried + SECOND) {
        await this.#sleep(this.#tried + SECOND - performance.now());
      }
    }
  }

  #comebackAfter(code: number): Comeback {
    const given = this.#options.comebacks?.[code] ?? this.#contract.comebacks[code];
    return given ?? comebackAfter(code);
  }

  get #hasToken(): boolean {
    const { getToken, url, baseUrl } = this.#options;
    return [getToken, url, baseUrl].some((it) => typeof it === "function");
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#interrupt = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #connect(): Promise<Ended> {
    const { url, baseUrl, getToken } = this.#options;
    const where = url ?? baseUrl;
    let interruption: Close | null = null;
    this.#tried = performance.now();
    this.#interrupt = (close) => {
      interruption = close;
    };
    let base: string | URL | undefined;
    let token: string | undefined;
    try {
      base = typeof where === "function" ? await where() : where;
      token = await getToken?.();
    } catch (error) {
      return { close: { code: 1006, reason: String(error) }, lasted: 0 };
    }
    const { isClosed, lastClose } = this;
    const ended = interruption ?? (isClosed ? lastClose : null);
    if (ended !== null) return { close: ended, lasted: 0 };
    try {
      const [address, protocols] = this.#target(base, token);
      const Connection = this.#options.WebSocket ?? globalThis.WebSocket;
      const socket = new Connection(address, protocols);
      this.#tried = performance.now();
      return await this.#connected(socket);
    } catch (error) {
      // It would be as wrong the next time.
      const close = { code: 1006, reason: String(error) };
      this.#end(close);
      return { close, lasted: 0 };
    }
  }

  #target(base: string | URL | undefined, token: string | undefined): [string, string[]] {
    const { path, codecs, token: place } = this.#contract;
    const { url: own, params = {}, query = {}, subprotocols } = this.#options;
    const url = new URL(base ?? "/", globalThis.location?.href);
    url.protocol = url.protocol.replace("http", "ws");
    if (own === undefined) url.pathname = url.pathname.replace(/\/$/, "") + filled(path, params);
    const values = typeof query === "function" ? query({ ...this.positions }) : query;
    for (const [name, value] of Object.entries(values)) {
      for (const it of Array.isArray(value) ? value : [value]) {
        if (it !== undefined && it !== null) url.searchParams.append(name, String(it));
      }
    }
    const protocols = [...(subprotocols ?? Object.keys(codecs).filter((it) => it !== ""))];
    if (token !== undefined) {
      if (typeof place === "object") url.searchParams.set(place?.query ?? "token", token);
      else protocols.push(`bearer.${base64url(token)}`);
    }
    return [url.href, protocols];
  }

  #connected(socket: Socket): Promise<Ended> {
    return new Promise((resolve) => {
      let opened: number | null = null;
      let isOver = false;
      const end = (close: Close): void => {
        if (isOver) return;
        isOver = true;
        clearTimeout(timer);
        this.socket = null;
        if (opened !== null) this.#events.lost(close);
        resolve({ close, lasted: opened === null ? 0 : performance.now() - opened });
      };
      const interrupt = (close: Close): void => {
        socket.close();
        end(close);
      };
      const silent = { code: 1006, reason: "there was no answer" };
      const timer = setTimeout(interrupt, CONNECTED_WITHIN, silent);
      this.#interrupt = interrupt;
      socket.binaryType = "arraybuffer";
      socket.addEventListener("open", () => {
        if (isOver) return;
        clearTimeout(timer);
        opened = performance.now();
        this.#open(socket);
      });
      socket.addEventListener("message", ({ data }) => {
        if (isOver) return;
        const frame = typeof data === "string" ? data : new Uint8Array(data);
        guarded(() => this.#events.received(this.#codec.decode(frame)));
      });
      // A close follows it, which tells more.
      socket.addEventListener("error", () => {});
      socket.addEventListener("close", ({ code, reason }) => end({ code, reason }));
    });
  }

  #open(socket: Socket): void {
    const { codecs } = this.#contract;
    this.#codec = codecs[socket.protocol] ?? Object.values(codecs)[0] ?? json;
    this.socket = socket;
    this.#events.opened();
    this.#change("open");
  }

  #end(close: Close): void {
    if (this.isClosed) return;
    this.lastClose = close;
    this.#change("closed");
    this.#interrupt(close);
  }

  #change(state: State): void {
    if (this.state === state) return;
    this.state = state;
    this.#events.changed(state);
  }
}
