import type { Logger } from "../src/kernel/logger.ts";
import type { TransportState } from "./transport.ts";

/** Who hears of a transport's changes of state. A listener that throws is logged and does not disturb the others. */
export class StateListeners {
  readonly #listeners = new Set<{ run: (state: TransportState) => void }>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(run: (state: TransportState) => void): () => void {
    const entry = { run }; // the same function may be added twice and removed once
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  tell(state: TransportState): void {
    for (const { run } of this.#listeners) {
      try {
        run(state);
      } catch (error) {
        this.#logger.log("error", "A listener to the transport's state threw.", { state, error });
      }
    }
  }
}
