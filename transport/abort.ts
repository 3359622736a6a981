/** What of an `AbortSignal` a request needs; one of our own costs a tenth of it. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: "abort", run: () => void, options: { once: true }): void;
  removeEventListener(type: "abort", run: () => void): void;
}

/** Calls `run` when `signal` fires, until the returned function is called. Who must not begin at all asks the signal first. */
export function onAbort(signal: Signal | undefined, run: () => void): () => void {
  if (signal === undefined) return doNothing;
  signal.addEventListener("abort", run, { once: true });
  return () => signal.removeEventListener("abort", run);
}

function doNothing(): void {}
