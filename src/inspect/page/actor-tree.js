// Actor tree
//
// One item for each actor, below its parent's, with the state it is in. Texts are set as text, never as markup.

/** @typedef {import("./model.js").Actor} Actor */
/** @typedef {{ item: HTMLLIElement, button: HTMLButtonElement, name: Text, badge: HTMLSpanElement, children: HTMLUListElement, parentId: string | undefined }} Item */

export class ActorTree {
  #root;
  #onSelect;
  /** @type {Map<string, Item>} */
  #items = new Map();
  /** @type {string | undefined} */
  #selected;

  /**
   * @param {HTMLElement} root
   * @param {(id: string) => void} onSelect
   */
  constructor(root, onSelect) {
    this.#root = root;
    this.#onSelect = onSelect;
  }

  /**
   * Shows what became of some actors.
   * @param {Iterable<string>} ids
   * @param {ReadonlyMap<string, Actor>} actors
   */
  update(ids, actors) {
    for (const id of ids) {
      const actor = actors.get(id);
      if (actor === undefined) this.#remove(id);
      else this.#show(actor);
    }
  }

  /** @param {string | undefined} id */
  select(id) {
    this.#mark(this.#selected, false);
    this.#selected = id;
    this.#mark(id, true);
  }

  clear() {
    this.#items.clear();
    this.#root.replaceChildren();
    this.#selected = undefined;
  }

  /** @param {Actor} actor */
  #show({ id, name, parentId, state, status }) {
    const known = this.#items.get(id);
    const shown = known ?? this.#create(id);
    shown.parentId = parentId;
    if (shown.name.data !== name) shown.name.data = name;
    const text = state || status;
    if (shown.badge.textContent !== text) shown.badge.textContent = text;
    shown.badge.dataset.kind = toKind(state, status);
    shown.button.title = id;
    this.#place(shown);
    if (known !== undefined) return;
    for (const item of this.#items.values()) if (item.parentId === id) this.#place(item); // they came before their parent
  }

  /** @param {Item} shown */
  #place({ item, parentId }) {
    const parent = parentId === undefined ? undefined : this.#items.get(parentId);
    const place = parent === undefined || item.contains(parent.item) ? this.#root : parent.children; // ids may lie in a circle
    if (item.parentNode !== place) place.append(item);
  }

  /** @param {string} id */
  #create(id) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "actor";
    button.addEventListener("click", () => this.#onSelect(id));
    const name = document.createTextNode("");
    const label = document.createElement("span");
    label.className = "name";
    label.append(name);
    const badge = document.createElement("span");
    badge.className = "badge";
    const children = document.createElement("ul");
    button.append(label, badge);
    item.append(button, children);
    const created = { item, button, name, badge, children, parentId: undefined };
    this.#items.set(id, created);
    return created;
  }

  /** @param {string} id */
  #remove(id) {
    const gone = this.#items.get(id);
    if (gone === undefined) return;
    this.#root.append(...gone.children.childNodes); // its children stay
    gone.item.remove();
    this.#items.delete(id);
  }

  /**
   * @param {string | undefined} id
   * @param {boolean} isSelected
   */
  #mark(id, isSelected) {
    const item = id === undefined ? undefined : this.#items.get(id);
    item?.button.setAttribute("aria-pressed", String(isSelected));
  }
}

const kinds = new Map([
  ["running", "active"],
  ["verifying", "active"],
  ["paused", "waiting"],
  ["handoff", "waiting"],
  ["succeeded", "good"],
  ["failed", "bad"],
  ["cancelled", "over"],
]);

/**
 * The colour of a badge: by the state of a task, else by the status that every actor has.
 * @param {string} state
 * @param {string} status
 */
function toKind(state, status) {
  const own = kinds.get(state.split(".")[0] ?? "");
  if (own !== undefined) return own;
  if (status === "error") return "bad";
  return status === "active" ? "plain" : "over";
}
