// Embedded
//
// A runtime in this process: memory transport, runtime, client. No server and no network; one folder holds everything.

import { join, resolve } from "node:path";
import { openStore } from "../actors/index.ts";
import { type Connection, createConnection, toDefaultScope, toSocketPath } from "../sdk/index.ts";
import { createMemoryBus, createSubjects, parseScope } from "../transport/index.ts";
import { findDeadHolder, openLocalServer } from "../transport/local/index.ts";
import type { RuntimeAddress } from "./address.ts";
import { AionisError, isFailure } from "./contracts/failures.ts";
import type { FamilyRulesInput } from "./contracts/family.ts";
import { checkOptions } from "./contracts/options.ts";
import { fromScopeName } from "./contracts/scope.ts";
import { createNode } from "./inspect/node.ts";
import type { InspectorOptions } from "./inspect/options.ts";
import { openInspector } from "./inspector.ts";
import { denied, refuseUnreadable } from "./kernel/access.ts";
import {
  createIds,
  createMarkFile,
  createSystemRandom,
  type Logger,
  noFaults,
  type Store,
  silentLogger,
  systemClock,
} from "./kernel/index.ts";
import { isNoRoom } from "./kernel/room.ts";
import type { Durability } from "./kernel/store.ts";
import { markFile, prepareStoreFolder, storeFile } from "./kernel/store-folder.ts";
import { joinNats } from "./network.ts";
import { backUp } from "./runtime/backup.ts";
import type { Embedding } from "./runtime/embeddings.ts";
import { createFailing } from "./runtime/rpc.ts";
import { startRuntime } from "./runtime/start.ts";

export interface CreateRuntimeOptions {
  /** `tenant/project`; `local/<name of the current folder>` if absent. */
  scope?: string;
  /** The folder that holds the store; `.aionis` in the current folder if absent. It is made if needed. */
  path?: string;
  /** Whether a scope that the store does not have yet is made; true if absent. */
  createScope?: boolean;
  /** What a commit survives: a power failure (`power`, the default) or only the death of the process (`process`). */
  durability?: Durability;
  /** Who this program is, where an operation is not called for another agent; `embedded` if absent. */
  agent?: string;
  /** How long a claim lasts without a heartbeat; 10 s if absent. */
  leaseMs?: number;
  /**
   * How many bytes of calls may be here at a time, waiting or worked on, and as many of answers that were not taken yet: from 16 MiB on,
   * 64 MiB if absent. More is `OVERLOADED`. A process with a small heap gives a small one.
   */
  callBytes?: number;
  /** A NATS server on which the runtime serves the scope too, for workers and clients of other machines; none if absent. */
  nats?: RuntimeAddress;
  /** Serves a page of this machine that shows what tasks and live actors do, for as long as the runtime is open; none if absent. */
  inspect?: InspectorOptions;
  /**
   * Whether other processes reach the runtime over a socket in the folder; true if absent. Where the file system has no sockets, a warning
   * goes to `logger` and the runtime serves this program alone.
   */
  socket?: boolean;
  /** Gives vectors of texts, for one more signal in the ranking of lessons; nothing needs it. */
  embedding?: Embedding;
  /** Checks and isolation that work of a family has to show before it is done; `*` stands for every family. */
  families?: FamilyRulesInput;
  /** Where problems that nobody awaits are reported; dropped if absent. */
  logger?: Logger;
  /** Called once when the store has failed for good (`STORE_FAILED`): the runtime answers no more, and only a new one can. */
  onFailed?: (failure: AionisError) => void;
}

/** A runtime of this process, and the connection to it. */
export interface EmbeddedRuntime extends Connection {
  /** The address of the page of `inspect`, with the token without which it answers nobody. */
  readonly inspectUrl?: string | undefined;
}

/**
 * Opens the store in `path` and starts a runtime on it. Other processes reach it with `connect({ path })`. Closing the connection lets
 * calls in flight finish and gives the store back.
 * @throws AionisError `STORE_IN_USE` when another process holds it, `STORE_DENIED`, `STORE_FOREIGN`, `STORE_NEWER`, `STORE_FULL` when there
 *   is no room to make it, `STORE_FAILED`,
 *   `JOURNAL_DAMAGED`, `INPUT_INVALID` for a scope that is not `tenant/project`, `SCOPE_NOT_FOUND` unless `createScope`; with `nats`
 *   what `connect` fails with there, `SCOPE_ALREADY_SERVED`, and `TRANSPORT_DENIED` when the user may not serve the scope; with
 *   `inspect` `TRANSPORT_IN_USE` for a port that somebody has.
 */
