// The URL of an endpoint: below where the router is, with what was filled in.

/**
 * Returns the URL to connect to, always of this page's own origin.
 *
 * @param {URL} root - where the router is
 * @param {import("./document.js").Endpoint} endpoint
 * @param {Object<string, string>} values - of path and query, by the ids of their fields
 */
export function urlOf(root, endpoint, values) {
  const path = endpoint.address.replace(/\{(\w+)\}/g, (whole, name) => {
    const field = endpoint.parameters.find((it) => it.name === name);
    // A slash is one within a parameter that takes the rest of the path.
    return field ? encodeURIComponent(values[field.id] ?? "").replaceAll("%2F", "/") : whole;
  });
  const url = new URL(root);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.pathname += path.replace(/^\//, "");
  for (const field of endpoint.query) {
    const value = values[field.id];
    const all = field.schema?.type === "array" ? (value ?? "").split(/\s*,\s*/) : [value];
    for (const it of all) if (it) url.searchParams.append(field.name, it);
  }
  return url.href;
}
