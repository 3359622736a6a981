// Inspect
//
// `aionis inspect`: what tasks and live actors do, in a page of this machine and on a WebSocket, until Ctrl-C. Each viewer has a reach of
// its own and holds nobody's store while it waits (R1).

import { once } from "node:events";
import { type Command, InvalidArgumentError } from "commander";
import { openTransport } from "../../sdk/index.ts";
import { isFailure } from "../contracts/failures.ts";
import { TaskId } from "../contracts/ids.ts";
import type { OperationInput, OperationName, OperationOutput } from "../contracts/operations/index.ts";
import { type FeedReader, openFeed } from "../inspect/index.ts";
import { createLiveInspection } from "../inspect/live.ts";
import type { InspectionSource } from "../inspect/server.ts";
import { createSystemRandom, type Logger, systemClock } from "../kernel/index.ts";
import { unlessAborted } from "../kernel/unless-aborted.ts";
import { readPlace, toConnectOptions } from "./place.ts";
import { type AddCommand, createLineLogger, createSay, createStop, pause, type Surroundings } from "./process.ts";
import { Reach, type ReachOptions } from "./reach.ts";
import { toUsageError } from "./report.ts";
import { escapeLine, toJsonLine } from "./text.ts";

interface InspectOptions {
  task?: string;
  from?: number;
  speed?: number;
  port: number;
  follow: boolean;
  statelyUrl?: string;
}

export const addInspect: AddCommand = (program, start) => {
  const command: Command = program
    .command("inspect")
    .description("Show what tasks and live actors do, in a page of this machine, until Ctrl-C.")
    .helpGroup("Processes:")
    .allowExcessArguments(false)
    .option("--task <id>", "only this task and what it delegated, from its beginning")
    .option("--from <seq>", "the sequence to replay from; where the open tasks stand now if absent", readNumber)
    .option("--speed <factor>", "how many times as fast as it was; at once if absent", readNumber)
    .option("--port <n>", "the port of 127.0.0.1 to listen on; one that is free if 0", readNumber, 0)
    .option("--no-follow", "end with what is recorded now")
    .option("--stately-url <url>", "the inspector that the page can open, instead of https://stately.ai/inspect")
    .addHelpText("after", helpText);
  command.action((options: InspectOptions) => start((surroundings) => inspect(options, surroundings)));
};

const helpText = `
Examples:
  $ aionis inspect
  $ aionis inspect --task ID --speed 4
  $ aionis inspect --from 1 --no-follow
  $ aionis inspect --nats nats://10.0.0.5 --scope acme/billing

The address that is printed holds a token, without which nobody is answered. The same token gives tools the WebSocket, at /ws?token=…, on
which each message is one text frame: createWebSocketReceiver of @statelyai/inspect reads it.`;

async function inspect(options: InspectOptions, { host, output, settings }: Surroundings): Promise<number> {
  const { scope, isJson } = settings;
  const say = createSay(output, isJson);
  const stop = createStop(host);
  const reachOptions = {
    place: readPlace(settings),
    scope,
    agent: settings.read("agent") ?? "cli",
    timeoutMs: settings.timeoutMs ?? 10_000,
    clock: systemClock,
  };
  const what = readWhat(options);
  await ask(reachOptions, what.task);
  const { openInspectionServer } = await import("../inspect/server.ts"); // no other command needs a server
  const server = await openInspectionServer({
    source: createSource(reachOptions, what, createLineLogger(say)),
    port: options.port,
    statelyUrl: options.statelyUrl,
    clock: systemClock,
    random: createSystemRandom(),
    logger: createLineLogger(say),
  });
  const { url, port } = server;
  await output.print(isJson ? toJsonLine({ scope, url, port }) : escapeLine(`Inspecting ${scope} at ${url}`));
  try {
    await Promise.race([stop.stopped, output.broken]); // without its address nobody can look
  } finally {
    await server.close();
  }
  return 0;
}

/** What is to be shown. */
interface What {
  task: TaskId | undefined;
  from: number | undefined;
  speed: number | undefined;
  isFollowed: boolean;
}

