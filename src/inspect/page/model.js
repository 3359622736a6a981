// Model
//
// What the lists show, made from messages; it knows no DOM.
//
// Invariants:
//   M1. At most `actorsMax` actors and `eventsMax` events are kept: of the actors one that has ended goes first, else the oldest;
//       of the events the oldest. How many went is counted.
//   M2. Anything may come in any order: in events an actor that is not listed is named by its id, and is not listed for that.

import { toStateText } from "./words.js";

/** @typedef {import("../../contracts/inspection.ts").InspectionMessage} Message */
/** @typedef {import("../../contracts/inspection.ts").InspectedSnapshot} Snapshot */
/** @typedef {{ id: string, name: string, parentId: string | undefined, state: string, status: string, snapshot: unknown }} Actor */
/** @typedef {{ index: number, createdAt: string, fromId: string | undefined, toId: string, type: string, event: unknown, after: string }} Happening */

export class Model {
  /** @type {Map<string, Actor>} */
  actors = new Map();
  /** @type {Happening[]} */
  events = [];
  actorsDropped = 0;
  eventsDropped = 0;
  /** Ids of actors that changed, came or went since the view last looked. @type {Set<string>} */
  changedActors = new Set();
  /** Events that changed since then after they had come. @type {Set<Happening>} */
  changedEvents = new Set();
  /** The last event of each actor, until it is known where the actor stood then. @type {Map<string, Happening>} */
  #open = new Map();
  #next = 0;
  #bounds;

  /** @param {{ actorsMax: number, eventsMax: number }} bounds */
  constructor(bounds) {
    this.#bounds = bounds;
  }

  /** @param {Message} message */
  apply(message) {
    switch (message.type) {
      case "@xstate.actor":
        return this.#register(message.sessionId, message.name, message.parentId, message.snapshot);
      case "@xstate.event":
        return this.#happen(message);
      case "@xstate.snapshot":
        return this.#stand(message.sessionId, message.snapshot);
    }
  }

  /** @param {string} id */
  nameOf(id) {
    return this.actors.get(id)?.name ?? id;
  }

  /**
   * @param {string} id
   * @param {string} name
   * @param {string | undefined} parentId
   * @param {Snapshot | undefined} snapshot
   */
  #register(id, name, parentId, snapshot) {
    const isNew = !this.actors.has(id);
    const state = toStateText(snapshot?.value);
    this.actors.set(id, {
      id,
      name: name || id,
      parentId,
      state,
      status: String(snapshot?.status ?? "active"),
      snapshot,
    });
    this.changedActors.add(id);
    if (isNew && this.actors.size > this.#bounds.actorsMax) this.#dropActor(id);
  }

  /** @param {import("../../contracts/inspection.ts").EventMessage} message */
  #happen({ sessionId, sourceId, createdAt, event }) {
    const type = String(event?.type ?? "");
    const row = { index: this.#next, createdAt, fromId: sourceId, toId: sessionId, type, event, after: "" };
    this.#next += 1;
    this.events.push(row);
    this.#open.set(sessionId, row);
    if (this.events.length <= this.#bounds.eventsMax) return;
    const oldest = this.events.shift();
    this.eventsDropped += 1;
    if (oldest !== undefined && this.#open.get(oldest.toId) === oldest) this.#open.delete(oldest.toId);
  }

  /**
   * @param {string} id
   * @param {Snapshot} snapshot
   */
  #stand(id, snapshot) {
    const known = this.actors.get(id);
    if (known !== undefined) this.#register(id, known.name, known.parentId, snapshot);
    const row = this.#open.get(id);
    if (row === undefined) return;
    row.after = toStateText(snapshot?.value);
    this.#open.delete(id);
    this.changedEvents.add(row);
  }

  /** @param {string} newest */
  #dropActor(newest) {
    const gone = this.#findEnded(newest) ?? [...this.actors.values()][0];
    if (gone === undefined) return;
    this.actors.delete(gone.id);
    this.changedActors.add(gone.id);
    this.actorsDropped += 1;
  }

  /** @param {string} newest */
  #findEnded(newest) {
    for (const actor of this.actors.values()) if (actor.status !== "active" && actor.id !== newest) return actor;
    return undefined;
  }
}
