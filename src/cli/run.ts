// Run
//
// From argv to the exit code: parse, read the input, reach a runtime, print the answer or the failure.
//
// Invariants:
//   U1. stdout gets answers, stderr everything else. With --json each is JSON.
//   U2. A command that was interrupted, or had no answer, says under which command id it can be repeated: whether it was recorded is
//       not known.
//   U3. A reader that went away (`| head`) ends the command, and is no failure.
//   U4. A command that stays ends its process, whatever a user's module has open or was not drained in time.
//   U5. An answer that could not be written is a failure.

import type { Readable } from "node:stream";
import { type Command, CommanderError } from "commander";
import pc from "picocolors";
import { AionisError } from "../contracts/failures.ts";
import { limits } from "../contracts/limits.ts";
import type { WorkProgress } from "../contracts/progress.ts";
import { createIds, createSystemRandom, systemClock } from "../kernel/index.ts";
import { decodeText, labelPath } from "./fields.ts";
import { type Follower, sliceMs, tailEvents, watchTask } from "./follow.ts";
import type { Host } from "./host.ts";
import { createOutput, type Output } from "./output.ts";
import { readPlace } from "./place.ts";
import { createProgram, findWords, type Request, type Runners } from "./program.ts";
import { createProgressBar } from "./progress.ts";
import { Reach } from "./reach.ts";
import {
  exitCodes,
  InterruptedError,
  showFailure,
  toExitCode,
  toFailure,
  toUsageError,
  withCommandId,
} from "./report.ts";
import type { Style } from "./shapes.ts";
import { show } from "./show.ts";
import { toJsonLine } from "./text.ts";

const timeoutMsDefault = 10_000;
const slowTimeoutMsDefault = 600_000;

/** Runs the command that `argv` names. Returns the exit code; every failure has been printed. */
export async function runCommandLine(argv: readonly string[], host: Host): Promise<number> {
  const isJson = argv.includes("--json");
  const output = createOutput(host);
  let exitCode = 0;
  let isForeign = false; // no verb
  const runners: Runners = {
    async runVerb(request) {
      exitCode = await runRequest(request, host, output);
    },
    async runOther(settings, run) {
      isForeign = true;
      exitCode = await run({ host, output, settings });
    },
  };
  const program = createProgram(host, runners, argv);
  prepare(program, host);
  try {
    await program.parseAsync(argv.length === 0 ? ["--help"] : [...argv], { from: "user" });
  } catch (error) {
    exitCode = fail(error);
  }
  await output.flush().catch((error: unknown) => {
    if (exitCode === 0) exitCode = fail(error); // U5; any other failure has been told already
  });
  if (isForeign) host.exit(exitCode); // U4
  return exitCode;

  function fail(error: unknown): number {
    if (output.isBroken() && !isForeign) return 0; // U3
    if (error instanceof CommanderError && error.code.startsWith("commander.help"))
      return error.exitCode === 0 ? 0 : exitCodes.usage;
    const failure = toFailure(error instanceof CommanderError ? toUsage(error) : error, findWords(program, argv));
    output.fail(showFailure(failure, { isJson }));
    return toExitCode(failure.status);
  }
}

/** Commander prints help by itself, and throws where it would end the process. */
function prepare(command: Command, host: Host): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => void host.stdout.write(text),
    writeErr: (text) => void host.stderr.write(text),
    outputError: () => {}, // the error that is thrown says the same
    getOutHelpWidth: () => host.columns ?? 100,
    getErrHelpWidth: () => host.columns ?? 100,
    getOutHasColors: () => hasColours(host),
    getErrHasColors: () => false,
  });
  for (const child of command.commands) prepare(child, host);
}

function toUsage(error: CommanderError): Error {
  const [detail = "", suggestion] = error.message.replace(/^error: /, "").split("\n");
  const sentence = `${detail.charAt(0).toUpperCase()}${detail.slice(1).replace(/\.$/, "")}.`;
  return toUsageError(suggestion === undefined ? sentence : `${sentence} ${suggestion.replace(/^\(|\)$/g, "")}`);
}

async function runRequest(request: Request, host: Host, output: Output): Promise<number> {
  const { verb, settings } = request;
  const { isSlow = false } = verb.traits;
  const input = await toInput(request, host);
  const reach = new Reach({
    place: readPlace(settings),
    scope: settings.scope,
    agent: settings.read("agent") ?? "cli",
    timeoutMs: settings.timeoutMs ?? (isSlow ? slowTimeoutMsDefault : timeoutMsDefault),
    clock: systemClock,
  });
  const style: Style = { ...pc.createColors(hasColours(host)), columns: host.columns };
  const print = (name: string, answer: unknown): Promise<void> =>
    output.print(settings.isJson ? toJsonLine(answer) : show(name, answer, style));
  const stop = createStop(host, output);
  try {
    if (request.follows === "events") return await tailEvents({ reach, print, ...stop }, input);
    if (request.follows === "task") return await untilRead(watchTask({ reach, print, ...stop }, input), output);
    return await callOnce(request, input, { reach, print, ...stop }, { host, output });
  } finally {
    stop.end();
    await reach.close();
  }
}

