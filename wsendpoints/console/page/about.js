// What an endpoint declares: its messages with their schemas, its limits, its close codes.

import { explain } from "./closing.js";
import { html, useState } from "./vendor.js";

export function About({ endpoint, schemas }) {
  const [isOpen, setOpen] = useState(false);
  return html`
    <details onToggle=${(event) => setOpen(event.target.open)}>
      <summary>What it declares</summary>
      ${
        isOpen &&
        html`
          <div class="about">
            <${Messages}
              title="Messages that you send"
              messages=${endpoint.sent}
              schemas=${schemas}
            />
            <${Messages}
              title="Messages that you get"
              messages=${endpoint.received}
              schemas=${schemas}
            />
            <h3>Close codes</h3>
            <ul>
              ${Object.keys(endpoint.closeCodes).map((code) => {
                const { title, meanings } = explain(endpoint, code);
                return html`<li>${title}: ${meanings.join(" ")}</li>`;
              })}
            </ul>
            <h3>Limits</h3>
            <ul>
              ${Object.entries(endpoint.limits).map(
                ([name, value]) => html`<li><code>${name}</code> ${JSON.stringify(value)}</li>`,
              )}
            </ul>
          </div>
        `
      }
    </details>
  `;
}

function Messages({ title, messages, schemas }) {
  return html`
    <h3>${title}</h3>
    ${messages.length === 0 && html`<p class="hint">None.</p>`}
    ${messages.map(
      (it) => html`
        <details key=${it.id}>
          <summary><b>${it.name}</b> ${it.summary}</summary>
          ${it.description && html`<p class="text">${it.description}</p>`}
          <pre tabindex="0" role="region" aria-label=${`Schema of ${it.name}`}>
${JSON.stringify(schemas.resolved(it.schema), null, 2)}</pre>
        </details>
      `,
    )}
  `;
}
