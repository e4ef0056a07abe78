// What an endpoint needs to connect: path, query, subprotocol.

import { html } from "./vendor.js";

export function Handshake({ session }) {
  const { endpoint } = session;
  const isClosed = session.state === "closed";
  const fields = [...endpoint.parameters, ...endpoint.query];
  const wrong = fields.filter(
    (it) => session.schemas.problemsOfText(it, session.values[it.id] ?? "").length,
  );
  const submit = (event) => {
    event.preventDefault();
    if (isClosed) session.connect();
    else session.close();
  };
  return html`
    <form class="handshake" aria-label="Connection" onSubmit=${submit}>
      <div class="fields">
        ${fields.map(
          (it, index) =>
            html`<${Input} key=${it.id} id=${`field-${index}`} session=${session} field=${it} />`,
        )}
        ${endpoint.subprotocols.length > 0 && html`<${Subprotocol} session=${session} />`}
      </div>
      ${endpoint.notes.map((it) => html`<p class="hint">${it}</p>`)}
      <div class="actions">
        <button type="submit" class="main" disabled=${session.state === "closing"}>
          ${isClosed ? (wrong.length ? "Connect anyway" : "Connect") : "Disconnect"}
        </button>
        <code class="url">${session.url}</code>
      </div>
      <p class=${`status ${session.state}`} role="status">${session.status}</p>
      <p class="heard" aria-live="polite">${session.activity}</p>
    </form>
  `;
}

function Input({ id, session, field }) {
  const value = session.values[field.id] ?? "";
  const problems = session.schemas.problemsOfText(field, value);
  const set = (event) => {
    session.values = { ...session.values, [field.id]: event.target.value };
    session.changed();
  };
  const shared = {
    id,
    value,
    onInput: set,
    disabled: session.state !== "closed",
    "aria-describedby": `${id}-hint`,
    "aria-invalid": problems.length > 0 && value !== "" ? "true" : undefined,
  };
  const hints = [
    field.description,
    value && problems.map((it) => it.reason).join("; "),
    field.schema?.default !== undefined && `Without it: ${JSON.stringify(field.schema.default)}.`,
    field.schema?.type === "array" && "Several are separated by commas.",
  ].filter(Boolean);
  return html`
    <div class="field">
      <label for=${id}>${field.name}${field.isRequired ? "" : " (optional)"}</label>
      ${
        field.values.length
          ? html`
              <select ...${shared}>
                <option value="">–</option>
                ${field.values.map((it) => html`<option value=${it}>${it}</option>`)}
              </select>
            `
          : html`<input
              ...${shared}
              type=${field.isSecret ? "password" : "text"}
              autocomplete="off"
              spellcheck=${false}
            />`
      }
      <p class="hint" id=${`${id}-hint`}>${hints.join(" ")}</p>
    </div>
  `;
}

function Subprotocol({ session }) {
  const { endpoint } = session;
  const set = (event) => {
    session.subprotocol = event.target.value;
    // It may have another encoding.
    session.kind = session.usualKind;
    session.changed();
  };
  return html`
    <div class="field">
      <label for="subprotocol">Subprotocol</label>
      <select
        id="subprotocol"
        value=${session.subprotocol}
        onInput=${set}
        disabled=${session.state !== "closed"}
      >
        ${!endpoint.isSubprotocolRequired && html`<option value="">none</option>`}
        ${endpoint.subprotocols.map((it) => html`<option value=${it}>${it}</option>`)}
      </select>
    </div>
  `;
}
