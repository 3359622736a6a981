// Stately
//
// Shows the stream in Stately's inspector, a page of somebody else's in a frame.
//
// Invariants:
//   S1. Nothing is posted before a person has opened it, and then only to the window that said `@statelyai.connected` from the frame and
//       from the inspector's own origin. That it has loaded says nothing: it says so by itself, before or after.
//   S2. Whoever connects, at once or late or anew, gets what is kept (H1) and then everything, in order.

/** @typedef {import("../../contracts/inspection.ts").InspectionMessage} Message */
/** @typedef {"closed" | "opening" | "connected" | "silent"} State */

const patienceMs = 2_000;

export class StatelyBridge {
  #url;
  #history;
  #place;
  #onState;
  /** @type {HTMLIFrameElement | undefined} */
  #frame;
  /** @type {Window | undefined} */
  #port;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {{
   *   url: URL,
   *   history: Pick<import("./history.js").History, "replay">,
   *   place: HTMLElement,
   *   onState: (state: State) => void,
   * }} options `place` is where the frame goes.
   */
  constructor({ url, history, place, onState }) {
    this.#url = url;
    this.#history = history;
    this.#place = place;
    this.#onState = onState;
    addEventListener("message", (event) => this.#hear(event));
  }

  get isOpen() {
    return this.#frame !== undefined;
  }

  open() {
    this.close();
    const frame = document.createElement("iframe");
    frame.title = "Stately's inspector";
    frame.referrerPolicy = "no-referrer";
    frame.setAttribute("sandbox", "allow-scripts allow-same-origin allow-popups allow-forms"); // it cannot lead this page away
    frame.src = this.#url.href;
    this.#frame = frame;
    this.#place.replaceChildren(frame);
    this.#onState("opening");
    this.#timer = setTimeout(() => this.#onState("silent"), patienceMs);
  }

  close() {
    clearTimeout(this.#timer);
    this.#port = undefined;
    this.#frame = undefined;
    this.#place.replaceChildren();
    this.#onState("closed");
  }

  /** The stream began anew: so does the inspector. */
  restart() {
    if (this.isOpen) this.open();
  }

  /** @param {Message} message */
  forward(message) {
    this.#port?.postMessage(message, this.#url.origin);
  }

  /** @param {MessageEvent<unknown>} event */
  #hear({ source, origin, data }) {
    const window = this.#frame?.contentWindow;
    if (!window || source !== window || origin !== this.#url.origin) return; // S1
    if (!isConnected(data)) return;
    clearTimeout(this.#timer);
    this.#port = window;
    for (const message of this.#history.replay()) this.forward(message); // S2
    this.#onState("connected");
  }
}

/**
 * @param {unknown} data
 * @returns {boolean}
 */
function isConnected(data) {
  return typeof data === "object" && data !== null && "type" in data && data.type === "@statelyai.connected";
}
