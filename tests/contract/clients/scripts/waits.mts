import { ShoutClient } from "./client.mts";
import type { Socket } from "./client.mts";
import { tell } from "./telling.mts";

// A clock on which hours are nothing.

const timers = new Map<number, { readonly at: number; readonly run: () => void }>();
let now = 0;
let last = 0;

Object.assign(globalThis, {
  performance: { now: () => now },
  setTimeout: (run: (...given: unknown[]) => void, after: number, ...given: unknown[]) => {
    last += 1;
    timers.set(last, { at: now + after, run: () => run(...given) });
    return last;
  },
  clearTimeout: (timer: number) => timers.delete(timer),
});

declare function setImmediate(run: () => void): void;

/** Lets time pass, until that many tries were made. */
async function passed(tries: readonly number[], number: number): Promise<void> {
  while (tries.length < number) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    const [next] = [...timers].sort(([, one], [, other]) => one.at - other.at);
    if (next && tries.length < number) {
      timers.delete(next[0]);
      now = next[1].at;
      next[1].run();
    }
  }
}

/** A server that closes with a code after a while; with 1006 before the connection is open. */
function closing(tries: number[], code: (number: number) => number, lasts: number) {
  return class implements Socket {
    binaryType = "";
    readonly protocol = "";
    readonly readyState = 1;

    constructor() {
      tries.push(now);
    }

    send(): void {}

    close(): void {}

    addEventListener(type: string, listener: (event: object) => void): void {
      const own = code(tries.length);
      if (type === "open" && own > 1006) setTimeout(listener, 0, {});
      if (type === "close" && own !== 0) setTimeout(listener, lasts, { code: own, reason: "" });
    }
  };
}

async function waits(
  code: (number: number) => number,
  { lasts = 0, backoff = {}, random = 0.5, number = 9 } = {},
): Promise<number[]> {
  timers.clear();
  Math.random = () => random;
  const tries: number[] = [];
  const WebSocket = closing(tries, code, lasts);
  const client = new ShoutClient({ url: "ws://example.com", WebSocket, backoff });
  await passed(tries, number);
  client.close();
  return tries.slice(1).map((it, index) => it - (tries[index] ?? 0));
}

tell({
  refused: await waits(() => 1006),
  "refused, with luck": await waits(() => 1006, { random: 0 }),
  "refused, without": await waits(() => 1006, { random: 0.999 }),
  restarting: await waits((number) => (number === 1 ? 1012 : 1006)),
  failing: await waits(() => 1011, { lasts: 100 }),
  "failing at times": await waits(() => 1011, { lasts: 6000, number: 4 }),
  quick: await waits(() => 1006, { backoff: { min: 1, max: 5 } }),
  slow: await waits(() => 1006, { backoff: { min: 10_000, max: 60_000 } }),
  silent: await waits(() => 0, { random: 0, number: 3 }),
});
