// Subscribe
//
// Follows the delegations of a running system: a line for each packet and each return, and on a terminal, below the lines, the tree of the
// work that they belong to. The sequence of the last line stands in a small file: started again, it goes on there. `follow.ts` has the
// subscription, `screen.ts` what is seen.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createCursor } from "./cursor.ts";
import { follow } from "./follow.ts";
import { createScreen } from "./screen.ts";

const usage = `Usage: npm run subscribe -- --scope <tenant>/<project> (--path <folder of the store> | --nats <url>) [--cursor <file>]

  --cursor   where the last sequence is kept; aionis-subscribe.cursor in the store's folder, or here, if absent

Ctrl-C ends it. Exit codes: 0 ended, 1 cannot go on, 2 bad arguments.
`;

/** Follows until it is interrupted; returns its exit code. */
export async function main(argv: string[]): Promise<number> {
  const options = readOptions(argv);
  if (options === undefined) return 2;
  const { scope, path, servers, cursor } = options;
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  process.stdout.on("error", interrupt); // nobody reads any more
  const screen = createScreen(process.stdout);
  try {
    const address = servers === undefined ? { path } : { servers };
    await follow({ address: { ...address, scope }, cursor: createCursor(cursor), screen, signal: interruption.signal });
    return 0;
  } catch (error) {
    process.stderr.write(`${String(error)}\n`);
    return 1;
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}

function readOptions(argv: string[]) {
  const text = { type: "string" } as const;
  try {
    const { values } = parseArgs({ args: argv, options: { scope: text, path: text, nats: text, cursor: text } });
    const { scope, path = ".aionis", nats: servers } = values;
    if (scope === undefined) throw new Error("--scope is needed.");
    if (values.path !== undefined && servers !== undefined) throw new Error("Give --path or --nats, not both.");
    const folder = servers === undefined ? path : ".";
    return { scope, path, servers, cursor: values.cursor ?? join(folder, "aionis-subscribe.cursor") };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
