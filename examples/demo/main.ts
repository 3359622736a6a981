// Demo
//
// `npm run demo`: workers of four roles fix a real bug in a real repository; one of them is killed in the middle, and another goes on where
// it was. The next time none of them is needed. No model, no network; with `--nats` a server on loopback between them. `scenario.ts` is what
// happens, `agents.ts` what the workers do, `next-time.ts` what becomes of it, `report.ts` what is counted in the end.

import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { leaveOuterEnvironment } from "../processes/environment.ts";
import { startNatsServer } from "../processes/nats.ts";
import { readEffects } from "./effects.ts";
import { toPlaces } from "./places.ts";
import { toReport } from "./report.ts";
import { makeRepository, type Repository } from "./repository.ts";
import { play } from "./scenario.ts";
import { printCommands, printCommits, printNextTime, printRepeats, printTimes, printTree } from "./summary.ts";
import { createView, type View } from "./view.ts";

const usage = `Usage: npm run demo -- [--nats] [--json] [--keep]

  --nats   every worker and the runtime is a process of its own, over a nats-server that is started for it
  --json   ends with one line of JSON on stdout; everything else goes to stderr
  --keep   keeps the folder with the repository and the store
  --help   shows this

Exit codes: 0 as claimed, 1 not as claimed, 2 bad arguments, 5 no git or no nats-server, 130 interrupted.
`;

const patienceMs = 60_000;
const fetchMs = 180_000; // a nats-server may have to be fetched first

/** Runs the demo; returns its exit code. */
export async function main(argv: string[]): Promise<number> {
  const options = readOptions(argv);
  if (options === undefined) return 2;
  if (options.help === true) {
    process.stdout.write(usage);
    return 0;
  }
  leaveOuterEnvironment();
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  const timeoutMs = options.nats === true ? patienceMs + fetchMs : patienceMs;
  const patience = AbortSignal.timeout(timeoutMs);
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  const stream = options.json === true ? process.stderr : process.stdout;
  stream.on("error", interrupt); // nobody reads any more
  const view = createView(stream);
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "aionis-demo-")));
  try {
    const signal = AbortSignal.any([interruption.signal, patience]);
    return await run({ folder, view, signal, ...options });
  } catch (error) {
    view.close();
    if (interruption.signal.aborted) return 130;
    const why = patience.aborted ? `it took longer than ${timeoutMs / 1000} s` : String(error);
    process.stderr.write(`not ok: the demo ended early: ${why}\n`);
    return 1;
  } finally {
    view.close();
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
    if (options.keep !== true) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function readOptions(argv: string[]) {
  const flag = { type: "boolean" } as const;
  try {
    return parseArgs({ args: argv, options: { nats: flag, json: flag, keep: flag, help: flag } }).values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return undefined;
  }
}

interface Run {
  folder: string;
  view: View;
  signal: AbortSignal;
  nats?: boolean;
  json?: boolean;
  keep?: boolean;
}

async function run({
  folder,
  view,
  signal,
  nats: isOverNats,
  json: isJson,
  keep: isKept = false,
}: Run): Promise<number> {
  const places = toPlaces(folder);
  const repository = await makeRepositoryOrSay(places.repository);
  if (repository === undefined) return 5;
  await using nats = isOverNats ? await startNatsServer(places.nats, signal) : undefined;
  if (nats === null) return 5;
  view.print(`${view.paint("bold", "retry-kit")}, a repository with a bug, in ${places.repository}`);
  if (nats) view.print(`everybody is a process of its own, over ${nats.url}`);
  view.print("");

  const { events, rootId, next } = await play({ folder, places, repository, servers: nats?.url, view, signal });
  const effects = await readEffects(places.effectsLog);
  const { report, problems } = toReport({ events, effects, rootId, next });
  view.close();
  printTimes(view, events, rootId);
  printRepeats(view, report, effects);
  printTree(view, events);
  await printCommits(view, repository);
  printNextTime(view, next);
  printCommands(view, places, { rootId, isKept });
  for (const problem of problems) process.stderr.write(`not ok: ${problem}\n`);
  if (isJson) process.stdout.write(`${JSON.stringify(report)}\n`);
  return report.ok ? 0 : 1;
}

async function makeRepositoryOrSay(path: string): Promise<Repository | undefined> {
  try {
    return await makeRepository(path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    process.stderr.write("The demo needs `git`, and there is none on the PATH. Install it, then run the demo again.\n");
    return undefined;
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2));
}
