import { join } from "node:path";

/** Where the parts of one demo lie. The processes of the demo share nothing else. */
export function toPlaces(folder: string) {
  return {
    scope: "demo/retry-kit",
    /** The store, and the socket beside it. */
    store: join(folder, "store"),
    repository: join(folder, "retry-kit"),
    /** The same with the bug in it, for the next time. */
    freshCopy: join(folder, "retry-kit-again"),
    /** See `effects.ts`. */
    effectsLog: join(folder, "effects.jsonl"),
    /** The fixer goes past the middle of its second edit when this file is there: after the first fixer is dead. */
    gate: join(folder, "gate"),
    /** What the NATS server keeps, if there is one. */
    nats: join(folder, "nats"),
  };
}

/** How long the others wait for a worker that says nothing; 10 s if nobody asks for less. */
export const leaseMs = 1_500;

/** How the runtime is reached: over NATS where there is a server, else over the socket beside the store. */
export function toAddress({ store }: ReturnType<typeof toPlaces>, servers: string | undefined) {
  return servers === undefined ? { path: store } : { servers };
}