async function callOnce(
  request: Request,
  input: Readonly<Record<string, unknown>>,
  { reach, print, isStopped, stopped }: Follower,
  { host, output }: { host: Host; output: Output },
): Promise<number> {
  const { operation } = request.verb;
  const giving = new AbortController();
  const bar = createWorkBar(request, host);
  const call = callPatiently(request, input, { reach, isStopped, signal: giving.signal, onProgress: bar?.show });
  const answer = await Promise.race([call.then((value) => ({ value })), stopped])
    .catch((error: unknown) => {
      throw withCommandId(error, input.commandId);
    })
    .finally(() => bar?.end());
  if (answer !== undefined) {
    await print(operation.name, answer.value);
    return isFalse(answer.value) ? exitCodes.failure : 0;
  }
  call.catch(() => {}); // nobody waits for it any more
  if (operation.kind === "query") giving.abort(new AionisError("TRANSPORT_CLOSED", "The command was interrupted."));
  if (output.isBroken()) return 0; // U3
  if (typeof input.commandId === "string") throw new InterruptedError(input.commandId);
  return exitCodes.interrupted;
}

/** Shows how far a verb has come that works on the whole store, to people. */
function createWorkBar({ verb, settings }: Pick<Request, "verb" | "settings">, host: Host) {
  const bar = createProgressBar(host, systemClock);
  if (verb.operation.isSlow !== true || settings.isJson || !bar.isShown) return undefined;
  return {
    show: ({ phase, done, total }: WorkProgress): void =>
      bar.show(done, Math.max(total, 1), `${phase} ${Math.floor((100 * done) / Math.max(total, 1))} %`),
    end: bar.end,
  };
}

type Patient = { signal: AbortSignal; onProgress: ((progress: WorkProgress) => void) | undefined };

/** A long wait is asked for in slices, so that Ctrl-C need not wait for all of it. */
async function callPatiently(
  { verb, mayCreate }: Pick<Request, "verb" | "mayCreate">,
  input: Readonly<Record<string, unknown>>,
  { reach, isStopped, ...given }: Pick<Follower, "reach" | "isStopped"> & Patient,
): Promise<unknown> {
  const { operation } = verb;
  const { isSlow = false, isEmpty } = verb.traits;
  const endsAt = systemClock.mono() + (typeof input.waitMs === "number" ? input.waitMs : 0);
  for (;;) {
    const leftMs = Math.max(Math.round(endsAt - systemClock.mono()), 0);
    const isLast = isEmpty === undefined || leftMs <= sliceMs;
    const waitMs = isLast ? leftMs : sliceMs;
    const asked = input.waitMs === undefined ? input : { ...input, waitMs };
    const answer = await reach.call(operation.name, asked, { mayCreate, isSlow, waitMs, ...given });
    if (isLast || isStopped() || !isEmpty(answer)) return answer;
  }
}

/** An answer that says no: a store that does not verify. */
function isFalse(value: unknown): boolean {
  return typeof value === "object" && value !== null && Reflect.get(value, "ok") === false;
}

async function untilRead(exitCode: Promise<number>, output: Output): Promise<number> {
  const code = await exitCode;
  return output.isBroken() ? 0 : code; // U3
}

async function toInput(request: Request, host: Host): Promise<Record<string, unknown>> {
  const { operation, input: schema } = request.verb;
  let isRead = false;
  const stdin = async (): Promise<string> => {
    if (isRead) throw toUsageError("Only one input can be -; stdin is read once.");
    isRead = true;
    return await readAll(host.stdin);
  };
  const input = await request.readInput({ cwd: host.cwd, now: () => systemClock.now(), stdin });
  const parsed = schema.safeParse(input);
  if (!parsed.success) {
    const issues = parsed.error.issues.slice(0, 3).map(({ path, message }) => {
      const where = labelPath(request.fields, path);
      return where === "" ? message : `${where}: ${message}`;
    });
    throw toUsageError(`${request.words}: ${issues.join("; ")}.`);
  }
  const { waitMs } = parsed.data as { waitMs?: number }; // every input is an object
  if (waitMs !== undefined) input.waitMs = waitMs; // how long to be patient, by the operation's default too
  if (operation.kind === "command") input.commandId ??= createIds(systemClock, createSystemRandom()).next("cmd");
  return input;
}

async function readAll(stdin: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    const buffer = Buffer.from(chunk as Buffer | string); // what a byte stream gives
    bytes += buffer.length;
    if (bytes > limits.messageBytes) throw toUsageError(`stdin holds more than ${limits.messageBytes} bytes.`);
    chunks.push(buffer);
  }
  return decodeText(Buffer.concat(chunks), "stdin");
}

/** Ctrl-C, the end of whoever reads stdout, or a stdout that cannot be written. */
function createStop(host: Host, output: Output): Pick<Follower, "isStopped" | "stopped"> & { end(): void } {
  let isStopped = false;
  let end = (): void => {};
  const interrupted = new Promise<void>((resolve) => {
    end = host.onInterrupt(resolve);
  });
  const stopped = Promise.race([interrupted, output.broken]);
  const stop = (): void => {
    isStopped = true;
  };
  stopped.then(stop, stop); // what cannot be written any more ends a wait, too
  return { isStopped: () => isStopped || output.isBroken(), stopped, end: () => end() };
}

function hasColours({ columns, env }: Pick<Host, "columns" | "env">): boolean {
  return columns !== undefined && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
}