/** A single task, and what is not followed, is shown from its beginning. */
function readWhat({ task: given, from, speed, follow }: InspectOptions): What {
  const task = given === undefined ? undefined : TaskId.safeParse(given);
  if (task?.success === false) throw toUsageError(`--task is "${given}", which is no task's id.`);
  if (speed !== undefined && !(speed > 0)) throw toUsageError("--speed is a number over 0.");
  if (from !== undefined && !(Number.isInteger(from) && from > 0))
    throw toUsageError("--from is a whole number from 1 on.");
  const isPast = task !== undefined || !follow;
  if (speed !== undefined && from === undefined && !isPast)
    throw toUsageError("--speed is for what has been recorded: add --from or --task.");
  return { task: task?.data, from: from ?? (isPast ? 1 : undefined), speed, isFollowed: follow };
}

/** Fails at once where every viewer would. */
async function ask(options: ReachOptions, taskId: TaskId | undefined): Promise<void> {
  const reach = new Reach(options);
  try {
    if (taskId === undefined) await reach.call("runtime.status", {});
    else await reach.call("tasks.get", { taskId });
  } finally {
    await reach.close();
  }
}

function createSource(
  options: ReachOptions,
  { task, from, speed, isFollowed }: What,
  logger: Logger,
): InspectionSource {
  return {
    async *openFeed(signal) {
      const reach = new Reach(options);
      const reader = toReader(reach, { signal, isPaced: speed !== undefined });
      try {
        const follow = isFollowed && (task === undefined || (await isOpen(reach, task)));
        yield* openFeed(reader, { clock: systemClock, from, task, speed, follow, signal });
      } finally {
        await reach.close();
      }
    },
    ...(task === undefined && isFollowed
      ? { watchLive: (tell, signal) => watchLive(options, { tell, signal, logger }) }
      : {}),
  };
}

async function isOpen(reach: Reach, taskId: TaskId): Promise<boolean> {
  const { hasEnded } = (await reach.call("tasks.watch", { taskId })) as OperationOutput<"tasks.watch">; // the runtime made it
  return !hasEnded;
}

/** Reads through `reach`. An own store is let go while nothing is to be read: at the journal's end, and between what is shown in its time. */
function toReader(reach: Reach, { signal, isPaced }: { signal: AbortSignal; isPaced: boolean }): FeedReader {
  async function call<Name extends OperationName>(
    name: Name,
    input: unknown,
    waitMs = 0,
  ): Promise<OperationOutput<Name>> {
    const called = reach.call(name, input, { waitMs, signal }) as Promise<OperationOutput<Name>>; // the client parsed nothing; the runtime made it
    return await unlessAborted(called, signal);
  }
  async function read(input: OperationInput<"events.read"> = {}): Promise<OperationOutput<"events.read">> {
    await reach.open();
    const waitMs = reach.isOwn ? 0 : (input.waitMs ?? 0);
    const page = await call("events.read", { ...input, waitMs }, waitMs);
    const isEnd = page.events.length === 0 && input.waitMs !== undefined && input.waitMs > 0;
    if (reach.isOwn && (isEnd || isPaced)) {
      await reach.letGo();
      if (isEnd)
        await unlessAborted(
          reach.nextChange(() => signal.aborted),
          signal,
        );
    }
    return page;
  }
  return {
    events: { read },
    tasks: { list: (input) => call("tasks.list", input) },
    runtime: { status: (input) => call("runtime.status", input) },
  };
}

const retryMs = 1_000;

/** Waits for somebody who serves: without a runtime there are no live actors, and what is recorded is shown all the same. */
async function watchLive(
  { place, scope, agent, timeoutMs }: ReachOptions,
  {
    tell,
    signal,
    logger,
  }: { tell: Parameters<NonNullable<InspectionSource["watchLive"]>>[0]; signal: AbortSignal; logger: Logger },
): Promise<void> {
  while (!signal.aborted) {
    const opened = await openTransport({ ...toConnectOptions(place), scope, agent, timeoutMs }).catch(
      (error: unknown) => {
        if (!isFailure(error, "TRANSPORT_UNREACHABLE")) throw error;
      },
    );
    if (opened === undefined) {
      await unlessAborted(pause(retryMs), signal);
      continue;
    }
    const ports = { clock: systemClock, random: createSystemRandom(), logger };
    const live = createLiveInspection({ transports: [opened], scope, ...ports, onMessage: tell });
    await once(signal, "abort");
    live.close();
    await opened.drain();
  }
}

function readNumber(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isNaN(value)) throw new InvalidArgumentError("It is not a number.");
  return value;
}
