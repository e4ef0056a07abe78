// Messages that are kept in the browser, for each endpoint.

const PREFIX = "wsendpoints.console.";
const MAX_SAVED = 100;

/**
 * @typedef {object} Saved
 * @property {string} name
 * @property {string} key - of the message
 * @property {string} text
 * @property {string} kind - of the frame
 */

/** Returns the messages that were saved for an endpoint. */
export function load(root, endpoint) {
  try {
    const saved = JSON.parse(localStorage.getItem(keyOf(root, endpoint)) ?? "[]");
    return Array.isArray(saved) ? saved.filter(isSaved) : [];
  } catch {
    // Its storage is switched off, or has something else in it.
    return [];
  }
}

/** Saves the messages of an endpoint, and returns whether the browser lets it. */
export function store(root, endpoint, saved) {
  try {
    localStorage.setItem(keyOf(root, endpoint), JSON.stringify(saved.slice(-MAX_SAVED)));
    return true;
  } catch {
    return false;
  }
}

function keyOf(root, endpoint) {
  // Another application may be on the same origin.
  return `${PREFIX}${root.pathname}${endpoint.address}`;
}

function isSaved(it) {
  return ["name", "key", "text", "kind"].every((name) => typeof it?.[name] === "string");
}
