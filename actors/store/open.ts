// Store
//
// One SQLite file behind the `Store` port: transactions, scopes, backup. Owns: the heads of the journals in memory, which follow the
// open transaction and go back with it.

import { existsSync, mkdtempSync, realpathSync, renameSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import type Database from "better-sqlite3";
import { AionisError, isFailure } from "../../src/contracts/failures.ts";
import type { StoreId } from "../../src/contracts/ids.ts";
import { denied, findObstacle } from "../../src/kernel/access.ts";
import type { Random } from "../../src/kernel/random.ts";
import type { JournalHead, ScopeStore, Store } from "../../src/kernel/store.ts";
import { copyDatabase } from "./copy.ts";
import { assertDurability, type DatabaseOptions, inMemory, openDatabase } from "./database.ts";
import type { ScopeKey } from "./event-row.ts";
import { createStoreFailures, type StoreFailures, toStoreFailure } from "./failure.ts";
import { type Hold, takeHold, watchHold } from "./hold.ts";
import { createJournal, type Journal } from "./journal.ts";
import { createLearning, type Learning } from "./learning.ts";
import { refuseDamagedLog } from "./log-check.ts";
import { createMending, type Mending } from "./mend.ts";
import { copyToRead, type ReadableCopy } from "./read-only.ts";
import { createRows, type Rows } from "./rows.ts";
import { scopeStride, scopesMax } from "./schema.ts";
import { createPrepare } from "./statement.ts";
import { readStepPart } from "./step-parts.ts";
import { checkTables } from "./table-checks.ts";
import { createTaskLog, type TaskLog } from "./task-log.ts";

interface OpenScope {
  readonly store: ScopeStore;
  readonly learning: Learning;
  /** As committed. */
  committed: JournalHead;
  /** With what the open transaction appended. */
  current: JournalHead;
}

const roomBytes = 4 * 1024 * 1024;

/** How a store is opened. */
export interface OpenOptions extends DatabaseOptions {
  random: Random;
  /** The token of a holder that is known to be dead although this process cannot see it. */
  deadHolder?: string | undefined;
}

/**
 * Opens or makes a store. `:memory:` keeps it in memory, for tests. On a full disk, and where nothing can be written, it can be read: then it
 * says why it takes nothing (`cannotRecord`).
 * @throws AionisError `STORE_IN_USE`, `STORE_FOREIGN`, `STORE_NEWER`, `STORE_DENIED`, `STORE_FULL`, `STORE_FAILED`, `JOURNAL_DAMAGED`.
 */
export function openStore(file: string, options: OpenOptions): Store {
  if (file === inMemory) return createStore(openDatabase(file, options), file, options.random);
  const path = toRealPath(file);
  const obstacle = findObstacle(path);
  if (obstacle === undefined) return openHeld(path, options);
  if (!existsSync(path)) throw denied("write", dirname(path));
  return openCopy(
    guard(path, () => copyToRead(path, obstacle, options.deadHolder)),
    options,
  );
}

function openHeld(path: string, options: OpenOptions): Store {
  const hold = takeHold(path, options.deadHolder);
  let full: AionisError | undefined;
  const onFull = (failure: AionisError): void => {
    full ??= failure;
  };
  let database: Database.Database | undefined;
  try {
    confirmUnlessFull(hold, onFull);
    refuseDamagedLog(path);
    const opened = openDatabase(path, { ...options, onFull });
    database = opened;
    const finish = (): void => {
      hold.confirm();
      assertDurability(opened, options.durability);
    };
    const lifetime = full === undefined ? { hold } : { hold, cannotRecord: full, finish };
    const store = createStore(opened, path, options.random, lifetime);
    hold.check(true);
    return store;
  } catch (error) {
    database?.close(); // nobody else could, and the file would stay held
    hold.release();
    throw toStoreFailure(error, path);
  }
}

/** Until there is a note nothing is recorded, so that nothing can be lost to another opener. */
function confirmUnlessFull(hold: Hold, onFull: (failure: AionisError) => void): void {
  try {
    hold.confirm();
  } catch (error) {
    if (!isFailure(error, "STORE_FULL")) throw error;
    onFull(error);
  }
}

function openCopy(copy: ReadableCopy, options: OpenOptions): Store {
  let database: Database.Database | undefined;
  try {
    refuseDamagedLog(copy.file);
    database = openDatabase(copy.file, options);
    return createStore(database, copy.file, options.random, { cannotRecord: copy.why, onClose: copy.remove });
  } catch (error) {
    database?.close();
    copy.remove();
    throw toStoreFailure(error, copy.file);
  }
}

/** A link to a store is that store: its log and its holder stand beside the file itself. */
function toRealPath(file: string): string {
  const path = resolve(file);
  return existsSync(path) ? realpathSync(path) : path;
}

/** What goes with an open database. */
export interface Lifetime {
  /** The hold of its file; the store gives it back. */
  hold?: Hold;
  /** Why nothing can be recorded. */
  cannotRecord?: AionisError;
  /** Does what there was no room for when it was opened. */
  finish?(): void;
  /** Called when it is closed. */
  onClose?(): void;
}

/** The store on an open database of ours; it closes it. */
export function createStore(database: Database.Database, file: string, random: Random, life: Lifetime = {}): Store {
  const { hold, cannotRecord } = life;
  let { finish } = life;
  const prepare = createPrepare(database);
  const journal = createJournal(prepare, random);
  const log = createTaskLog(database);
  const rows = createRows(prepare);
  const begin = prepare("BEGIN IMMEDIATE");
  const commit = prepare("COMMIT");
  const touchMeta = prepare("UPDATE meta SET value = value WHERE key = 'storeId'");
  const insertScope = prepare("INSERT INTO scopes VALUES (?, ?)");
  const scopeNumbers = prepare<[], ScopeKey>("SELECT number, name FROM scopes ORDER BY number");
  const mending = createMending(prepare, rows);
  const failures = createStoreFailures(file);
  const scopes = new Map<string, OpenScope>();
  const touched = new Set<OpenScope>();
  for (const key of scopeNumbers.all()) open(key);

  function open(key: ScopeKey): OpenScope {
    const head = journal.head(key);
    const learning = createLearning(database, key.number);
    const scope: OpenScope = {
      committed: head,
      current: head,
      learning,
      store: toScopeStore(
        key,
        { journal, log, rows, mending, learning, failures },
        { current: () => scope.current, move },
      ),
    };
    function move(next: JournalHead): void {
      scope.current = next;
      touched.add(scope);
    }
    scopes.set(key.name, scope);
    return scope;
  }

  function add(name: string): OpenScope {
    if (database.inTransaction)
      throw new Error(`${name} would be taken back with the open transaction; open it before`);
    const number = scopes.size + 1;
    if (number >= scopesMax)
      throw new AionisError("STORE_FAILED", `${file} holds ${scopes.size} scopes; use another store for ${name}.`);
    insertScope.run(number, name);
    return open({ number, name });
  }

  return {
    id: prepare<[], { value: StoreId }>("SELECT value FROM meta WHERE key = 'storeId'").get()?.value ?? missingId(file),
    scope(name) {
      return (scopes.get(name) ?? guard(file, () => add(name))).store;
    },
    scopeNames: () => [...scopes.keys()],

    begin() {
      hold?.checkLengths();
      begin.run();
    },
    commit() {
      for (const { learning } of scopes.values()) learning.write();
      commit.run();
      hold?.check(); // H3: before anybody is answered
      for (const { learning } of scopes.values()) learning.keep();
      for (const scope of touched) scope.committed = scope.current;
      touched.clear();
    },
    rollback() {
      if (database.inTransaction) database.exec("ROLLBACK");
      for (const { learning } of scopes.values()) learning.forget();
      for (const scope of touched) scope.current = scope.committed;
      touched.clear();
    },

    cannotRecord,
    heads: () => Object.fromEntries([...scopes].map(([name, scope]) => [name, scope.committed])),
    failureOf: (error) => (hold !== undefined && error === hold.loss() ? hold.loss() : failures.failureOf(error)),
    hasRoom() {
      try {
        if (file !== ":memory:" && roomBeside(file) < roomBytes) return false;
        hold?.check(true); // H3: this writes, too
        finish?.();
        finish = undefined;
        touchMeta.run();
        return true;
      } catch {
        return false; // still full: that is the answer
      }
    },
    checkTables: ({ mends = false } = {}) => checkTables(database, mends),
    backup: (path, onCopied) =>
      copyDatabase(database, path, onCopied).catch((error: unknown) => {
        throw toStoreFailure(error, path);
      }),
    close() {
      if (!database.open) return;
      if (hold?.isTaken() === true) return void abandoned.add(database);
      writeReceipts();
      database.close();
      hold?.release();
      life.onClose?.();
    },
    async saveAside() {
      if (hold?.loss() === undefined || hold.isTaken()) return undefined;
      const path = join(makeFolderBeside(dirname(file)), basename(file));
      await copyDatabase(database, `${path}.part`);
      renameSync(`${path}.part`, path); // it is there as a whole, or is no store
      return path;
    },
    watch: (clock, onLost) => (hold === undefined ? () => {} : watchHold(hold, clock, onLost)),
    noteSocket: (socket) => hold?.noteSocket(socket),
  };

  /** What was shown since the last commit. A store that takes no more has lost them, and says so to whoever asks for one. */
  function writeReceipts(): void {
    if (database.inTransaction || ![...scopes.values()].some(({ learning }) => learning.hasReceipts())) return;
    try {
      begin.run();
      for (const { learning } of scopes.values()) learning.write();
      commit.run();
    } catch {
      if (database.inTransaction) database.exec("ROLLBACK"); // full, or failed: that was told when it happened
    }
  }
}

/** A private folder beside one that may be gone, which git leaves alone; in the folder for temporary files if there is no place. */
function makeFolderBeside(folder: string): string {
  const made = existsSync(dirname(folder))
    ? mkdtempSync(`${folder}.saved-`)
    : mkdtempSync(join(tmpdir(), "aionis-saved-"));
  writeFileSync(join(made, ".gitignore"), "*\n", { mode: 0o600 });
  return made;
}

/**
 * Databases that another process has taken over although this one lived. Closing one would write its log over what the other wrote, and
 * remove the other's log. So they stay open, and are kept from being collected, until the process ends.
 */
const abandoned = new Set<Database.Database>();

interface Tables {
  readonly failures: StoreFailures;
  readonly learning: Learning;
  readonly journal: Journal;
  readonly log: TaskLog;
  readonly rows: Rows;
  readonly mending: Mending;
}

interface Head {
  current(): JournalHead;
  move(next: JournalHead): void;
}

const writes = /^(append|put|enter|delete|clear|keep|mend|replace)/;

function toScopeStore(
  key: ScopeKey,
  { journal, log, rows, mending, learning, failures }: Tables,
  head: Head,
): ScopeStore {
  const { number } = key;
  const isRead = (name: string): boolean => !writes.test(name);
  const store: ScopeStore = {
    name: key.name,
    head: head.current,
    chainAt: (seq) => journal.chainAt(key, seq),
    append(event, body) {
      const { task, ...next } = journal.append(key, head.current(), event, body);
      head.move(next);
      return task;
    },
    eventByCommand: (commandId) => journal.eventByCommand(key, commandId),
    event: (seq) => journal.event(key, seq),
    events: ({ task, ...page }) => (task === undefined ? journal.read(key, page) : log.read(key, { ...page, task })),
    lastEvents: (options) => log.readLast(key, options),
    putTail: rows.index.putTail,
    enterTail: rows.index.enterTail,

    task: (id) => rows.task(number, id),
    putTask: (row) => rows.putTask(number, row),
    tasks: (options) => rows.tasks(number, options),
    tasksWithin: (options) => rows.tasksWithin(number, options),
    nextChild: (parentId, after) => rows.nextChild(number, parentId, after),
    step: rows.index.step,
    stepsWithin({ stage, most, ...options }) {
      const look = rows.index.look(number, { ...options, before: scopeStride, isBackward: false });
      return readStepPart(journal, key, { ...look, stage, most });
    },
    lastStepsWithin({ stage, most, before = scopeStride, ...options }) {
      const look = rows.index.look(number, { ...options, before, isBackward: true });
      return readStepPart(journal, key, { ...look, stage, most });
    },
    countSteps: rows.index.countSteps,
    firstOfStage: (task, stage) => rows.index.firstOfStage(number, task, stage),

    putTimer: (row) => rows.putTimer(number, row),
    deleteTimer: rows.deleteTimer,
    timers: (options) => rows.timers(number, options),
    nextDue: () => rows.nextDue(number),

    putClaimable: (row) => rows.putClaimable(number, row),
    deleteClaimable: (row) => rows.deleteClaimable(number, row),
    nextClaimable: (targets, now) => rows.nextClaimable(number, targets, now),
    nextClaimableIn: (target, now) => rows.nextClaimableIn(number, target, now),
    nextTarget: (target) => rows.nextTarget(number, target),

    clockMark: () => rows.clockMark(number),
    putClockMark: (mark) => rows.putClockMark(number, mark),

    putOutbox: (row) => rows.putOutbox(number, row),
    deleteOutbox: (taskId) => rows.deleteOutbox(number, taskId),
    outbox: (options) => rows.outbox(number, options),
    isOwed: (taskId) => rows.isOwed(number, taskId),

    packet: (id) => rows.packets.byId(number, id),
    packetByAnchor: (anchor) => rows.packets.byAnchor(number, anchor),
    packetsWithin: (options) => rows.packets.within(number, options),
    packetFates: (options) => rows.packets.fates(number, options),
    packetsOf: rows.packets.ofTask,
    putPacket: (row) => rows.packets.put(number, row),

    learning: failures.guard(learning.rows, isRead),
    learnedTo: learning.learnedTo,
    putLearnedTo: learning.putLearnedTo,
    keepReceipt: learning.keepReceipt,
    receipt: learning.receipt,
    openScratch: learning.openScratch,

    rowsOf: rows.rowsOf,
    stepRowsOf: rows.index.stepRows,
    checkEvents: (options) => journal.check(key, options),
    nextTaskIn: (table, after) => mending.nextTaskIn(number, table, after),
    hasBegun: mending.hasBegun,

    mendTails: (options) => mending.mendTails(number, options),
    mendIndex: (options) => mending.mendIndex(number, options),
    enterEvent: mending.enterEvent,
    replaceRows: (task, next) => mending.replaceRows(number, task, next),
    putStep: mending.putStep,
    deleteStep: mending.deleteStep,
    clearTask: mending.clearTask,
    clearLearned: learning.clear,
  };
  return failures.guard(store, isRead);
}

function roomBeside(file: string): number {
  const { bavail, bsize, blocks } = statfsSync(dirname(file));
  const isSmall = blocks * bsize < 64 * roomBytes; // on a tiny disk the fixed margin could never be met
  return isSmall ? bavail * bsize * 16 : bavail * bsize;
}

function guard<Result>(file: string, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    throw toStoreFailure(error, file);
  }
}

function missingId(file: string): never {
  throw new AionisError("JOURNAL_DAMAGED", `${file} has lost its id; restore a backup.`);
}
