// Validates messages, and inputs of the handshake, against the schemas of the document.

import { dereference, validate } from "./vendor.js";

// Never fetched: what the schemas' own references are relative to.
const BASE = new URL("schema:/");
const COMPONENTS = "#/components/schemas/";

// What only says that something within it is wrong.
const CONTAINERS = new Set([
  "$ref",
  "additionalProperties",
  "allOf",
  "items",
  "patternProperties",
  "properties",
]);
const CHOICES = new Set(["anyOf", "oneOf"]);
// What holds values, and not schemas; and what holds schemas by names.
const VALUES = new Set(["const", "default", "enum", "examples"]);
const NAMED = new Set([
  "$defs",
  "definitions",
  "dependentSchemas",
  "patternProperties",
  "properties",
]);
const IDS = new Set(["$id", "id", "$anchor"]);

/**
 * @typedef {object} Problem - why a value does not match
 * @property {string} path - where, with dots; `""` for the value itself
 * @property {string} reason
 */

/** The schemas of a document. */
export class Schemas {
  constructor(api) {
    this.components = api.schemas;
    // By numbers, so that no name has to be escaped.
    const keys = new Map(Object.keys(api.schemas).map((name, index) => [name, `c${index}`]));
    const definitions = {};
    for (const [name, key] of keys) definitions[key] = rewritten(api.schemas[name], keys);
    this.own = new Map();
    const all = api.endpoints.flatMap((it) => [
      ...it.sent,
      ...it.received,
      ...it.parameters,
      ...it.query,
    ]);
    // Each once: a message may go both ways.
    for (const it of new Set(all)) {
      const schema = rewritten(it.schema, keys);
      this.own.set(it.id, schema);
      definitions[`m${this.own.size}`] = schema;
    }
    this.lookup = dereference({ definitions }, Object.create(null), BASE);
  }

  /** Returns the problems of a value with the schema of a message or a field; none if it matches. */
  problems(id, value) {
    const { errors } = validate(value, this.own.get(id), "7", this.lookup, false);
    return told(errors);
  }

  /** Whether a value matches. What can't be checked, such as a pattern of Python's, does. */
  matches(id, value) {
    try {
      return validate(value, this.own.get(id), "7", this.lookup, true).valid;
    } catch {
      return true;
    }
  }

  /** Returns the problems of a text for a field, which may stand for another kind of value. */
  problemsOfText(field, text) {
    if (!text) return field.isRequired ? [{ path: "", reason: "is missing" }] : [];
    const values = [text, parsed(text)];
    if (field.schema?.type === "array" || values.some((it) => this.matches(field.id, it)))
      return [];
    return this.problems(field.id, text);
  }

  /** Returns a schema, or that which it refers to. */
  resolved(schema) {
    const seen = new Set();
    while (typeof schema?.$ref === "string" && !seen.has(schema)) {
      seen.add(schema);
      schema = this.components[unescaped(schema.$ref.slice(COMPONENTS.length))];
    }
    return schema;
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Returns a copy of a schema that refers to where its components are here. */
function rewritten(schema, keys) {
  if (Array.isArray(schema)) return schema.map((it) => rewritten(it, keys));
  if (typeof schema !== "object" || schema === null) return schema;
  const entries = [];
  for (const [key, value] of Object.entries(schema)) {
    if (key === "$ref") {
      const found =
        typeof value === "string" && keys.get(unescaped(value.slice(COMPONENTS.length)));
      if (found) entries.push([key, `#/definitions/${found}`]);
    } else if (NAMED.has(key) && typeof value === "object" && value !== null) {
      const named = Object.entries(value).map(([name, it]) => [name, rewritten(it, keys)]);
      entries.push([key, Object.fromEntries(named)]);
    } else if (!IDS.has(key)) {
      entries.push([key, VALUES.has(key) ? value : rewritten(value, keys)]);
    }
  }
  return Object.fromEntries(entries);
}

function told(errors) {
  const innermost = errors.filter((it) => !CONTAINERS.has(it.keyword));
  const choices = innermost
    .filter((it) => CHOICES.has(it.keyword))
    .map((it) => it.instanceLocation);
  const isWithin = (it, place) => it.instanceLocation.startsWith(`${place}/`);
  const kept = innermost.filter((it) => {
    // Of a choice, what is deeper says more than that all of it is wrong.
    if (CHOICES.has(it.keyword))
      return !innermost.some((other) => isWithin(other, it.instanceLocation));
    return it.keyword !== "type" || !choices.includes(it.instanceLocation);
  });
  const problems = (kept.length ? kept : errors).map((it) => ({
    path: pathOf(it.instanceLocation),
    reason: reasonOf(it),
  }));
  const texts = problems.map((it) => `${it.path} ${it.reason}`);
  return problems.filter((_, index) => texts.indexOf(texts[index]) === index);
}

function pathOf(location) {
  return location.split("/").slice(1).map(unescaped).join(".");
}

function reasonOf({ keyword, error }) {
  if (CHOICES.has(keyword)) return "has none of the forms that it may have";
  const reason = error.replace(/^Instance /, "").replace(/\.$/, "");
  return keyword === "required"
    ? reason.replace("does not have required property", "lacks")
    : reason;
}

function unescaped(step) {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}
