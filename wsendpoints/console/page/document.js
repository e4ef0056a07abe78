// Reads an AsyncAPI document into what the page shows: endpoints, their messages, who answers what.

/**
 * @typedef {object} Message
 * @property {string} id - unique in the document
 * @property {string} key - of the message in its channel
 * @property {string} name
 * @property {string} summary
 * @property {string} description
 * @property {string} contentType
 * @property {*} schema - of its payload
 * @property {*} example - `undefined` if there is none
 * @property {string | null} correlation - the field that says which message it belongs to
 * @property {Object<string, string> | null} errorCodes - of a message that tells of an error
 *
 * @typedef {object} Field - an input of the handshake
 * @property {string} id - of its schema
 * @property {string} name
 * @property {string} description
 * @property {string[]} values - those that it may have; none if any
 * @property {*} schema
 * @property {boolean} isRequired
 * @property {boolean} isSecret
 *
 * @typedef {object} Endpoint
 * @property {string} key
 * @property {string} address
 * @property {string} title
 * @property {string} summary
 * @property {string} description
 * @property {Field[]} parameters - of the path
 * @property {Field[]} query
 * @property {string[]} notes - on credentials that a page can't send
 * @property {string[]} subprotocols
 * @property {Object<string, string>} encodings - by subprotocol, `""` for none
 * @property {boolean} isSubprotocolRequired
 * @property {Message[]} sent - what clients send
 * @property {Message[]} received - what they get
 * @property {Map<Message, Message[]>} replies - of the server's, to each message
 * @property {Map<Message, Message[]>} answers - to each question of the server's
 * @property {Set<Message>} streams - what is answered with any number of messages
 * @property {Message | null} stop - what stops such an answer
 * @property {string | null} tag - the field that tells messages apart
 * @property {Object<string, *>} limits
 * @property {Object<string, {causes: string[]}>} closeCodes
 * @property {Object<string, string>} refusals
 */

const STOPS = /^(stop|cancel|abort|unsubscribe|complete)/i;

/** Returns what is in a document. */
export function readDocument(document) {
  const { info, channels = {}, operations = {}, components = {} } = document;
  return {
    title: text(info?.title) || "WebSocket API",
    version: text(info?.version),
    description: text(info?.description),
    endpoints: Object.entries(channels).map(([key, channel]) =>
      readEndpoint(key, channel, Object.values(operations), components.securitySchemes ?? {}),
    ),
    schemas: components.schemas ?? {},
  };
}

function readEndpoint(key, channel, operations, schemes) {
  const pointer = `#/channels/${escaped(key)}`;
  const own = operations.filter((it) => it.channel?.$ref === pointer);
  const usesIds = own.some((it) => it["x-method"]);
  const messages = new Map(
    Object.entries(channel.messages ?? {}).map(([name, message]) => [
      `${pointer}/messages/${escaped(name)}`,
      readMessage(`${key}/${name}`, name, message, usesIds ? "id" : null),
    ]),
  );
  const at = (refs = []) => refs.map((it) => messages.get(it.$ref)).filter(Boolean);
  const sent = new Set();
  const received = new Set();
  const replies = new Map();
  const answers = new Map();
  const streams = new Set();
  let stop = null;
  for (const operation of own) {
    const [these, those] = [at(operation.messages), at(operation.reply?.messages)];
    const [ours, theirs] = operation.action === "receive" ? [sent, received] : [received, sent];
    for (const message of these) ours.add(message);
    for (const message of those) theirs.add(message);
    if (operation.action === "send") {
      if (those.length) for (const message of these) answers.set(message, those);
      continue;
    }
    for (const message of these) {
      replies.set(message, those);
      if (operation["x-stream"]) streams.add(message);
      else if (STOPS.test(message.name)) stop ??= message;
    }
  }
  const security = own.flatMap((it) => it.security ?? []).map((it) => schemes[nameOf(it.$ref)]);
  const [query, notes] = readHandshake(key, channel, new Set(security));
  return {
    key,
    address: text(channel.address),
    title: text(channel.title) || key,
    summary: text(channel.summary),
    description: text(channel.description),
    parameters: Object.entries(channel.parameters ?? {}).map(([name, it]) => ({
      ...readField(`${key}?${name}`, name, it["x-schema"] ?? it, it.description),
      isRequired: true,
    })),
    query,
    notes,
    subprotocols: Object.keys(channel["x-subprotocols"] ?? {}),
    encodings: {
      "": channel["x-encoding"]?.encoding ?? "json",
      ...Object.fromEntries(
        Object.entries(channel["x-subprotocols"] ?? {}).map(([name, it]) => [name, it.encoding]),
      ),
    },
    limits: channel["x-limits"] ?? {},
    isSubprotocolRequired: channel["x-subprotocol-required"] === true,
    sent: [...sent],
    received: [...received],
    replies,
    answers,
    streams,
    stop,
    tag: channel["x-tag"] ?? null,
    closeCodes: channel["x-close-codes"] ?? {},
    refusals: channel["x-refusals"] ?? {},
  };
}

function readMessage(id, key, message, correlation) {
  const location = text(message.correlationId?.location);
  const [, field = correlation] = /^\$message\.payload#\/([^/]+)$/.exec(location) ?? [];
  return {
    id,
    key,
    name: text(message.name) || key,
    summary: text(message.summary),
    description: text(message.description),
    contentType: text(message.contentType) || "application/json",
    schema: message.payload ?? true,
    example: message.examples?.[0]?.payload,
    correlation: field && unescaped(field),
    errorCodes: message["x-error-codes"] ?? null,
  };
}

function readHandshake(key, channel, security) {
  const binding = channel.bindings?.ws ?? {};
  const { properties = {}, required = [] } = binding.query ?? {};
  const secrets = new Set([...security].filter((it) => it?.in === "query").map((it) => it.name));
  const query = Object.entries(properties).map(([name, schema]) => ({
    ...readField(`${key}?${name}`, name, schema, schema?.description),
    isRequired: required.includes(name),
    isSecret: secrets.has(name),
  }));
  const shown = [...security].flatMap((it) => {
    if (it?.in === "cookie" || it?.in === "header") return [[it.in, it.name]];
    return it?.scheme === "bearer" ? [["header", "Authorization"]] : [];
  });
  const asked = [
    ...(binding.headers?.required ?? []).map((name) => ["header", name]),
    ...Object.keys(channel["x-cookies"]?.properties ?? {}).map((name) => ["cookie", name]),
  ].filter(([, name]) => name !== "Sec-WebSocket-Protocol");
  const notes = [...shown, ...asked].map(([place, name]) =>
    place === "cookie"
      ? `The browser sends the cookie “${name}”, if it has it.`
      : `A page can't send the header “${name}”.`,
  );
  return [query, [...new Set(notes)]];
}

function readField(id, name, schema, description) {
  const values = Array.isArray(schema?.enum) ? schema.enum.map(String) : [];
  return {
    id,
    name,
    description: text(description),
    values,
    schema,
    isRequired: false,
    isSecret: false,
  };
}

function text(value) {
  return typeof value === "string" ? value : "";
}

function nameOf(ref) {
  return unescaped(text(ref).split("/").at(-1));
}

// RFC 6901, section 3.
function escaped(name) {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

function unescaped(step) {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}
