import { onAbort } from "../transport/index.ts";

/** What a call waits for a reply with: it ends with its caller's signal, and can be interrupted so that the call goes on otherwise. */
export class Patience {
  #waiting = new AbortController();
  readonly #forget: () => void;

  /** `signal` has not fired yet. */
  constructor(signal: AbortSignal | undefined) {
    this.#forget = onAbort(signal, () => this.#waiting.abort(signal?.reason));
  }

  /** Fires when whatever begins now should end. */
  begin(): AbortSignal {
    if (this.#waiting.signal.aborted) this.#waiting = new AbortController();
    return this.#waiting.signal;
  }

  interrupt(reason: Error): void {
    this.#waiting.abort(reason);
  }

  /** Lets go of the caller's signal. */
  end(): void {
    this.#forget();
  }
}
