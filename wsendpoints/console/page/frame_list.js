// The log: only the rows that can be seen are in the page, however many there are.

import { Details } from "./details.js";
import { preview, visible, written } from "./frames.js";
import { exported } from "./log.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./vendor.js";

const ROW = 34;
// Rows beyond both ends of what is seen, so that scrolling shows no gap.
const MARGIN = 10;
const DIRECTIONS = { sent: "↑ sent", received: "↓ received", note: "• note" };

export function Frames({ session }) {
  const { log, endpoint } = session;
  const [filter, setFilter] = useState({ text: "", name: "", direction: "" });
  const [pausedAt, setPausedAt] = useState(null);
  const [chosen, setChosen] = useState(null);
  const entries = log.filtered({ ...filter, until: pausedAt ?? Infinity });
  const missed = pausedAt === null ? 0 : log.last - pausedAt;
  const told = [
    `${entries.length} of ${log.entries.length} shown`,
    log.dropped > 0 && `${log.dropped} older ones are gone`,
    missed > 0 && `${missed} new ones since the pause`,
  ];
  const set = (name) => (event) => {
    const { value } = event.target;
    // Two may come before it is rendered again.
    setFilter((it) => ({ ...it, [name]: value }));
  };
  const messages = new Set([...endpoint.sent, ...endpoint.received].map((it) => it.name));
  const unchoose = () => {
    setChosen(null);
    document.getElementById("frames").focus();
  };
  const clear = () => {
    log.clear();
    setChosen(null);
    session.changed();
  };
  const replay = () => {
    for (const it of entries.filter((it) => it.direction === "sent" && !it.isCut))
      session.send(it.data);
  };
  return html`
    <section class="log" aria-label="Log">
      <div class="tools">
        <div class="field">
          <label for="filter">Filter</label>
          <input
            id="filter"
            type="search"
            autocomplete="off"
            value=${filter.text}
            onInput=${set("text")}
          />
        </div>
        <div class="field">
          <label for="filter-type">Type</label>
          <select id="filter-type" value=${filter.name} onInput=${set("name")}>
            <option value="">all</option>
            ${[...messages].map((it) => html`<option value=${it}>${it}</option>`)}
          </select>
        </div>
        <div class="field">
          <label for="filter-direction">Direction</label>
          <select id="filter-direction" value=${filter.direction} onInput=${set("direction")}>
            <option value="">all</option>
            ${Object.entries(DIRECTIONS).map(([it, title]) => html`<option value=${it}>${title}</option>`)}
          </select>
        </div>
        <button
          type="button"
          aria-pressed=${pausedAt === null ? "false" : "true"}
          onClick=${() => setPausedAt(pausedAt === null ? log.last : null)}
        >
          Pause
        </button>
        <button type="button" onClick=${clear}>Clear</button>
        <button type="button" onClick=${() => save(entries)}>Export</button>
        <button type="button" disabled=${session.state !== "open"} onClick=${replay}>
          Replay all sent
        </button>
      </div>
      <p class="hint count">${told.filter(Boolean).join(", ")}</p>
      <${List}
        entries=${entries}
        chosen=${chosen}
        choose=${setChosen}
        isFollowing=${pausedAt === null}
      />
      ${
        chosen &&
        html`<${Details} key=${chosen.id} session=${session} entry=${chosen} close=${unchoose} />`
      }
    </section>
  `;
}

