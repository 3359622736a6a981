// History
//
// What is posted to an inspector that connects later: the last messages as they came, and before them each actor of which something was
// dropped, as it stood then.
//
// Invariants:
//   H1. In a replay an actor comes before anything else about it, however much was dropped.
//   H2. At most `messagesMax` messages are kept, and `actorsMax` actors before them: of more the eldest is missing.

/** @typedef {import("../../contracts/inspection.ts").InspectionMessage} Message */
/** @typedef {import("../../contracts/inspection.ts").ActorMessage} ActorMessage */

export class History {
  /** Events that a replay lacks. */
  dropped = 0;
  /** @type {Map<string, ActorMessage>} */
  #base = new Map();
  /** @type {Message[]} */
  #messages = [];
  #first = 0;
  #messagesMax;
  #actorsMax;

  /** @param {{ messagesMax: number, actorsMax: number }} bounds */
  constructor({ messagesMax, actorsMax }) {
    this.#messagesMax = messagesMax;
    this.#actorsMax = actorsMax;
  }

  /** @param {Message} message */
  add(message) {
    this.#messages.push(message);
    if (this.#messages.length - this.#first <= this.#messagesMax) return;
    const oldest = this.#messages[this.#first];
    this.#first += 1;
    if (oldest !== undefined) this.#keep(oldest);
    if (this.#first < this.#messagesMax) return;
    this.#messages.splice(0, this.#first); // seldom, so that dropping one costs nothing
    this.#first = 0;
  }

  /** @returns {Message[]} */
  replay() {
    return [...this.#base.values(), ...this.#messages.slice(this.#first)];
  }

  clear() {
    this.dropped = 0;
    this.#base.clear();
    this.#messages = [];
    this.#first = 0;
  }

  /** @param {Message} message */
  #keep(message) {
    if (message.type === "@xstate.event") this.dropped += 1;
    else if (message.type === "@xstate.actor") this.#base.set(message.sessionId, message);
    else this.#moveOn(message);
    if (this.#base.size <= this.#actorsMax) return;
    const [eldest] = this.#base.keys();
    if (eldest !== undefined) this.#base.delete(eldest);
  }

  /** @param {import("../../contracts/inspection.ts").SnapshotMessage} message */
  #moveOn({ sessionId, createdAt, snapshot }) {
    const known = this.#base.get(sessionId);
    if (known !== undefined) this.#base.set(sessionId, { ...known, createdAt, snapshot });
  }
}
