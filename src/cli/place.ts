// Place
//
// Where the runtime of a command is: beside its store, or on NATS. Owns what argv and the environment say of it; it connects nowhere.

import { accessSync, constants, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type ConnectOptions, type NatsAddress, toSocketPath } from "../../sdk/index.ts";
import { toUsageError } from "./report.ts";
import type { Settings } from "./settings.ts";
import { toKebab } from "./words.ts";

/** The folder of a store (absolute), or a NATS server. */
export type Place = { folder: string } | { nats: NatsAddress };

/**
 * Where to reach the runtime. What argv says goes before what the environment says, and NATS before a folder.
 * @throws AionisError `INPUT_INVALID` when argv says both, and as `readNats`.
 */
export function readPlace(settings: Settings): Place {
  const hasFolder = settings.given("path") !== undefined;
  if (hasFolder && settings.given("nats") !== undefined)
    throw toUsageError("--path is a runtime of this machine and --nats one on a network: give one of them.");
  const nats = hasFolder ? undefined : readNats(settings);
  return nats === undefined ? { folder: readFolder(settings) } : { nats };
}

/** The folder of the store, absolute. */
export function readFolder(settings: Settings): string {
  return resolve(settings.cwd, settings.read("path") ?? ".aionis");
}

/**
 * The NATS server, if there is to be one.
 * @throws AionisError `INPUT_INVALID` for a file that cannot be read, and for credentials that are given twice or by half.
 */
export function readNats(settings: Settings): NatsAddress | undefined {
  const servers = settings
    .read("nats")
    ?.split(",")
    .map((server) => server.trim());
  if (servers === undefined) {
    const unused = ["natsCreds", "natsNkeyFile", "natsCa", "natsCert", "natsKey"].find((name) => settings.given(name));
    if (unused !== undefined) throw toUsageError(`--${toKebab(unused)} is given, and no server: add --nats.`);
    return undefined;
  }
  const credentials = readCredentials(settings);
  const tls = readTls(settings);
  return { servers, ...(credentials === undefined ? {} : { credentials }), ...(tls === undefined ? {} : { tls }) };
}

/** The same place, as `connect` takes it. */
export function toConnectOptions(place: Place): ConnectOptions {
  return "folder" in place ? { path: place.folder } : place.nats;
}

/** Where it is, for people. */
export function describePlace(place: Place): string {
  return "folder" in place ? toSocketPath(place.folder) : listServers(place.nats).join(", ");
}

export function listServers({ servers }: NatsAddress): readonly string[] {
  return [servers].flat();
}

/** Files of argv go before the environment, which may hold what is meant for all commands. */
function readCredentials(settings: Settings): NatsAddress["credentials"] {
  const fromArgv = listFiles(settings, (name) => settings.given(name));
  const [found, ...others] =
    fromArgv.length > 0
      ? fromArgv
      : [...listFiles(settings, (name) => settings.readVariable(name)), ...listSecrets(settings)];
  if (others.length > 0)
    throw toUsageError("NATS credentials are given more than once: leave a file, a user with a password, or a token.");
  return found;
}

type Credentials = NonNullable<NatsAddress["credentials"]>;

function listFiles(settings: Settings, read: (name: string) => string | undefined): Credentials[] {
  const creds = read("natsCreds");
  const nkey = read("natsNkeyFile");
  return [
    ...(creds === undefined ? [] : [{ credsFile: toFile(settings, "natsCreds", creds) }]),
    ...(nkey === undefined ? [] : [{ nkeySeed: readSeed(toFile(settings, "natsNkeyFile", nkey)) }]),
  ];
}

function listSecrets(settings: Settings): Credentials[] {
  const user = settings.readVariable("natsUser");
  const password = settings.readVariable("natsPassword");
  const token = settings.readVariable("natsToken");
  if ((user === undefined) !== (password === undefined))
    throw toUsageError("AIONIS_NATS_USER and AIONIS_NATS_PASSWORD belong together: set both, or none.");
  return [
    ...(user === undefined || password === undefined ? [] : [{ user, password }]),
    ...(token === undefined ? [] : [{ token }]),
  ];
}

/** The tools of NATS write the seed on a line of its own, some with comments around it. */
function readSeed(path: string): string {
  const seed = /^SU[A-Z2-7]+$/m.exec(readFileSync(path, "utf8"))?.[0];
  if (seed === undefined) throw toUsageError(`${path} holds no seed of a user's NKey, which begins with SU.`);
  return seed;
}

function readTls(settings: Settings): NatsAddress["tls"] {
  const files = Object.entries({ ca: "natsCa", cert: "natsCert", key: "natsKey" }).flatMap(([part, name]) => {
    const file = settings.read(name);
    return file === undefined ? [] : [[part, toFile(settings, name, file)] as const];
  });
  return files.length === 0 ? undefined : Object.fromEntries(files);
}

/** Refused here: later it would look like a server that cannot be reached, which some wait for. */
function toFile({ cwd }: Settings, name: string, file: string): string {
  const path = resolve(cwd, file);
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    const why = error instanceof Error && "code" in error ? error.code : error;
    throw toUsageError(`${toKebab(name)}: ${path} cannot be read (${String(why)}).`);
  }
  return path;
}
