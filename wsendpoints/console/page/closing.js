// What close codes mean: of this endpoint, as its document has it, and in general.

// RFC 6455, section 7.4.1, and the IANA registry "WebSocket Close Code Number".
const CODES = {
  1000: ["Normal closure", "The connection has served its purpose."],
  1001: ["Going away", "The server is shutting down, or this page is being left."],
  1002: ["Protocol error", "The WebSocket protocol was broken."],
  1003: ["Unsupported data", "Text was sent where bytes are taken, or the reverse."],
  1005: ["No status", "The connection was closed without a code."],
  1006: [
    "Abnormal closure",
    "The connection ended without a close frame: it was lost, or cut off.",
  ],
  1007: ["Invalid data", "What was sent does not match its format."],
  1008: ["Policy violation", "What was sent breaks the server's rules."],
  1009: ["Message too big", "The message is larger than the server takes."],
  1010: ["Mandatory extension", "The client needs an extension that the server does not have."],
  1011: ["Internal error", "The server failed; its log says why."],
  1012: ["Service restart", "The server is restarting: connect again in a few seconds."],
  1013: ["Try again later", "The server has too much to do, or the client is too slow."],
  1014: ["Bad gateway", "A gateway got an invalid answer from the server behind it."],
  1015: ["TLS handshake", "The TLS handshake failed."],
};

/** Returns what a close code is called, what it means, and what of the endpoint leads to it. */
export function explain(endpoint, code) {
  const [name, meaning] = CODES[code] ?? [
    "",
    code < 4000 ? "" : "A code of the application's own.",
  ];
  const causes = endpoint.closeCodes[code]?.causes ?? [];
  const known = causes.length ? `Known causes: ${causes.join("; ")}.` : "";
  return { title: `${code} ${name}`.trim(), meanings: [meaning, known].filter(Boolean) };
}

/** Returns what may have kept a connection from being opened, which no browser tells a page. */
export function explainRefusal(endpoint) {
  const known = Object.entries(endpoint.refusals).map(([status, why]) => `${status}: ${why}`);
  return [
    "The server refused the handshake, or can't be reached. The browser tells a page no more: " +
      "its network panel has the status, and the server's log the reason.",
    ...known,
  ];
}
