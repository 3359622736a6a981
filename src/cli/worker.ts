// Worker
//
// `aionis worker`: a module's handler at work, in the foreground. Owns: waiting for a runtime, what is said of each task, and the end.
// Does not own: claims and runs, which are the SDK's.
//
// Invariants:
//   W1. A runtime that is not there is waited for, however long; what cannot become right by waiting ends the command.
//   W2. The module is loaded before anything is connected, so that one with a mistake claims nothing.

import { resolve } from "node:path";
import { inspect } from "node:util";
import {
  builtInTools,
  type Connection,
  connect,
  type Handler,
  type Worker,
  type WorkerOptions,
} from "../../sdk/index.ts";
import { isFailure } from "../contracts/failures.ts";
import { limits } from "../contracts/limits.ts";
import { toolRole } from "../contracts/values.ts";
import { type Logger, systemClock } from "../kernel/index.ts";
import { describePlace, type Place, readPlace, toConnectOptions } from "./place.ts";
import {
  type AddCommand,
  atMost,
  createLineLogger,
  createSay,
  createStop,
  drainMs,
  pause,
  type Say,
  type Stop,
  type Surroundings,
} from "./process.ts";
import { exitCodes, toUsageError } from "./report.ts";
import { escapeLine, toJsonLine } from "./text.ts";
import { loadWorker, type WorkerModule } from "./worker-module.ts";

interface WorkerCommandOptions {
  concurrency?: string;
  role?: readonly string[];
  tools?: string;
  quiet?: boolean;
}

export const addWorker: AddCommand = (program, start) => {
  program
    .command("worker")
    .argument(
      "<module>",
      "a file whose default export is a handler, or { agent, roles, concurrency, checks, tools, workspace, handler }",
    )
    .description("Work on tasks with the handler of a module, until Ctrl-C.")
    .helpGroup("Processes:")
    .allowExcessArguments(false)
    .option("--concurrency <n>", "how many tasks at once; what the module says, else 1")
    .option("--role <role>", "a role to work in, instead of those of the module; may be repeated", collect)
    .option("--tools <folder>", "replay playbooks with the built-in tools, which work in this folder")
    .option("--quiet", "say nothing of tasks")
    .addHelpText("after", helpText)
    .action((file: string, options: WorkerCommandOptions) =>
      start((surroundings) => work(file, options, surroundings)),
    );
};

const helpText = `
Examples:
  $ aionis worker ./fixer.ts
  $ aionis worker ./fixer.ts --role code.fix --concurrency 4 --agent fixer-1
  $ aionis worker ./fixer.ts --tools .
  $ aionis worker ./fixer.js --nats nats://10.0.0.5 --scope acme/billing

A module:
  export default async (task, ctx) => {
    const patch = await ctx.step("patch", () => fix(task.brief));
    return ctx.complete({ summary: patch });
  };

TypeScript is loaded with tsx where it is installed, else as far as Node.js does it alone. The agent is --agent, AIONIS_AGENT, that of
the module, else the file's name. It waits for a runtime that is not there yet. The first Ctrl-C or SIGTERM takes nothing new and lets
tasks end, 10 s at most; the rest is given back for others. The second ends it with 130, and leases run out.`;

function collect(role: string, roles: readonly string[] = []): readonly string[] {
  return [...roles, role];
}

async function work(
  module: string,
  options: WorkerCommandOptions,
  { host, output, settings }: Surroundings,
): Promise<number> {
  const { scope, isJson } = settings;
  const place = readPlace(settings);
  const stop = createStop(host);
  const file = resolve(settings.cwd, module);
  const worker = await loadWorker(file, readGiven(options, settings.read("agent"))); // W2
  const { agent, roles, concurrency } = worker;
  const say = createSay(output, isJson);
  const logger = createLineLogger(say);

  const reached = await Promise.race([reach({ place, scope, agent, logger, say, stop }), stop.stopped]);
  if (reached === undefined) return 0;
  const { connection, storeId } = reached;
  const { handler, ...offered } = worker;
  const equipped = withTools(offered, options, settings.cwd);
  const started = connection.worker(equipped, options.quiet === true ? handler : toToldHandler(handler, say));
  const at = describePlace(place);
  const text = `${agent} works on ${scope} (${storeId}) at ${at}, ${concurrency} at a time`;
  const all = [...roles, ...(equipped.tools ?? []).map(({ name }) => `${toolRole}${name}`)];
  const known = { agent, scope, storeId, at, concurrency, roles: all };
  const as = all.length === 0 ? "" : `, as ${all.join(", ")}`;
  await output.print(isJson ? toJsonLine(known) : escapeLine(text + as));

  await watch(started, { stop, say, at });
  const hasFailed = !stop.isStopped();
  await atMost(drainMs + graceMs, end(started, connection, say));
  return hasFailed ? exitCodes.failure : 0;
}

