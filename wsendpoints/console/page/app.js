// The page: endpoints at the side, and a tab for each connection.

import { About } from "./about.js";
import { Compose } from "./compose.js";
import { Frames } from "./frame_list.js";
import { Handshake } from "./handshake.js";
import { Live } from "./live.js";
import { Session } from "./session.js";
import { html, useLayoutEffect, useReducer, useRef, useState } from "./vendor.js";

// Milliseconds.
const FRAME = 16;

// Stands for the tab that has no connection of its own.
const LIVE = { number: "live" };

export function App({ api, schemas, root, hasLive }) {
  const [first] = api.endpoints;
  const [sessions, setSessions] = useState(() =>
    first ? [new Session(first, schemas, root)] : [],
  );
  const [current, setCurrent] = useState(sessions[0]);
  const [isLive, setLive] = useState(false);
  const show = (session) => {
    setLive(session === LIVE);
    if (session !== LIVE) setCurrent(session);
  };

  const open = (endpoint) => {
    const session = new Session(endpoint, schemas, root);
    setSessions([...sessions, session]);
    show(session);
  };
  const choose = (endpoint) => {
    if (endpoint === current.endpoint) show(current);
    else if (current.state === "closed" && !current.log.last) {
      current.choose(endpoint);
      show(current);
    } else open(endpoint);
  };
  const close = (session) => {
    session.close();
    const others = sessions.filter((it) => it !== session);
    setSessions(others);
    show(others.at(-1));
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
                  tabs=${hasLive ? [...sessions, LIVE] : sessions}
                  current=${isLive ? LIVE : current}
                  choose=${show}
                  open=${() => open(current.endpoint)}
                  close=${sessions.length > 1 && !isLive && (() => close(current))}
                />
                ${
                  isLive
                    ? html`<${Live} />`
                    : html`<${Connection} key=${current.number} session=${current} />`
                }
              </main>
            </div>
          `
        : html`<main><p>There are no endpoints.</p></main>`
    }
  `;
}

/** Renders again when a session changes: at once, or, for what may come in numbers, once a frame. */
function useSession(session) {
  const [, render] = useReducer((count) => count + 1, 0);
  // Before anything else can happen, so that nothing is missed.
  useLayoutEffect(() => {
    let timer = 0;
    const now = () => {
      clearTimeout(timer);
      timer = 0;
      render();
    };
    const end = session.listen((isOneOfMany) => {
      if (!isOneOfMany) now();
      else timer ||= setTimeout(now, FRAME);
    });
    return () => {
      end();
      clearTimeout(timer);
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

function Tabs({ tabs, current, choose, open, close }) {
  const list = useRef(null);
  const move = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const index = (tabs.indexOf(current) + step + tabs.length) % tabs.length;
    choose(tabs[index]);
    list.current.children[index].focus();
  };
  return html`
    <div class="tabs">
      <div role="tablist" aria-label="Connections" ref=${list} onKeyDown=${move}>
        ${tabs.map((it) => {
          const shared = {
            key: it.number,
            type: "button",
            role: "tab",
            id: `tab-${it.number}`,
            "aria-controls": it === current ? "panel" : undefined,
            "aria-selected": it === current ? "true" : "false",
            tabindex: it === current ? 0 : -1,
            onClick: () => choose(it),
          };
          return it === LIVE
            ? html`<button ...${shared}>Live</button>`
            : html`<button ...${shared}><${Title} session=${it} /></button>`;
        })}
      </div>
      <button type="button" onClick=${open}>New tab</button>
      <button type="button" disabled=${!close} onClick=${close}>Close tab</button>
    </div>
  `;
}

function Title({ session }) {
  useSession(session);
  return html`
    ${`${session.number} ${session.endpoint.title} `}
    <span class=${`state ${session.state}`}>${session.state}</span>
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
