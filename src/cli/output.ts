import { once } from "node:events";
import type { Host } from "./host.ts";

/** Where answers and failures go. Answers to stdout, everything else to stderr. */
export interface Output {
  /** Writes to stdout, and waits while its reader is slow. Text is written with a newline after it, and not at all when it is empty. */
  print(text: string): Promise<void>;
  fail(text: string): void;
  /** Whether the reader of stdout went away. */
  isBroken(): boolean;
  /** Resolves then. */
  broken: Promise<void>;
}

export function createOutput(host: Pick<Host, "stdout" | "stderr">): Output {
  let isBroken = false;
  const broken = new Promise<void>((resolve, reject) => {
    // Never taken off: the error of a last write comes after the command has ended.
    host.stdout.on("error", (error: NodeJS.ErrnoException) => {
      isBroken = true;
      if (error.code === "EPIPE") resolve();
      else reject(error);
    });
  });
  broken.catch(() => {}); // whoever waits for it is told
  host.stderr.on("error", () => {}); // there is nowhere to say it

  return {
    async print(text) {
      if (text === "" || isBroken) return;
      if (!host.stdout.write(`${text}\n`)) await Promise.race([once(host.stdout, "drain").catch(() => {}), broken]); // `broken` reports it
    },
    fail: (text) => void host.stderr.write(`${text}\n`),
    isBroken: () => isBroken,
    broken,
  };
}
