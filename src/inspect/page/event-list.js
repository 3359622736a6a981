// Event list
//
// A row for each event, the newest last. It stays at the end while one has not scrolled away from there. Texts are set as text. Rows out
// of sight are left out of the layout (page.css), which would look at every row of a table in each frame.

import { toTimeText } from "./words.js";

/** @typedef {import("./model.js").Happening} Happening */
/** @typedef {(id: string) => string} NameOf */

export class EventList {
  #scroll;
  #body;
  #onSelect;
  /** The rows that are shown, the oldest first. @type {{ happening: Happening, row: HTMLElement, button: HTMLButtonElement, after: HTMLElement }[]} */
  #rows = [];
  #next = 0;
  /** @type {HTMLButtonElement | undefined} */
  #current;
  /** @type {string | undefined} */
  #only;

  /**
   * @param {{ scroll: HTMLElement, body: HTMLElement, onSelect: (happening: Happening) => void }} options
   */
  constructor({ scroll, body, onSelect }) {
    this.#scroll = scroll;
    this.#body = body;
    this.#onSelect = onSelect;
    body.addEventListener("keydown", (event) => this.#move(event));
  }

  /**
   * Shows what is new in `events`, and forgets what is no longer there.
   * @param {readonly Happening[]} events
   * @param {Iterable<Happening>} changed
   * @param {NameOf} nameOf
   */
  update(events, changed, nameOf) {
    const isAtEnd = this.#scroll.scrollHeight - this.#scroll.scrollTop - this.#scroll.clientHeight < 40;
    const first = events[0]?.index ?? this.#next;
    const gone = this.#rows.findIndex(({ happening }) => happening.index >= first);
    for (const { row, button } of this.#rows.splice(0, gone < 0 ? this.#rows.length : gone)) {
      row.remove();
      if (button === this.#current) this.#current = undefined;
    }
    const fresh = document.createDocumentFragment();
    for (const happening of events.slice(Math.max(this.#next - first, 0)))
      fresh.append(this.#create(happening, nameOf));
    this.#next = (events.at(-1)?.index ?? this.#next - 1) + 1;
    for (const happening of changed) this.#finish(happening);
    if (!fresh.hasChildNodes()) return;
    this.#body.append(fresh);
    if (this.#current === undefined) this.#setCurrent(this.#rows.at(-1)?.button);
    if (isAtEnd) this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }

  /** Shows only what goes to or comes from one actor; everything if none is given. @param {string | undefined} id */
  showOnly(id) {
    this.#only = id;
    for (const { happening, row } of this.#rows) row.hidden = this.#isLeftOut(happening);
  }

  clear() {
    this.#rows = [];
    this.#next = 0;
    this.#current = undefined;
    this.#only = undefined;
    this.#body.replaceChildren();
  }

  /**
   * @param {Happening} happening
   * @param {NameOf} nameOf
   */
  #create(happening, nameOf) {
    const { createdAt, fromId, toId, type, after } = happening;
    const row = document.createElement("tr");
    const cells = [toTimeText(createdAt), fromId === undefined ? "" : nameOf(fromId), nameOf(toId), "", after].map(
      (text) => {
        const cell = document.createElement("td");
        cell.textContent = text;
        cell.title = text;
        return cell;
      },
    );
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = type;
    button.tabIndex = -1; // one of them is in the order of the Tab key; the arrow keys go on from there
    row.addEventListener("click", () => {
      this.#setCurrent(button);
      this.#onSelect(happening);
    });
    cells[3]?.append(button);
    row.append(...cells);
    row.hidden = this.#isLeftOut(happening);
    this.#rows.push({ happening, row, button, after: /** @type {HTMLElement} */ (cells[4]) });
    return row;
  }

  /** @param {Happening} happening */
  #finish(happening) {
    const first = this.#rows[0]?.happening.index ?? 0;
    const shown = this.#rows[happening.index - first];
    if (shown === undefined) return;
    shown.after.textContent = happening.after;
    shown.after.title = happening.after;
  }

  /** @param {Happening} happening */
  #isLeftOut({ fromId, toId }) {
    return this.#only !== undefined && fromId !== this.#only && toId !== this.#only;
  }

  /** @param {HTMLButtonElement | undefined} button */
  #setCurrent(button) {
    if (this.#current !== undefined) this.#current.tabIndex = -1;
    this.#current = button;
    if (button !== undefined) button.tabIndex = 0;
  }

  /** @param {KeyboardEvent} event */
  #move(event) {
    const steps = { ArrowUp: -1, ArrowDown: 1 };
    const step = steps[/** @type {"ArrowUp" | "ArrowDown"} */ (event.key)];
    if (step === undefined) return;
    const shown = this.#rows.filter(({ row }) => !row.hidden);
    const at = shown.findIndex(({ button }) => button === event.target);
    const next = shown[at + step];
    if (next === undefined) return;
    event.preventDefault();
    this.#setCurrent(next.button);
    next.button.focus();
  }
}
