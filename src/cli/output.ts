import type { Host } from "./host.ts";
import { OutputError } from "./report.ts";

/** Where answers and failures go. Answers to stdout, everything else to stderr. */
export interface Output {
  /** Writes to stdout, and waits while its reader is slow. Text is written with a newline after it, and not at all when it is empty. */
  print(text: string): Promise<void>;
  fail(text: string): void;
  /** Whether the reader of stdout went away. */
  isBroken(): boolean;
  /** Resolves then. @throws OutputError when stdout cannot be written for another reason, such as a full disk. */
  broken: Promise<void>;
  /** Waits until everything printed is written. @throws OutputError when it could not be. */
  flush(): Promise<void>;
}

export function createOutput(host: Pick<Host, "stdout" | "stderr">): Output {
  let isBroken = false;
  let failure: OutputError | undefined;
  const broken = new Promise<void>((resolve, reject) => {
    // Never taken off: the error of a last write comes after the command has ended.
    host.stdout.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") {
        isBroken = true;
        return resolve();
      }
      failure ??= new OutputError(error);
      reject(failure);
    });
  });
  broken.catch(() => {}); // `flush` tells of it
  host.stderr.on("error", () => {}); // there is nowhere to say it

  return {
    async print(text) {
      if (text === "" || isBroken) return;
      const written = new Promise<void>((resolve) => void host.stdout.write(`${text}\n`, () => resolve())); // a failed write calls back, too
      if (host.stdout.writableNeedDrain) await Promise.race([written, broken]);
    },
    async flush() {
      if (!isBroken) await new Promise<void>((resolve) => void host.stdout.write("", () => resolve()));
      if (failure !== undefined) throw failure;
    },
    fail: (text) => void host.stderr.write(`${text}\n`),
    isBroken: () => isBroken,
    broken,
  };
}
