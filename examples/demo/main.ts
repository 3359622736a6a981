// Demo
//
// `npm run demo`: workers of four roles fix a real bug in a real repository; one of them is killed in the middle, and another goes on where
// it was. No model, no network. `scenario.ts` is what happens, `agents.ts` what the workers do, `report.ts` what is counted in the end.

import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readEffects } from "./effects.ts";
import { toPlaces } from "./places.ts";
import { toReport } from "./report.ts";
import { makeRepository, type Repository } from "./repository.ts";
import { play } from "./scenario.ts";
import { printCommits, printNext, printRepeats, printTimes, printTree } from "./summary.ts";
import { createView, type View } from "./view.ts";

const usage = `Usage: npm run demo -- [--json] [--keep]

  --json   ends with one line of JSON on stdout; everything else goes to stderr
  --keep   keeps the folder with the repository and the store
  --help   shows this

Exit codes: 0 as claimed, 1 not as claimed, 2 bad arguments, 5 no git, 130 interrupted.
`;

const patienceMs = 60_000;

/** Runs the demo; returns its exit code. */
export async function main(argv: string[]): Promise<number> {
  const options = readOptions(argv);
  if (options === undefined) return 2;
  if (options.help === true) {
    process.stdout.write(usage);
    return 0;
  }
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  const patience = AbortSignal.timeout(patienceMs);
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  const stream = options.json === true ? process.stderr : process.stdout;
  stream.on("error", interrupt); // nobody reads any more
  const view = createView(stream);
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "aionis-demo-")));
  try {
    const signal = AbortSignal.any([interruption.signal, patience]);
    return await run({ folder, view, signal, isJson: options.json === true, isKept: options.keep === true });
  } catch (error) {
    view.close();
    if (interruption.signal.aborted) return 130;
    const why = patience.aborted ? `it took longer than ${patienceMs / 1000} s` : String(error);
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
    return parseArgs({ args: argv, options: { json: flag, keep: flag, help: flag } }).values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return undefined;
  }
}

interface Run {
  folder: string;
  view: View;
  signal: AbortSignal;
  isJson: boolean;
  isKept: boolean;
}

async function run({ folder, view, signal, isJson, isKept }: Run): Promise<number> {
  const places = toPlaces(folder);
  const repository = await makeRepositoryOrSay(places.repository);
  if (repository === undefined) return 5;
  view.print(`${view.paint("bold", "retry-kit")}, a repository with a bug, in ${places.repository}\n`);

  const { events, rootId } = await play({ folder, places, repository, view, signal });
  const effects = await readEffects(places.effectsLog);
  const { report, problems } = toReport(events, effects, rootId);
  view.close();
  printTimes(view, events, rootId);
  printRepeats(view, report, effects);
  printTree(view, events);
  await printCommits(view, repository);
  printNext(view, places, { rootId, isKept });
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