function save(entries) {
  const url = URL.createObjectURL(new Blob([exported(entries)], { type: "application/x-ndjson" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = "log.jsonl";
  link.click();
  URL.revokeObjectURL(url);
}

function List({ entries, chosen, choose, isFollowing }) {
  const box = useRef(null);
  const isAtEnd = useRef(true);
  const [seen, setSeen] = useState({ top: 0, height: 400 });
  const look = () => {
    // It may be asked for once more when the list is gone.
    if (!box.current) return;
    const { scrollTop: top, clientHeight: height, scrollHeight } = box.current;
    isAtEnd.current = scrollHeight - top - height < ROW;
    if (top !== seen.top || height !== seen.height) setSeen({ top, height });
  };
  useEffect(() => {
    const observer = new ResizeObserver(look);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (isAtEnd.current && isFollowing) box.current.scrollTop = box.current.scrollHeight;
    look();
  }, [entries.length, entries.at(-1)?.id]);
  const first = Math.max(0, Math.floor(seen.top / ROW) - MARGIN);
  const last = Math.min(entries.length, Math.ceil((seen.top + seen.height) / ROW) + MARGIN);
  const move = (event) => {
    const page = Math.max(1, Math.floor(seen.height / ROW) - 1);
    const index = entries.indexOf(chosen);
    const target = {
      ArrowDown: index + 1,
      ArrowUp: index < 0 ? entries.length - 1 : index - 1,
      PageDown: index + page,
      PageUp: index - page,
      Home: 0,
      End: entries.length - 1,
    }[event.key];
    if (target === undefined || !entries.length) return;
    event.preventDefault();
    const next = Math.min(Math.max(target, 0), entries.length - 1);
    choose(entries[next]);
    const { scrollTop, clientHeight } = box.current;
    if (next * ROW < scrollTop) box.current.scrollTop = next * ROW;
    else if ((next + 1) * ROW > scrollTop + clientHeight)
      box.current.scrollTop = (next + 1) * ROW - clientHeight;
  };
  const isShown = chosen && entries.slice(first, last).includes(chosen);
  return html`
    <div
      class="rows"
      id="frames"
      role="listbox"
      aria-label="Frames"
      tabindex="0"
      aria-activedescendant=${isShown ? `entry-${chosen.id}` : undefined}
      ref=${box}
      onScroll=${look}
      onKeyDown=${move}
    >
      <div class="space" role="presentation" style=${{ height: `${entries.length * ROW}px` }}>
        <div
          class="seen"
          role="presentation"
          style=${{ transform: `translateY(${first * ROW}px)` }}
        >
          ${entries
            .slice(first, last)
            .map(
              (it, index) => html`
                <${Row}
                  key=${it.id}
                  entry=${it}
                  place=${first + index + 1}
                  count=${entries.length}
                  isChosen=${it === chosen}
                  choose=${choose}
                />
              `,
            )}
        </div>
      </div>
      ${
        !entries.length &&
        html`
          <p class="hint empty" role="option" aria-disabled="true" aria-selected="false">
            Nothing yet.
          </p>
        `
      }
    </div>
  `;
}

function Row({ entry, place, count, isChosen, choose }) {
  const { direction, message, problems, latency, details } = entry;
  const isError = Boolean(message?.errorCodes) || problems.length > 0;
  const [problem] = problems;
  const said = visible(details.join(direction === "note" ? " " : "; "));
  // What a note says comes first, and what an error means before how it is written.
  const parts = direction === "note" ? [preview(entry.data), said] : [said, preview(entry.data)];
  return html`
    <div
      role="option"
      id=${`entry-${entry.id}`}
      class=${`row ${direction} ${isError ? "wrong" : ""}`}
      aria-selected=${isChosen ? "true" : "false"}
      aria-posinset=${place}
      aria-setsize=${count}
      onClick=${() => choose(entry)}
    >
      <span class="number">#${entry.id}</span>
      <time>${clock(entry.at)}</time>
      <span class="direction">${DIRECTIONS[direction]}</span>
      ${message && html`<b class="type">${message.name}</b>`}
      ${problem && html`<span class="problem">invalid: ${problem.path} ${problem.reason}</span>`}
      ${latency !== null && html`<span class="latency">${latency.toFixed(1)} ms</span>`}
      <span class="preview">${parts.filter(Boolean).join(" — ")}</span>
      ${direction !== "note" && html`<span class="size">${written(entry.size)}</span>`}
    </div>
  `;
}

function clock(at) {
  const it = new Date(at);
  const [hours, minutes, seconds] = [it.getHours(), it.getMinutes(), it.getSeconds()].map((part) =>
    String(part).padStart(2, "0"),
  );
  return `${hours}:${minutes}:${seconds}.${String(it.getMilliseconds()).padStart(3, "0")}`;
}
