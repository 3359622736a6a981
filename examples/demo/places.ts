import { join } from "node:path";

/** Where the parts of one demo lie. The processes of the demo share nothing else. */
export function toPlaces(folder: string) {
  return {
    scope: "demo/retry-kit",
    /** The store, and the socket beside it. */
    store: join(folder, "store"),
    repository: join(folder, "retry-kit"),
    /** See `effects.ts`. */
    effectsLog: join(folder, "effects.jsonl"),
    /** The fixer goes past the middle of its second edit when this file is there: after the first fixer is dead. */
    gate: join(folder, "gate"),
  };
}
