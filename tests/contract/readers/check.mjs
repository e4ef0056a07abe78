// What the official meta-schema and the official parser say of each document, and which of its
// examples are none of their schemas.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { Parser } from "@asyncapi/parser";
import Ajv from "ajv";

const load = createRequire(import.meta.url);
const validators = {};

function metaErrors(document) {
  const version = document.asyncapi;
  if (!(version in validators)) {
    const schema = load(`@asyncapi/specs/schemas/${version}-without-$id.json`);
    // Ajv has it already.
    delete schema.definitions["http://json-schema.org/draft-07/schema"];
    // It has keywords of its own, and formats that are no matter here.
    const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
    validators[version] = ajv.compile(schema);
  }
  const validate = validators[version];
  validate(document);
  return (validate.errors ?? []).map((it) => `${it.instancePath}: ${it.message}`);
}

// The official parser does not look at examples in version 3.
function invalidExamples({ channels, components }) {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  const found = [];
  for (const [channel, { messages }] of Object.entries(channels)) {
    for (const [message, { payload, examples = [] }] of Object.entries(messages)) {
      const validate = ajv.compile({ allOf: [payload], components });
      for (const example of examples) {
        if (!validate(example.payload)) {
          found.push(`${channel}/${message}: ${ajv.errorsText(validate.errors)}`);
        }
      }
    }
  }
  return found;
}

const parser = new Parser();
const results = [];
for (const path of process.argv.slice(2)) {
  const text = readFileSync(path, "utf8");
  const { document, diagnostics } = await parser.parse(text);
  results.push({
    meta: metaErrors(JSON.parse(text)),
    examples: invalidExamples(JSON.parse(text)),
    diagnostics: diagnostics.map((it) => `${it.severity} ${it.path.join("/")}: ${it.message}`),
    operations: document?.operations().all().map((it) => it.id()) ?? null,
    messages: document?.allMessages().all().map((it) => it.name()) ?? null,
  });
}
console.log(JSON.stringify(results));
