import { ClosingClient, PrivateClient, comebackAfter } from "./client.mts";
import { server, tell } from "./telling.mts";

// The shortest waits.
Math.random = () => 0;

const TRIES = 3;

interface Found {
  code: number;
  tries: number;
  /** Whether there was a second between all tries. */
  isPatient: boolean;
  state: string;
  reason: string | undefined;
}

const tries: number[][] = [];

function counted(): typeof WebSocket {
  const times: number[] = [];
  tries.push(times);
  return class extends WebSocket {
    constructor(...given: ConstructorParameters<typeof WebSocket>) {
      times.push(performance.now());
      super(...given);
    }
  };
}

function settled(client: ClosingClient | PrivateClient, times: readonly number[]): Promise<void> {
  return new Promise((resolve) => {
    client.onState((state) => {
      if (state === "closed" || (state === "waiting" && times.length === TRIES)) resolve();
    });
  });
}

async function watched(code: number): Promise<Found> {
  const WebSocket = counted();
  const times = tries.at(-1) ?? [];
  const client = new ClosingClient({ baseUrl: server, params: { code }, WebSocket });
  await settled(client, times);
  const gaps = times.slice(1).map((it, index) => it - (times[index] ?? 0));
  const { state, lastClose } = client;
  const found = { code, tries: times.length, state, reason: lastClose?.reason };
  const isPatient = gaps.every((it) => it >= 1000);
  client.close();
  return { ...found, isPatient };
}

async function expired(tokens: string[]): Promise<[string, number, string]> {
  const WebSocket = counted();
  const times = tries.at(-1) ?? [];
  const getToken = (): string => tokens.shift() ?? "none";
  const client = new PrivateClient({ baseUrl: server, WebSocket, getToken });
  let said = "";
  const greeted = new Promise<void>((resolve) => {
    client.onMessage((message) => {
      said = message;
      resolve();
    });
  });
  await Promise.race([greeted, settled(client, times)]);
  const { state } = client;
  client.close();
  return [state, times.length, said];
}

const codes = (process.argv[3] ?? "").split(",").map(Number);
async function flaky(): Promise<[string, string | undefined]> {
  let isFirst = true;
  const getToken = async (): Promise<string> => {
    if (!isFirst) return "a token";
    isFirst = false;
    throw new Error("not now");
  };
  const client = new PrivateClient({ baseUrl: server, getToken });
  const { value } = await client[Symbol.asyncIterator]().next();
  const { lastClose } = client;
  client.close();
  return [value, lastClose?.reason];
}

const [found, anew, twice, without, later] = await Promise.all([
  Promise.all(codes.map(watched)),
  expired(["old", "new"]),
  expired(["old", "old", "new"]),
  watched(4401),
  flaky(),
]);
const every = Array.from({ length: 4000 }, (_, index) => comebackAfter(1000 + index));
tell({ found, anew, twice, without, later, every });

declare const process: { readonly argv: readonly string[] };
