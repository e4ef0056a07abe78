// Writes into wsendpoints/console/page/ all that the console needs of others: vendor.js, as one
// module, and LICENSES.txt. Run `npm ci && npm run vendor` in this folder after a version in
// package.json changed.
//
// With a folder as its argument it writes there: a test compares that with what is in the repository.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild-wasm";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const PAGE = fileURLToPath(new URL("../../wsendpoints/console/page", import.meta.url));
const NAMES = ["preact", "htm", "@cfworker/json-schema"];

const SOURCE = `
import { h } from "preact";
import htm from "htm";
export { render } from "preact";
export { useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
export { dereference, validate } from "@cfworker/json-schema";
export const html = htm.bind(h);
`;

const folderOf = (name) => new URL(`node_modules/${name}/`, import.meta.url);
const read = (name, file) => readFileSync(new URL(file, folderOf(name)), "utf8");

/** Returns the license of a package; where it has no file of it, package.json says that it is MIT. */
function licenseOf(name) {
  if (existsSync(new URL("LICENSE", folderOf(name)))) return read(name, "LICENSE").trim();
  const { author, license } = JSON.parse(read(name, "package.json"));
  if (license !== "MIT") throw new Error(`${name}: where is its license?`);
  return read("preact", "LICENSE")
    .trim()
    .replace(/^Copyright.*$/m, `Copyright (c) ${author}`);
}

const titles = NAMES.map((name) => `${name} ${JSON.parse(read(name, "package.json")).version}`);
const licenses = NAMES.map((name, index) => `${titles[index]}\n\n${licenseOf(name)}\n`);
const { outputFiles } = await build({
  stdin: { contents: SOURCE, resolveDir: HERE },
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  banner: {
    js: `/*! ${titles.join(", ")}: see LICENSES.txt. Made by tools/console/vendor.mjs. */`,
  },
  write: false,
});
const made = {
  "vendor.js": outputFiles[0].text,
  "LICENSES.txt": licenses.join(`\n${"-".repeat(80)}\n\n`),
};
const target = process.argv[2] ?? PAGE;
for (const [name, text] of Object.entries(made)) writeFileSync(`${target}/${name}`, text);
console.log(JSON.stringify(Object.keys(made)));
