// Starts the page: reads the document, and shows what is in it.
//
// Neither the query nor the hash of the page's URL has any effect.

import { App } from "./app.js";
import { readDocument } from "./document.js";
import { Schemas } from "./schemas.js";
import { html, render } from "./vendor.js";

const target = document.getElementById("app");
const root = new URL(document.body.dataset.root, location.origin + location.pathname);

try {
  const response = await fetch(new URL("asyncapi.json", import.meta.url));
  if (!response.ok) throw new Error(`the server answered with status ${response.status}`);
  const api = readDocument(await response.json());
  document.title = `${api.title}: console`;
  target.replaceChildren();
  const hasLive = document.body.dataset.live === "on";
  render(
    html`<${App} api=${api} schemas=${new Schemas(api)} root=${root} hasLive=${hasLive} />`,
    target,
  );
} catch (error) {
  console.error(error);
  target.querySelector("[role=status]").textContent =
    `The document can't be read: ${error.message}.`;
}
