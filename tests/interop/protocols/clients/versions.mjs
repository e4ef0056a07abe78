// Which clients there are, once each has been loaded.
import { createRequire } from "node:module";

import "@msgpack/msgpack";
import "@tanstack/ai-client";
import "centrifuge";
import "graphql-ws";
import "partysocket";
import "phoenix";
import "rpc-websockets";

const load = createRequire(import.meta.url);
const { dependencies } = load("../package.json");
const versions = Object.keys(dependencies).map((name) => {
  const path = `${import.meta.dirname}/../node_modules/${name}/package.json`;
  return [name, load(path).version];
});
console.log(JSON.stringify(Object.fromEntries(versions)));
