// Serve
//
// `aionis serve`: a runtime node in the foreground, until Ctrl-C or until its store fails.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Option } from "commander";
import { type Connection, toSocketPath } from "../../sdk/index.ts";
import { type AionisError, isFailure } from "../contracts/failures.ts";
import type { FamilyRulesInput } from "../contracts/family.ts";
import { parseJson } from "../contracts/json.ts";
import type { CreateRuntimeOptions } from "../embedded.ts";
import { systemClock } from "../kernel/index.ts";
import type { Durability } from "../kernel/store.ts";
import { decodeText, withoutMark } from "./fields.ts";
import { listServers, readFolder, readNats } from "./place.ts";
import {
  type AddCommand,
  atMost,
  createLineLogger,
  createSay,
  createStop,
  drainMs,
  pause,
  type Surroundings,
} from "./process.ts";
import { toUsageError } from "./report.ts";
import { readDuration } from "./settings.ts";
import { keepHeapSmall } from "./small-heap.ts";
import { escapeLine, toJsonLine } from "./text.ts";

interface ServeOptions {
  durability: Durability;
  lease?: string;
  mirror: boolean;
  smallHeap?: true;
  families?: string;
}

export const addServe: AddCommand = (program, start) => {
  program
    .command("serve")
    .description("Serve the store in a folder, to this machine and with --nats to others, until Ctrl-C.")
    .helpGroup("Processes:")
    .allowExcessArguments(false)
    .addOption(
      new Option("--durability <what>", "what a commit survives: a power failure, or only the death of the process")
        .choices(["power", "process"])
        .default("power"),
    )
    .option("--lease <duration>", "how long a claim lasts without a heartbeat; 10s if absent")
    .option("--no-mirror", "keep no copy of the events in a NATS server with JetStream")
    .option(
      "--families <file>",
      "JSON: the checks and the isolation that work of a family has to show before it is done",
    )
    .option("--small-heap", "hold little memory, for about a fifth fewer steps a second")
    .addHelpText("after", helpText)
    .action((options: ServeOptions) => start((surroundings) => serve(options, surroundings)));
};

const helpText = `
Examples:
  $ aionis serve
  $ aionis serve --nats nats://10.0.0.5 --nats-creds runtime.creds --scope acme/billing
  $ AIONIS_NATS_USER=runtime AIONIS_NATS_PASSWORD=… aionis serve --nats nats://10.0.0.5

It is the only runtime of its scope. The first Ctrl-C or SIGTERM lets calls in flight finish, 10 s at most, and ends it with 0; the
second ends it with 130. A store that fails for good ends it with 1.`;

async function serve(
  { durability, lease, mirror, smallHeap, families }: ServeOptions,
  { host, output, settings }: Surroundings,
): Promise<number> {
  const { scope, isJson } = settings;
  const path = readFolder(settings);
  const nats = readNats(settings);
  const leaseMs = readDuration("--lease", lease);
  if (leaseMs === 0) throw toUsageError("--lease is 0: nobody could keep a claim.");
  if (smallHeap === true) keepHeapSmall();
  const { stopped } = createStop(host);
  const failure = Promise.withResolvers<AionisError>();

  const runtime = await open({
    scope,
    path,
    durability,
    ...(leaseMs === undefined ? {} : { leaseMs }),
    ...(nats === undefined ? {} : { nats: { ...nats, mirror } }),
    ...(families === undefined ? {} : { families: readFamilies(resolve(settings.cwd, families)) }),
    logger: createLineLogger(createSay(output, isJson)),
    onFailed: failure.resolve,
  });
  const { storeId } = await runtime.runtime.status();
  const socket = toSocketPath(path);
  const servers = nats === undefined ? [] : listServers(nats);
  const text = `Serving ${scope} from ${path} (${storeId}) on ${[socket, ...servers].join(" and ")}`;
  await output.print(isJson ? toJsonLine({ scope, path, storeId, socket, nats: servers }) : escapeLine(text));

  const failed = await Promise.race([failure.promise, stopped]);
  const closed = atMost(drainMs, runtime.close());
  if (failed === undefined) return await closed.then(() => 0);
  await closed.catch(() => {}); // of a store that has failed; the failure itself says more
  throw failed;
}

/** What it says is checked when the runtime starts. */
function readFamilies(file: string): FamilyRulesInput {
  try {
    return parseJson(withoutMark(decodeText(readFileSync(file), file)), file) as FamilyRulesInput;
  } catch (cause) {
    if (isFailure(cause)) throw cause; // it names the file
    throw toUsageError(`--families: ${file} cannot be read as JSON (${cause instanceof Error ? cause.message : "?"}).`);
  }
}

const patienceMs = 2_000;
const retryMs = 100;

/** Commands that found no runtime hold the store for a moment; who holds it longer stays. */
async function open(options: CreateRuntimeOptions): Promise<Connection> {
  const { createRuntime } = await import("../embedded.ts");
  const endsAt = systemClock.mono() + patienceMs;
  for (;;) {
    try {
      return await createRuntime(options);
    } catch (error) {
      if (!isFailure(error, "STORE_IN_USE") || systemClock.mono() >= endsAt) throw error;
    }
    await pause(retryMs);
  }
}
