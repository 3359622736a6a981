import { startProgram } from "./program.ts";

/** A nats-server that belongs to an example; it is ended when it is disposed of. */
export interface NatsServer extends AsyncDisposable {
  readonly url: string;
}

/**
 * Starts a nats-server that keeps its streams in `folder`; null when none can be had, which it has said on stderr.
 * @throws when `signal` is aborted.
 */
export async function startNatsServer(folder: string, signal: AbortSignal): Promise<NatsServer | null> {
  const program = startProgram(new URL("nats-program.ts", import.meta.url), [folder], signal);
  const url = await program.firstLine;
  if (url !== undefined) return { url, [Symbol.asyncDispose]: program.end };
  await program.end();
  signal.throwIfAborted();
  return null;
}
