// The page
//
// The stream of the server it came from, as lists that are drawn at most once a frame, and on request in Stately's inspector.

import { ActorTree } from "./actor-tree.js";
import { EventList } from "./event-list.js";
import { History } from "./history.js";
import { Model } from "./model.js";
import { StatelyBridge } from "./stately.js";
import { followStream } from "./stream.js";
import { toJsonText } from "./words.js";

/** @typedef {import("./model.js").Happening} Happening */

const bounds = { actorsMax: 1_000, eventsMax: 2_000 };

history.replaceState(null, "", "/"); // the token is a cookie now, and is not to be seen over somebody's shoulder

const connection = find("connection");
const counts = find("counts");
const onlySelected = /** @type {HTMLInputElement} */ (find("only-selected"));
const openButton = find("stately-open");
const frame = find("stately-frame");
const statelyState = find("stately-state");
const statelyUrl = new URL(document.documentElement.dataset.statelyUrl ?? "https://stately.ai/inspect");

const record = new History({ messagesMax: bounds.eventsMax * 2, actorsMax: bounds.actorsMax });
let model = new Model(bounds);
const tree = new ActorTree(find("actor-tree"), selectActor);
const list = new EventList({ scroll: find("event-scroll"), body: find("event-rows"), onSelect: selectEvent });
const bridge = new StatelyBridge({ url: statelyUrl, history: record, place: frame, onState: showStately });
/** @type {{ actor?: string, event?: Happening }} */
let selected = {};
let isAsked = false;

find("stately-host").textContent = statelyUrl.host;
openButton.addEventListener("click", () => (bridge.isOpen ? bridge.close() : bridge.open()));
onlySelected.addEventListener("change", () => list.showOnly(onlySelected.checked ? selected.actor : undefined));

followStream({
  url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`,
  onAnew() {
    record.clear();
    model = new Model(bounds);
    tree.clear();
    list.clear();
    selected = {};
    onlySelected.checked = false;
    bridge.restart();
    askToDraw();
  },
  onMessage(message) {
    record.add(message);
    model.apply(message);
    bridge.forward(message);
    askToDraw();
  },
  onState(state, { reason, pauseMs }) {
    connection.dataset.state = state;
    connection.textContent = describe(state, reason, pauseMs);
  },
});

/**
 * @param {string} state
 * @param {string} reason
 * @param {number} pauseMs
 */
function describe(state, reason, pauseMs) {
  if (state === "live") return "Live";
  if (state === "ended") return reason || "This is all.";
  const why = reason === "" ? "No connection" : `No connection (${reason})`;
  return `${why}. Trying again in ${pauseMs / 1_000} s; a server that was started anew has printed a new address.`;
}

function askToDraw() {
  if (isAsked) return;
  isAsked = true;
  requestAnimationFrame(draw);
}

function draw() {
  isAsked = false;
  find("actors-empty").hidden = model.actors.size > 0; // first: what is not displayed cannot be scrolled
  find("events-empty").hidden = model.events.length > 0;
  tree.update(model.changedActors, model.actors);
  list.update(model.events, model.changedEvents, (id) => model.nameOf(id));
  if (selected.actor !== undefined && model.changedActors.has(selected.actor)) showDetails();
  model.changedActors.clear();
  model.changedEvents.clear();
  counts.textContent = `${count(model.actors.size, "actor", model.actorsDropped)} · ${count(model.events.length, "event", model.eventsDropped)}`;
}

/**
 * @param {number} shown
 * @param {string} what
 * @param {number} dropped
 */
function count(shown, what, dropped) {
  const text = `${shown.toLocaleString("en")} ${what}${shown === 1 ? "" : "s"}`;
  return dropped === 0 ? text : `${text} (${dropped.toLocaleString("en")} older not shown)`;
}

/** @param {string} id */
function selectActor(id) {
  selected = selected.actor === id ? {} : { actor: id };
  tree.select(selected.actor);
  onlySelected.disabled = selected.actor === undefined;
  if (onlySelected.disabled) onlySelected.checked = false;
  list.showOnly(onlySelected.checked ? selected.actor : undefined);
  showDetails();
}

/** @param {Happening} happening */
function selectEvent(happening) {
  selected = { ...selected, event: happening };
  showDetails();
  selected = selected.actor === undefined ? {} : { actor: selected.actor };
}

function showDetails() {
  const { actor, event } = selected;
  const what = find("details-what");
  const text = find("details-text");
  const known = actor === undefined ? undefined : model.actors.get(actor);
  const value = event?.event ?? known?.snapshot;
  text.hidden = value === undefined;
  text.textContent = toJsonText(value);
  if (event !== undefined) what.textContent = `Event ${event.type} to ${model.nameOf(event.toId)}`;
  else if (known !== undefined) what.textContent = `${known.name} (${known.id})`;
  else what.textContent = "Choose an actor or an event.";
}

/** @param {import("./stately.js").State} state */
function showStately(state) {
  frame.hidden = state === "closed" || state === "silent";
  openButton.setAttribute("aria-expanded", String(state !== "closed"));
  openButton.textContent = state === "closed" ? "Open in Stately's inspector" : "Close Stately's inspector";
  statelyState.textContent = describeStately(state);
}

/** @param {import("./stately.js").State} state */
function describeStately(state) {
  if (state === "opening") return `Waiting for ${statelyUrl.host}…`;
  if (state === "silent") return `No connection to ${statelyUrl.host} after 2 s. The lists here go on.`;
  if (state === "closed") return "";
  return record.dropped === 0
    ? `Shown on ${statelyUrl.host}.`
    : `Shown on ${statelyUrl.host}, without the ${record.dropped.toLocaleString("en")} oldest events.`;
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
function find(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no element ${id}.`);
  return element;
}
