/** Calls `run` when `signal` fires, until the returned function is called. Who must not begin at all asks the signal first. */
export function onAbort(signal: AbortSignal | undefined, run: () => void): () => void {
  if (signal === undefined) return doNothing;
  signal.addEventListener("abort", run, { once: true });
  return () => signal.removeEventListener("abort", run);
}

function doNothing(): void {}
