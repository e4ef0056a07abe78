// Which type of message a frame holds: by the tag, and then by the schemas.

import { decode } from "./frames.js";

// What is larger is shown as it is: to validate it would halt the page.
const MAX_CHECKED = 1_000_000;

/**
 * Returns what a frame holds.
 *
 * @param {import("./document.js").Endpoint} endpoint
 * @param {import("./document.js").Message[]} messages - those that it may be
 * @param {string | Uint8Array} data
 * @param {import("./schemas.js").Schemas} schemas
 * @param {string} encoding - of the connection
 * @param {(value: *) => import("./document.js").Message[]} expected - what a value is likely to be
 */
export function match(endpoint, messages, data, schemas, encoding, expected = () => []) {
  const unknown = { message: null, value: undefined, problems: [] };
  if (data.length > MAX_CHECKED || !messages.length) return unknown;
  const plain = messages.filter((it) => !isStructured(it));
  const found = firstOf(plain, typeof data === "string" ? data : null, schemas);
  if (found) return found;
  let value;
  try {
    value = decode(data, encoding);
  } catch {
    const problems = plain.length ? [] : [{ path: "", reason: `is no ${encoding}` }];
    return { ...unknown, problems };
  }
  const likely = expected(value);
  const structured = messages
    .filter(isStructured)
    .sort((one, other) => likely.includes(other) - likely.includes(one));
  const tagged = withTag(endpoint.tag, structured, value, schemas);
  const candidates = tagged.length ? tagged : structured;
  const valid = candidates.find((it) => schemas.matches(it.id, value));
  if (valid) return { message: valid, value, problems: [] };
  if (!tagged.length && structured.length !== 1) {
    const problems = structured.length ? [{ path: "", reason: "is none of the messages" }] : [];
    return { message: null, value, problems };
  }
  const [message] = candidates;
  return { message, value, problems: problemsOf(message, value, schemas) };
}

/** Returns the problems of a value with a message, also where they can't be found. */
export function problemsOf(message, value, schemas) {
  try {
    return schemas.problems(message.id, value);
  } catch (error) {
    return [{ path: "", reason: `can't be checked: ${error.message}` }];
  }
}

/** Whether a message is a value in JSON, and not a text, or bytes, as it is. */
export function isStructured(message) {
  return !["text/plain", "application/octet-stream"].includes(message.contentType);
}

function firstOf(messages, text, schemas) {
  const type = text === null ? "application/octet-stream" : "text/plain";
  const message = messages.find(
    (it) => it.contentType === type && (text === null || schemas.matches(it.id, text)),
  );
  return message && { message, value: text ?? undefined, problems: [] };
}

function withTag(tag, messages, value, schemas) {
  if (tag === null || typeof value !== "object" || value === null || !(tag in value)) return [];
  return messages.filter((it) => {
    const schema = schemas.resolved(schemas.resolved(it.schema)?.properties?.[tag]);
    return schema?.const === value[tag] || (schema?.enum ?? []).includes(value[tag]);
  });
}
