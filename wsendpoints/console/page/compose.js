// Writes a message: from an example, checked as it is typed, sent if it is wrong too.

import { indented } from "./frames.js";
import { load, store } from "./saved.js";
import { html, useState } from "./vendor.js";

const KINDS = {
  text: "Text",
  binary: "Binary: the text in UTF-8",
  hex: "Binary: hexadecimal digits",
  msgpack: "Binary: JSON as MessagePack",
};
const MAX_PROBLEMS = 8;

export function Compose({ session }) {
  const { endpoint, message } = session;
  const problems = session.problems();
  const isOpen = session.state === "open";
  const set = (name) => (event) => {
    session[name] = event.target.value;
    session.changed();
  };
  const send = () => {
    try {
      session.send(session.frame());
    } catch {
      // There is no frame of it: the problems say so.
    }
  };
  const submit = (event) => {
    event.preventDefault();
    send();
  };
  const press = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
  };
  const pick = (event) =>
    session.draft(endpoint.sent.find((it) => it.id === event.target.value) ?? null);
  return html`
    <form class="compose" aria-label="Write a message" onSubmit=${submit}>
      <${Questions} session=${session} />
      <${Streams} session=${session} />
      <div class="fields">
        <div class="field">
          <label for="message">Message</label>
          <select id="message" value=${message?.id ?? ""} onInput=${pick}>
            ${endpoint.sent.map((it) => html`<option value=${it.id}>${it.name}</option>`)}
            <option value="">any other</option>
          </select>
        </div>
        <div class="field">
          <label for="kind">Frame</label>
          <select id="kind" value=${session.kind} onInput=${set("kind")}>
            ${Object.entries(KINDS).map(([kind, title]) => html`<option value=${kind}>${title}</option>`)}
          </select>
        </div>
      </div>
      ${message?.summary && html`<p class="hint">${message.summary}</p>`}
      ${message?.description && html`<p class="hint text">${message.description}</p>`}
      <label for="content">Content</label>
      <textarea
        id="content"
        rows="7"
        spellcheck=${false}
        autocomplete="off"
        aria-describedby="validity"
        aria-keyshortcuts="Control+Enter"
        value=${session.text}
        onInput=${set("text")}
        onKeyDown=${press}
      ></textarea>
      <div class="actions">
        <button type="submit" class="main" disabled=${!isOpen}>
          ${problems.length ? "Send anyway" : "Send"}
        </button>
        <button type="button" onClick=${() => session.draft(message)}>Example</button>
        <button
          type="button"
          onClick=${() => {
            session.text = indented(session.text);
            session.changed();
          }}
        >
          Indent
        </button>
        ${!isOpen && html`<span class="hint">Connect to send it.</span>`}
      </div>
      <div
        id="validity"
        class=${problems.length ? "validity wrong" : "validity"}
        aria-live="polite"
      >
        <${Validity} problems=${problems} name=${message?.name} />
      </div>
      <${SavedMessages} session=${session} />
    </form>
  `;
}

function Validity({ problems, name }) {
  if (!problems.length) return html`<p>Valid${name && `: ${name}`}</p>`;
  const more = problems.length - MAX_PROBLEMS;
  return html`
    <p>${name ? `Not a valid ${name}:` : "Not valid:"}</p>
    <${Problems} problems=${problems.slice(0, MAX_PROBLEMS)} />
    ${more > 0 && html`<p>and ${more} more</p>`}
  `;
}

/** Lists why a value is not valid. */
export function Problems({ problems }) {
  return html`
    <ul>
      ${problems.map((it) => html`<li><code>${it.path || "the whole"}</code> ${it.reason}</li>`)}
    </ul>
  `;
}

function Questions({ session }) {
  const answer = (it) => {
    session.answer(it);
    document.getElementById("content").focus();
  };
  return session.replies.questions.map(
    (it) => html`
      <p class="notice" key=${it.entry}>
        The server asks: ${it.message.name} (#${it.entry})
        <button type="button" onClick=${() => answer(it)}>Answer #${it.entry}</button>
      </p>
    `,
  );
}

function Streams({ session }) {
  const hide = (it) => {
    session.replies.forget(it);
    session.changed();
  };
  return session.replies.streams.map(
    (it) => html`
      <p class="notice" key=${it.entry}>
        ${it.message.name} (#${it.entry}) is answered with a stream: ${it.items} so far
        <button type="button" onClick=${() => session.stop(it)}>
          Stop #${it.entry}${session.endpoint.stop ? "" : " with the connection"}
        </button>
        <button
          type="button"
          aria-label=${`Hide the stream of #${it.entry}`}
          onClick=${() => hide(it)}
        >
          Hide
        </button>
      </p>
    `,
  );
}

function SavedMessages({ session }) {
  const { endpoint, root } = session;
  const [saved, setSaved] = useState(() => load(root, endpoint));
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState("");
  const [failed, setFailed] = useState(false);
  const put = (list) => {
    setSaved(list);
    setFailed(!store(root, endpoint, list));
  };
  const save = () => {
    const { text, kind, message } = session;
    const title = name.trim() || message?.name || "message";
    put([
      ...saved.filter((it) => it.name !== title),
      { name: title, key: message?.id ?? "", text, kind },
    ]);
    setChosen(title);
    setName("");
  };
  const take = () => {
    const { key, text, kind } = saved.find((it) => it.name === chosen);
    session.draft(endpoint.sent.find((it) => it.id === key) ?? null);
    Object.assign(session, { text, kind });
    session.changed();
  };
  const remove = () => {
    put(saved.filter((it) => it.name !== chosen));
    setChosen("");
  };
  return html`
    <details class="saved">
      <summary>Saved messages (${saved.length})</summary>
      <div class="fields">
        <div class="field">
          <label for="save-as">Save it as</label>
          <input
            id="save-as"
            autocomplete="off"
            value=${name}
            onInput=${(event) => setName(event.target.value)}
            onKeyDown=${(event) => {
              if (event.key !== "Enter") return;
              event.preventDefault();
              save();
            }}
          />
        </div>
        <button type="button" onClick=${save}>Save</button>
        <div class="field">
          <label for="saved">Saved</label>
          <select id="saved" value=${chosen} onInput=${(event) => setChosen(event.target.value)}>
            <option value="">–</option>
            ${saved.map((it) => html`<option value=${it.name}>${it.name}</option>`)}
          </select>
        </div>
        <button type="button" disabled=${!chosen} onClick=${take}>Use</button>
        <button type="button" disabled=${!chosen} onClick=${remove}>Delete</button>
      </div>
      ${failed && html`<p role="alert">The browser stores nothing: it is kept until you leave.</p>`}
    </details>
  `;
}
