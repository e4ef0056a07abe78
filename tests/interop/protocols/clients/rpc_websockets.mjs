// rpc-websockets: calls, their errors, notifications in both directions.
import { Client } from "rpc-websockets";

const told = [];
const client = new Client(process.argv[2], { reconnect: false });
await new Promise((resolve, reject) => {
  client.once("open", resolve);
  client.once("error", reject);
});
client.on("told", (params) => told.push(params));

const failure = (call) =>
  call.then(
    (result) => ({ result }),
    ({ code, message, data }) => ({ code, message, data }),
  );

const results = {
  byPosition: await client.call("subtract", [42, 23]),
  byName: await client.call("subtract", { subtrahend: 23, minuend: 42 }),
  parallel: await Promise.all([1, 2, 3].map((number) => client.call("sum", [number, number]))),
};
await client.notify("see", ["this"]);
results.seen = await client.call("seen");
results.nothing = await client.call("notify", ["hello"]);
results.told = told;
results.failures = [
  await failure(client.call("enter", ["lobby"])),
  await failure(client.call("nowhere")),
  await failure(client.call("subtract", ["x"])),
];
// A call takes long, and those behind it do not wait.
const slow = client.call("sleep", [0.2]);
results.meanwhile = await client.call("sum", [1]);
results.slow = await slow;
client.close(1000);
console.log(JSON.stringify(results));
