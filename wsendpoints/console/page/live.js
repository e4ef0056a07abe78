// What goes on at the endpoints, for those who may see it: connections, groups, and what waits.

import { html, useEffect, useState } from "./vendor.js";

const EVERY = 2000;
const URL_OF_LIVE = new URL("live.json", import.meta.url);

export function Live() {
  const [found, setFound] = useState(null);
  const [told, setTold] = useState("Asking…");
  const [close, setClose] = useState({ code: "1000", reason: "" });

  const look = async (options) => {
    try {
      const response = await fetch(URL_OF_LIVE, options);
      if (response.status === 403) throw new Error("you may not see this");
      if (!response.ok) throw new Error(`the server answered with status ${response.status}`);
      return await response.json();
    } catch (error) {
      setTold(`Nothing is known: ${error.message}.`);
      return null;
    }
  };
  const refresh = async () => {
    const now = await look();
    setFound(now);
    if (now) setTold(`${now.total} connections to process ${now.process}`);
    return now !== null;
  };
  const end = async (what) => {
    const body = JSON.stringify({ ...what, code: Number(close.code), reason: close.reason });
    await look({ method: "POST", headers: { "content-type": "application/json" }, body });
    await refresh();
  };
  useEffect(() => {
    let timer;
    let isShown = true;
    const loop = async () => {
      // Who may not see it is not to ask again and again.
      if ((await refresh()) && isShown) timer = setTimeout(loop, EVERY);
    };
    loop();
    return () => {
      isShown = false;
      clearTimeout(timer);
    };
  }, []);

  const set = (name) => (event) => {
    const { value } = event.target;
    setClose((it) => ({ ...it, [name]: value }));
  };
  return html`
    <div class="live" role="tabpanel" id="panel" aria-labelledby="tab-live">
      <p class="status" role="status">${told}</p>
      ${
        found &&
        html`
          <div class="fields">
            <div class="field">
              <label for="close-code">Close with code</label>
              <input
                id="close-code"
                inputmode="numeric"
                value=${close.code}
                onInput=${set("code")}
              />
            </div>
            <div class="field">
              <label for="close-reason">and reason (optional)</label>
              <input
                id="close-reason"
                maxlength="120"
                value=${close.reason}
                onInput=${set("reason")}
              />
            </div>
          </div>
          <${Connections} connections=${found.connections} total=${found.total} end=${end} />
          <${Groups} groups=${found.groups} end=${end} />
        `
      }
    </div>
  `;
}

function Connections({ connections, total, end }) {
  return html`
    <h2>Connections</h2>
    ${connections.length < total && html`<p class="hint">The oldest ${connections.length}.</p>`}
    <div class="wide" tabindex="0" role="region" aria-label="Connections">
      <table>
        <thead>
          <tr>
            ${[
              "#",
              "Endpoint",
              "Path",
              "Client",
              "Subprotocol",
              "Since",
              "Groups",
              "Waiting",
              "Dropped",
            ].map((it) => html`<th scope="col">${it}</th>`)}
            <th scope="col">Close</th>
          </tr>
        </thead>
        <tbody>
          ${connections.map(
            (it) => html`
              <tr key=${it.connection}>
                <th scope="row">${it.connection}</th>
                <td>${it.endpoint}</td>
                <td>${it.path}</td>
                <td>${it.client}</td>
                <td>${it.subprotocol}</td>
                <td>${it.since.slice(0, 19).replace("T", " ")}</td>
                <td>${it.groups.join(", ")}</td>
                <td>${`${it.waiting} (${it.waiting_bytes} B)`}</td>
                <td>${it.dropped}</td>
                <td>
                  <button type="button" onClick=${() => end({ connection: it.connection })}>
                    ${`Close #${it.connection}`}
                  </button>
                </td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
  `;
}

function Groups({ groups, end }) {
  return html`
    <h2>Groups</h2>
    ${groups.length === 0 && html`<p class="hint">None has members.</p>`}
    <ul>
      ${groups.map(
        (it) => html`
          <li key=${it.name}>
            ${`${it.name}: ${it.members} connections `}
            <button type="button" onClick=${() => end({ group: it.name })}>
              ${`Close all of ${it.name}`}
            </button>
          </li>
        `,
      )}
    </ul>
  `;
}
