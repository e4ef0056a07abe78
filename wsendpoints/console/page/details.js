// One frame, whole: what is wrong with it, what it holds, and what can be done with it.

import { Problems } from "./compose.js";
import { decode, dumped, indented, toHex, visible, written } from "./frames.js";
import { snippet, LANGUAGES } from "./snippets.js";
import { html, useState } from "./vendor.js";

const MAX_TEXT = 100_000;
const MAX_BYTES = 4096;

export function Details({ session, entry, close }) {
  const [code, setCode] = useState(null);
  const [copied, setCopied] = useState("");
  const { direction, data, message, problems, details } = entry;
  const isText = typeof data === "string";
  const declared = message ? `the schema of ${message.name}` : "what the endpoint declares";
  const mismatch = `It does not match ${declared}:`;
  const copy = async (text, what) => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(`Copied ${what}`);
    } catch {
      setCopied("The browser does not let this page copy: select the text");
    }
  };
  const show = (language) => {
    const text = snippet(language, session.url, session.subprotocol, data);
    setCode({ language, text });
    copy(text, `as ${language}`);
  };
  const edit = () => {
    session.draft(session.endpoint.sent.includes(message) ? message : null);
    session.kind = isText ? "text" : "hex";
    session.text = isText ? indented(data) : toHex(data);
    session.changed();
  };
  return html`
    <section class="details" aria-label=${`Frame #${entry.id}`}>
      <div class="actions">
        <h3>#${entry.id} ${direction} ${message?.name ?? ""}</h3>
        <button type="button" onClick=${close}>Close</button>
      </div>
      ${message?.summary && html`<p class="hint">${message.summary}</p>`}
      <p class="hint">${told(entry)}</p>
      ${
        problems.length > 0 &&
        html`<div class="wrong">
          <p>${mismatch}</p>
          <${Problems} problems=${problems} />
        </div>`
      }
      ${
        details.length > 0 &&
        html`<ul>
          ${details.map((it) => html`<li>${visible(it)}</li>`)}
        </ul>`
      }
      <pre tabindex="0" role="region" aria-label="Content">${shown(data, session.encoding)}</pre>
      ${
        direction !== "note" &&
        html`
          <div class="actions">
            ${isText && html`<button type="button" onClick=${() => copy(data, "the content")}>Copy</button>`}
            <button type="button" onClick=${edit} disabled=${entry.isCut}>Edit</button>
            ${
              direction === "sent" &&
              html`
                <button
                  type="button"
                  disabled=${session.state !== "open" || entry.isCut}
                  onClick=${() => session.send(data)}
                >
                  Send again
                </button>
                ${LANGUAGES.map(
                  (it) =>
                    html`<button type="button" onClick=${() => show(it)} disabled=${entry.isCut}>
                      ${it}
                    </button>`,
                )}
              `
            }
          </div>
        `
      }
      ${
        code &&
        html`
          <label for="code">As ${code.language}</label>
          <textarea id="code" readonly rows="6" spellcheck=${false} value=${code.text}></textarea>
        `
      }
      <p role="status">${copied}</p>
    </section>
  `;
}

function told({ direction, size, isCut, latency, answers, at }) {
  const parts = [new Date(at).toISOString()];
  if (direction !== "note")
    parts.push(written(size) + (isCut ? ", of which the rest was not kept" : ""));
  if (answers !== null) parts.push(`answers #${answers}`);
  if (latency !== null) parts.push(`after ${latency.toFixed(1)} ms`);
  return parts.join(" · ");
}

function shown(data, encoding) {
  if (typeof data === "string") {
    const cut = data.length > MAX_TEXT;
    return visible(cut ? data.slice(0, MAX_TEXT) : indented(data)) + (cut ? "\n… (cut)" : "");
  }
  return (
    valueIn(data, encoding) +
    dumped(data.subarray(0, MAX_BYTES)) +
    (data.length > MAX_BYTES ? "\n… (cut)" : "")
  );
}

/** Returns the value that bytes hold, if they do, before the bytes themselves. */
function valueIn(data, encoding) {
  try {
    return `${visible(JSON.stringify(decode(data, encoding), null, 2)).slice(0, MAX_TEXT)}\n\n`;
  } catch {
    return "";
  }
}