/** What the command line says, which goes before what the module says of itself. */
function readGiven({ concurrency, role }: WorkerCommandOptions, agent: string | undefined) {
  if (concurrency !== undefined && !/^\d+$/.test(concurrency))
    throw toUsageError(`--concurrency is "${concurrency}", which is not a whole number.`);
  return {
    ...(agent === undefined ? {} : { agent }),
    ...(role === undefined ? {} : { roles: [...role] }),
    ...(concurrency === undefined ? {} : { concurrency: Number(concurrency) }),
  };
}

/** The built-in tools beside those of the module. */
function withTools(
  { workspace, ...worker }: Omit<WorkerModule, "handler">,
  { tools: folder }: WorkerCommandOptions,
  cwd: string,
): WorkerOptions {
  const tools = folder === undefined ? worker.tools : [...builtInTools, ...worker.tools];
  const place = folder ?? workspace;
  return { ...worker, tools, ...(place === undefined ? {} : { workspace: resolve(cwd, place) }) };
}

interface ReachOptions {
  place: Place;
  scope: string;
  agent: string;
  logger: Logger;
  say: Say;
  stop: Stop;
}

const tryMs = 1_000;
const retryMs = 500;

/** A connection on which a runtime has answered (W1); none when it was stopped before. */
async function reach({ place, scope, agent, logger, say, stop }: ReachOptions) {
  let connection: Connection | undefined;
  for (let hasSaid = false; !stop.isStopped(); hasSaid = true) {
    try {
      connection ??= await connect({ ...toConnectOptions(place), scope, agent, logger });
      const { storeId } = await connection.runtime.status({}, { timeoutMs: tryMs });
      return { connection, storeId };
    } catch (error) {
      if (!isFailure(error) || !error.retryable) throw error;
      const { code, detail } = error;
      if (!hasSaid) say(`Waiting for the runtime of ${scope}. ${detail}`, { event: "waiting", scope, code, detail });
    }
    await pause(retryMs);
  }
  return undefined;
}

/** The same handler, which says when a task is claimed and how that ended. */
function toToldHandler(handler: Handler, say: Say): Handler {
  return async (task, ctx) => {
    const { taskId, epoch, brief = task.kind } = task;
    const startedAt = systemClock.mono();
    let error: string | undefined;
    say(`${taskId} claimed at epoch ${epoch}: ${firstLine(brief)}`, { event: "claimed", taskId, epoch });
    ctx.signal.addEventListener("abort", () => {
      const ms = Math.round(systemClock.mono() - startedAt);
      const why = toWhy(ctx.signal.reason);
      const text = `${taskId} ended after ${ms} ms: ${why}`;
      say(error === undefined ? text : `${text} (${error})`, { event: "ended", taskId, epoch, ms, why, error });
    });
    try {
      return await handler(task, ctx);
    } catch (cause) {
      error = firstLine(inspect(cause)); // anything can be thrown
      throw cause;
    }
  };
}

/** The signal's reason is a failure that has it as a fact. */
function toWhy(reason: unknown): string {
  return isFailure(reason) && typeof reason.facts.why === "string" ? reason.facts.why : String(reason);
}

const lineChars = 100;

function firstLine(text: string): string {
  const [line = ""] = text.split("\n");
  return line.length > lineChars ? `${line.slice(0, lineChars)}…` : line;
}

const pollMs = 500;

/** Resolves when the worker is to end, or has ended by itself. Meanwhile it says when the runtime is lost, for which the worker asks on. */
async function watch(worker: Worker, { stop, say, at }: { stop: Stop; say: Say; at: string }): Promise<void> {
  let wasReached: boolean | undefined; // not known before the first claim is answered, for which it may wait
  while (worker.state() !== "stopped" && !stop.isStopped()) {
    const isReached = worker.state() !== "connecting";
    if (wasReached === true && !isReached)
      say(`The runtime at ${at} cannot be reached. Trying again.`, { event: "lost", at });
    if (wasReached === false && isReached) say(`The runtime at ${at} is reached again.`, { event: "reached", at });
    if (isReached || wasReached !== undefined) wasReached = isReached;
    await Promise.race([pause(pollMs), stop.stopped]);
  }
}

const graceMs = limits.runGraceMs + 2_000; // to clean up and give back what has not ended

async function end(worker: Worker, connection: Connection, say: Say): Promise<void> {
  const count = worker.tasks().length;
  if (count > 0)
    say(`Letting ${count} ${count === 1 ? "task" : "tasks"} end. Ctrl-C again ends at once.`, {
      event: "draining",
      tasks: count,
    });
  await worker.drain({ timeoutMs: drainMs });
  await connection.close();
}
