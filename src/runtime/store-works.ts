// Store works
//
// The verbs that work on the whole store: they are taken in slices of their own, so that they stand in no way of the same agent's lists, and
// are listed with how far they are.

import { isAbsolute } from "node:path";
import {
  type Desk,
  type Learner,
  type Persistence,
  type Progress,
  rebuildInParts,
  verifyInParts,
} from "../../actors/index.ts";
import { AionisError } from "../contracts/failures.ts";
import { limits } from "../contracts/limits.ts";
import type { OperationOutput, OperationParsed } from "../contracts/operations/index.ts";
import type { WorkProgress } from "../contracts/progress.ts";
import type { ScopeStore, Store } from "../kernel/store.ts";
import type { Caller } from "./caller.ts";
import type { Parts, SlicedWork, Slices } from "./slices.ts";
import type { Works } from "./works.ts";

type WorkName = "store.verify" | "store.rebuild" | "store.backup";

export type StoreWorks = {
  [Name in WorkName]: (input: OperationParsed<Name>, caller?: Caller) => Promise<OperationOutput<Name>>;
};

/** What a backup is made with. */
export interface BackupParts {
  isWanted(): boolean;
  note(progress: WorkProgress): void;
  /** Takes parts between which everything else has its turn. */
  inSlices<Result>(parts: Parts<Result, Progress>): Promise<Result>;
}

export interface StoreWorksOptions {
  scope: string;
  store: ScopeStore;
  /** The whole store, whose tables are looked at, too. */
  tables: Pick<Store, "checkTables">;
  persistence: Persistence;
  /** Whether it learns from its journal; what was learned is made again only then. */
  learns: boolean;
  learner: Pick<Learner, "pause">;
  slices: Slices;
  works: Works;
  /** Whether the answer to a caller is still to be found. */
  wants(caller: Caller | undefined): () => boolean;
  /** Why the store does not reach its high-water mark, if it does not. */
  checkMark(): Promise<AionisError | undefined>;
  /** Copies the store and verifies the copy; says how many events it holds. */
  backUp(path: string, parts: BackupParts): Promise<{ bytes: number; events: number }>;
  /** Called when rows were made again: what follows from them is to be looked at anew. */
  onRebuilt(): void;
}

type Note = (progress: WorkProgress) => void;

/** The works of one scope. */
export function createStoreWorks(options: StoreWorksOptions): StoreWorks {
  const { scope, store, persistence, works, wants } = options;
  const inTurn = (slice: () => void): Promise<void> => persistence.chore(scope, slice);

  async function inSlices<Result, Step>(
    caller: Caller | undefined,
    parts: Parts<Result, Step>,
    work: Pick<SlicedWork<Step>, "inTurn" | "onStep"> = {},
  ): Promise<Result> {
    return await options.slices.take(parts, { ...work, party: caller?.by ?? "", isWanted: wants(caller) });
  }

  async function verify(caller: Caller | undefined, note: Note): Promise<OperationOutput<"store.verify">> {
    const parts = verifyInParts(store, { memory: (id) => persistence.live(scope, id), tables: options.tables });
    const verified = await inSlices(caller, parts, { onStep: (step) => note({ phase: "checking", ...step }) });
    const damage = await options.checkMark();
    if (damage === undefined) return verified;
    const problems = [{ what: damage.detail, mend: "backup" as const }, ...verified.problems].slice(
      0,
      limits.listItems,
    );
    return { ...verified, ok: false, problems };
  }

  async function rebuild(caller: Caller | undefined, note: Note): Promise<OperationOutput<"store.rebuild">> {
    const resume = options.learns ? await options.learner.pause() : undefined;
    try {
      let desk: Desk | undefined;
      const parts = rebuildInParts(store, { tables: options.tables, onMended: (id) => desk?.letGo(id) });
      const rebuilt = await inSlices(caller, parts, {
        onStep: (step) => note({ phase: "rebuilding", ...step }),
        inTurn: (slice) =>
          persistence.chore(scope, (given) => {
            desk = given;
            slice();
          }),
      });
      if (options.learns) await inSlices(caller, forgetLearned(store), { inTurn });
      return { events: rebuilt.events, tasks: rebuilt.tasks, mended: rebuilt.problems };
    } finally {
      resume?.();
      options.onRebuilt();
    }
  }

  async function backUp(
    path: string,
    caller: Caller | undefined,
    note: Note,
  ): Promise<OperationOutput<"store.backup">> {
    if (!isAbsolute(path))
      throw new AionisError("INPUT_INVALID", `"${path.slice(0, 200)}" is not an absolute path; a backup goes to one.`);
    const onStep = (step: Progress): void => note({ phase: "checking", ...step });
    const parts: BackupParts = {
      isWanted: wants(caller),
      note,
      inSlices: (steps) => inSlices(caller, steps, { onStep }),
    };
    return { path, ...(await options.backUp(path, parts)) };
  }

  return {
    "store.verify": (_input, caller) => works.during("store.verify", caller, (note) => verify(caller, note)),
    "store.rebuild": (_input, caller) => works.during("store.rebuild", caller, (note) => rebuild(caller, note)),
    "store.backup": ({ path }, caller) => works.during("store.backup", caller, (note) => backUp(path, caller, note)),
  };
}

/** Removes what was learned, a part at a time; the learner reads the journal again from its start. */
function* forgetLearned(store: ScopeStore): Generator<void, void, void> {
  while (store.clearLearned(limits.pageRows)) yield;
}
