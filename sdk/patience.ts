import { onAbort, type Signal } from "../transport/index.ts";

/** What a call waits for a reply with: it ends with its caller's signal, and can be interrupted so that the call goes on otherwise. */
export class Patience {
  #waiting = new Waiting();
  readonly #forget: () => void;

  /** `signal` has not fired yet. */
  constructor(signal: AbortSignal | undefined) {
    this.#forget = onAbort(signal, () => this.#waiting.end(signal?.reason));
  }

  /** Fires when whatever begins now should end. */
  begin(): Signal {
    if (this.#waiting.aborted) this.#waiting = new Waiting();
    return this.#waiting;
  }

  interrupt(reason: Error): void {
    this.#waiting.end(reason);
  }

  /** Lets go of the caller's signal. */
  end(): void {
    this.#forget();
  }
}

class Waiting implements Signal {
  aborted = false;
  reason: unknown;
  readonly #listeners = new Set<() => void>();

  end(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    for (const run of this.#listeners) run();
    this.#listeners.clear();
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  addEventListener(_type: "abort", run: () => void): void {
    this.#listeners.add(run);
  }

  removeEventListener(_type: "abort", run: () => void): void {
    this.#listeners.delete(run);
  }
}
