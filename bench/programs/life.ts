import { createInterface } from "node:readline";

/**
 * Lives for as long as whoever started this program holds its standard input open, then closes and exits. Says `ready`, and answers each
 * line with the milliseconds of CPU that this process has used.
 */
export function liveWithStarter(close: () => Promise<unknown>): void {
  createInterface({ input: process.stdin })
    .on("line", () => {
      const { user, system } = process.cpuUsage();
      console.log((user + system) / 1_000);
    })
    .on("close", () => void close().finally(() => process.exit())); // a failure shows as an unhandled rejection
  console.log("ready");
}
