// Bisect
//
// Finds the commit that broke a repository, as `git bisect run` does, but with several workers that test commits at the same time and may die
// while they do. `search.ts` decides what to test, `agents.ts` is what the workers do, `bisect.ts` runs them.

import { existsSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startNatsServer } from "../processes/nats.ts";
import { bisect } from "./bisect.ts";
import { forgetGitEnvironment, openRepository, readCommitId } from "./git.ts";

const usage = `Usage: npm run bisect -- --good <ref> --bad <ref> [options] -- <command> …

  --repo <path>      the repository; the current folder if absent. It is only read
  --workers <count>  how many commits are tested at the same time; 3 if absent
  --nats <url>       goes over this NATS server; "managed" starts one for it
  --json             ends with one line of JSON on stdout; everything else goes to stderr

The command runs in the folder of a clone. Its exit code says: 0 good, 125 cannot be tested, 128 and more ends the search, else bad.
Exit codes: 0 found, 1 not found, 2 bad arguments, 5 no git or no nats-server, 130 interrupted.
`;

const workersMax = 32;

class UsageError extends Error {}

/** Runs the search; returns the exit code. */
export async function main(argv: string[]): Promise<number> {
  forgetGitEnvironment();
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  process.stdout.on("error", interrupt); // nobody reads any more
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "aionis-bisect-")));
  try {
    return await run(readOptions(argv), folder, interruption.signal);
  } catch (error) {
    if (interruption.signal.aborted) return 130;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    if (error instanceof UsageError) process.stderr.write(`\n${usage}`);
    return toExitCode(error);
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
    rmSync(folder, { recursive: true, force: true, maxRetries: 8 }); // a killed worker's command may be writing for a second
  }
}

type Options = ReturnType<typeof readOptions>;

async function run(
  { repo, good, bad, command, ...options }: Options,
  folder: string,
  signal: AbortSignal,
): Promise<number> {
  const { isJson, nats, workers: testers } = options;
  const repository = await openRepository(repo);
  const ids = { good: await readCommitId(repository, good), bad: await readCommitId(repository, bad) };
  await using managed = nats === "managed" ? await startNatsServer(join(folder, "nats"), signal) : undefined;
  if (managed === null) return 5;
  const print = (line: string): void => void (isJson ? process.stderr : process.stdout).write(`${line}\n`);
  const scope = `bisect/${toName(repository.folder)}`; // a second search of the same repository on one NATS server is refused
  const servers = managed?.url ?? (nats?.includes("://") === false ? `nats://${nats}` : nats); // a tester tells it from a path
  const report = await bisect({ repository, ...ids, command, folder, scope, testers, servers, print, signal });
  print(`\n${report.summary}\n`);
  if (isJson) process.stdout.write(`${JSON.stringify(report)}\n`);
  return report.found === "one" ? 0 : 1;
}

function readOptions(argv: string[]) {
  const text = { type: "string" } as const;
  const options = { repo: text, good: text, bad: text, workers: text, nats: text, json: { type: "boolean" } } as const;
  try {
    const { values, positionals: command } = parseArgs({ args: argv, options, allowPositionals: true });
    const { good, bad, repo = ".", workers = "3", nats, json: isJson = false } = values;
    if (good === undefined || bad === undefined) throw new Error("--good and --bad are needed.");
    if (command.length === 0) throw new Error("A command is needed after `--`.");
    if (!existsSync(repo)) throw new Error(`There is no folder ${repo}.`);
    const count = Number(workers);
    if (!Number.isInteger(count) || count < 1 || count > workersMax)
      throw new Error(`--workers is 1 to ${workersMax}.`);
    return { good, bad, repo, workers: count, nats, isJson, command };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** The name of the folder that the repository's `.git` is in, or its own where it is bare. */
function toName(folder: string): string {
  return basename(basename(folder) === ".git" ? dirname(folder) : folder);
}

function toExitCode(error: unknown): number {
  if (error instanceof UsageError) return 2;
  return error instanceof Error && "code" in error && error.code === "ENOENT" ? 5 : 1; // of starting git
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2));
}