export async function createRuntime(options: CreateRuntimeOptions = {}): Promise<EmbeddedRuntime> {
  checkOptions("createRuntime", options);
  const scope = options.scope ?? toDefaultScope(process.cwd());
  fromScopeName(scope); // refused before anything is made
  const folder = resolve(options.path ?? ".aionis");
  const logger = options.logger ?? silentLogger;
  const clock = systemClock;
  const random = createSystemRandom();
  const ids = createIds(clock, random);
  const open = (file: string, deadHolder?: string): Store =>
    openStore(file, { durability: options.durability ?? "power", ids, random, deadHolder });

  makeFolder(folder);
  const file = join(folder, storeFile);
  const store = open(file, await findDeadHolder(file, toSocketPath(folder)));
  const opened = new Opened();
  opened.add(() => store.close()); // the runtime closes it, too, once there is one
  try {
    const missing = options.createScope === false ? findMissing(scope, store, folder) : undefined;
    if (missing !== undefined) throw missing;
    const bus = createMemoryBus({ clock, logger });
    const parts = { scope, clock, random, logger };
    const node = createNode({ ...parts, agent: "runtime" });
    const runtime = await startRuntime({
      ...parts,
      store,
      transport: bus.connect(),
      markFile: createMarkFile(join(folder, markFile)),
      ids,
      faults: noFaults,
      leaseMs: options.leaseMs,
      callBytes: options.callBytes,
      learns: true,
      embedding: options.embedding,
      families: options.families,
      node,
      backUp: (path, parts) => backUp({ ...parts, store, path, open, random }),
      onFailed(failure) {
        serveFailure(failure);
        options.onFailed?.(failure);
      },
    });
    opened.add(() => runtime.close());
    if (options.socket === false)
      store.noteSocket({ socket: null, withoutSocket: "it was started with `socket: false`" });
    else await listen();
    const { nats, inspect } = options;
    const served = { ...parts, runtime, node, store, storeId: store.id, instance: ids.next("run") };
    const joined = nats === undefined ? [] : [await joinNats({ ...served, address: nats })];
    const connection = createConnection({
      ...parts,
      transport: bus.connect(),
      agent: options.agent ?? "embedded",
      beforeDrain: runtime.endWaits,
      node,
    });
    opened.add(() => connection.close());
    const inspectUrl = inspect === undefined ? undefined : await showPage(inspect);
    const close = (): Promise<void> => opened.close();
    return { ...connection, inspectUrl, close, [Symbol.asyncDispose]: close };

    /** The runtime takes no more calls: each is told why, at once. */
    function serveFailure(failure: AionisError): void {
      const own = bus.connect();
      opened.add(() => own.drain());
      own.serve(createSubjects(fromScopeName(scope)).rpcPattern, "runtime", createFailing(store.id, failure));
    }

    /** Other processes are served too, where the folder takes a socket. This program needs none. */
    async function listen(): Promise<void> {
      const path = toSocketPath(folder);
      try {
        const socket = await openLocalServer({
          path,
          connect: () => bus.connect(),
          explainUnrouted(subject) {
            const asked = parseScope(subject);
            return asked === undefined ? undefined : findMissing(asked, store, folder); // one that is there can be served later
          },
          onListening: (inode) => store.noteSocket({ socket: inode }),
          onGone: () => store.noteSocket({ socket: null }), // throws when the folder is this runtime's no more
          clock,
          logger,
        });
        opened.add(() => socket.close());
      } catch (error) {
        if (!isFailure(error, "TRANSPORT_UNREACHABLE")) throw error;
        const why = error.cause instanceof Error ? error.cause.message : error.detail;
        const detail = `${error.detail} Other processes cannot reach this runtime; this program goes on without.`;
        logger.log("warn", detail, { path, error: why });
        store.noteSocket({ socket: null, withoutSocket: `no socket can be made in its folder: ${why}`.slice(0, 500) });
      }
    }

    async function showPage(address: InspectorOptions): Promise<string> {
      const own = bus.connect();
      opened.add(() => own.drain());
      const inspector = await openInspector({
        ...address,
        ...parts,
        reader: runtime.reader,
        transports: [own, ...joined],
      });
      opened.add(() => inspector.close()); // while there is somebody for its viewers to be read from
      return inspector.url;
    }
  } catch (error) {
    await opened.close(); // nobody else could, and the store would stay held
    throw error;
  }
}

/** What has been opened so far; it is closed in the opposite order. */
class Opened {
  readonly #closes: (() => Promise<void> | void)[] = [];
  #closed: Promise<void> | undefined;

  add(close: () => Promise<void> | void): void {
    this.#closes.push(close);
  }

  /** Safe to call twice. */
  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    for (const close of this.#closes.toReversed()) await close();
  }
}

function makeFolder(folder: string): void {
  try {
    prepareStoreFolder(folder);
  } catch (cause) {
    if (isFailure(cause)) throw cause;
    if (isNoRoom(cause))
      throw new AionisError("STORE_FULL", `There is no room for ${folder}; make room, and start again.`, { cause });
    if (cause instanceof Error && "code" in cause && ["EACCES", "EPERM", "EROFS"].includes(String(cause.code))) {
      refuseUnreadable(join(folder, storeFile));
      throw denied("make", folder, cause);
    }
    const isFile = cause instanceof Error && "code" in cause && ["EEXIST", "ENOTDIR"].includes(String(cause.code));
    const why = isFile ? "it is a file, or lies in one" : String(cause);
    throw new AionisError("INPUT_INVALID", `${folder} cannot be used as a folder: ${why}; give another path.`, {
      cause,
    });
  }
}

const scopesShown = 10;

/** The failure of whoever asks for a scope that the store does not have. */
function findMissing(scope: string, store: Store, folder: string): AionisError | undefined {
  const names = store.scopeNames();
  if (names.includes(scope)) return undefined;
  const scopes = names.slice(0, scopesShown);
  const more = names.length > scopes.length ? ` and ${names.length - scopes.length} more` : "";
  const has = names.length === 0 ? "none yet" : `${scopes.join(", ")}${more}`;
  return new AionisError("SCOPE_NOT_FOUND", `The store in ${folder} does not have the scope ${scope}; it has ${has}.`, {
    facts: { scopes },
  });
}
