// The page: endpoints at the side, and a tab for each connection.

import { About } from "./about.js";
import { Compose } from "./compose.js";
import { Frames } from "./frame_list.js";
import { Handshake } from "./handshake.js";
import { Session } from "./session.js";
import { html, useEffect, useReducer, useRef, useState } from "./vendor.js";

export function App({ api, schemas, root }) {
  const [first] = api.endpoints;
  const [sessions, setSessions] = useState(() =>
    first ? [new Session(first, schemas, root)] : [],
  );
  const [current, setCurrent] = useState(sessions[0]);

  const open = (endpoint) => {
    const session = new Session(endpoint, schemas, root);
    setSessions([...sessions, session]);
    setCurrent(session);
  };
  const choose = (endpoint) => {
    if (endpoint === current.endpoint) return;
    if (current.state === "closed" && !current.log.last) current.choose(endpoint);
    else open(endpoint);
  };
  const close = (session) => {
    session.close();
    const others = sessions.filter((it) => it !== session);
    setSessions(others);
    setCurrent(others.at(-1));
    document.getElementById(`tab-${others.at(-1).number}`).focus();
  };

  return html`
    <header>
      <h1>${api.title}</h1>
      ${api.version && html`<span class="version">${api.version}</span>`}
      ${api.description && html`<p>${api.description}</p>`}
    </header>
    ${
      first
        ? html`
            <div class="columns">
              <${Endpoints} api=${api} current=${current} choose=${choose} />
              <main>
                <${Tabs}
                  sessions=${sessions}
                  current=${current}
                  choose=${setCurrent}
                  open=${open}
                  close=${close}
                />
                <${Connection} key=${current.number} session=${current} />
              </main>
            </div>
          `
        : html`<main><p>There are no endpoints.</p></main>`
    }
  `;
}

/** Renders again when a session changes, once a frame. */
function useSession(session) {
  const [, render] = useReducer((count) => count + 1, 0);
  useEffect(() => {
    let asked = 0;
    const end = session.listen(() => {
      asked ||= requestAnimationFrame(() => {
        asked = 0;
        render();
      });
    });
    return () => {
      end();
      cancelAnimationFrame(asked);
    };
  }, [session]);
}

function Endpoints({ api, current, choose }) {
  useSession(current);
  return html`
    <nav aria-label="Endpoints">
      <ul>
        ${api.endpoints.map(
          (it) => html`
            <li key=${it.key}>
              <button
                type="button"
                aria-current=${it === current.endpoint && "true"}
                onClick=${() => choose(it)}
              >
                <b>${it.title}</b>
                <code>${it.address}</code>
                <span>${it.summary}</span>
              </button>
            </li>
          `,
        )}
      </ul>
    </nav>
  `;
}

function Tabs({ sessions, current, choose, open, close }) {
  const list = useRef(null);
  const move = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const index = (sessions.indexOf(current) + step + sessions.length) % sessions.length;
    choose(sessions[index]);
    list.current.children[index].focus();
  };
  return html`
    <div class="tabs">
      <div role="tablist" aria-label="Connections" ref=${list} onKeyDown=${move}>
        ${sessions.map(
          (it) =>
            html`<${Tab}
              key=${it.number}
              session=${it}
              isCurrent=${it === current}
              choose=${choose}
            />`,
        )}
      </div>
      <button type="button" onClick=${() => open(current.endpoint)}>New tab</button>
      <button type="button" disabled=${sessions.length < 2} onClick=${() => close(current)}>
        Close tab
      </button>
    </div>
  `;
}

function Tab({ session, isCurrent, choose }) {
  useSession(session);
  return html`
    <button
      type="button"
      role="tab"
      id=${`tab-${session.number}`}
      aria-controls=${isCurrent ? "panel" : undefined}
      aria-selected=${isCurrent ? "true" : "false"}
      tabindex=${isCurrent ? 0 : -1}
      onClick=${() => choose(session)}
    >
      ${`${session.number} ${session.endpoint.title} `}
      <span class=${`state ${session.state}`}>${session.state}</span>
    </button>
  `;
}

function Connection({ session }) {
  useSession(session);
  const { endpoint } = session;
  return html`
    <div class="panel" role="tabpanel" id="panel" aria-labelledby=${`tab-${session.number}`}>
      <div class="work">
        <h2>${endpoint.title} <code>${endpoint.address}</code></h2>
        ${endpoint.summary && html`<p>${endpoint.summary}</p>`}
        ${endpoint.description && html`<p class="text">${endpoint.description}</p>`}
        <${About} key=${`${endpoint.key} about`} endpoint=${endpoint} schemas=${session.schemas} />
        <${Handshake} key=${endpoint.key} session=${session} />
        <${Compose} key=${`${endpoint.key} message`} session=${session} />
      </div>
      <${Frames} session=${session} />
    </div>
  `;
}
