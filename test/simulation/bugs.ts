// Planted bugs
//
// Mistakes that a change could make, each put into a runtime's parts from outside. A simulation that does not notice them proves nothing.

import { decide } from "../../machines/index.ts";
import type { ReplayData } from "../../src/contracts/playbook.ts";
import { replayKind } from "../../src/contracts/values.ts";
import type { ScopeStore, Store, TaskRow } from "../../src/kernel/store.ts";
import type { PlantedBug } from "./node.ts";

export const plantedBugs: Readonly<Record<string, PlantedBug>> = {
  /** Owners' commands are taken whatever their epoch is (I4). */
  "no fence": {
    decide(snapshot, command, facts) {
      const owner = snapshot?.context.owner;
      if (snapshot === undefined || owner == null || !("input" in command) || !("epoch" in command.input)) {
        return decide(snapshot, command, facts);
      }
      const input = { ...command.input, epoch: snapshot.context.epoch };
      return decide(snapshot, { ...command, input } as typeof command, { ...facts, by: owner.agent });
    },
  },
  /** A claim after an expired lease reuses the epoch (I3). */
  "epoch reused": {
    decide(snapshot, command, facts) {
      const decision = decide(snapshot, command, facts);
      if (decision.kind !== "accepted" || decision.event.type !== "task.claimed") return decision;
      return { ...decision, event: { ...decision.event, epoch: Math.max(1, decision.event.epoch - 1) } };
    },
  },
  /** A repeated command is taken for a new one (I13). */
  "no idempotency": {
    store: (store) =>
      withScopes(store, (scope) => ({
        ...scope,
        eventByCommand: () => undefined,
        append(event, body) {
          const isKnown = event.commandId !== null && scope.eventByCommand(event.commandId) !== undefined;
          return scope.append(isKnown ? { ...event, commandId: null } : event, body);
        },
      })),
  },
  /** A recorded step is recorded again when it is reported again. */
  "steps forgotten": {
    decide: (snapshot, command, facts) => decide(snapshot, command, { ...facts, step: undefined }),
  },
  /** A delegation takes nothing from what its task may still give away (I5). */
  "budget kept": {
    decide(snapshot, command, facts) {
      const decision = decide(snapshot, command, facts);
      if (decision.kind !== "accepted" || decision.event.type !== "delegation.sent" || snapshot === undefined)
        return decision;
      const { event } = decision;
      return { ...decision, event: { ...event, facts: { ...event.facts, budget: snapshot.context.budget } } };
    },
  },
  /** Callers are answered before their events are on the disk (I2). */
  "early acknowledgement": {
    store(store) {
      let begun = false;
      let turns = 0;
      return {
        ...store,
        begin() {
          if (!begun) store.begin();
          begun = true;
        },
        commit() {
          turns += 1;
          if (turns % 4 !== 0) return;
          store.commit();
          begun = false;
        },
        rollback() {
          store.rollback();
          begun = false;
        },
      };
    },
  },
  /** The row with the snapshot is written a turn after the event it belongs to (I6). */
  "late snapshot": {
    store(store) {
      let late: (() => void)[] = [];
      return {
        ...withScopes(store, (scope) => ({
          ...scope,
          putTask(row: TaskRow) {
            if (scope.task(row.id) === undefined) scope.putTask(row);
            else late.push(() => scope.putTask(row));
          },
        })),
        begin() {
          store.begin();
          for (const write of late.splice(0)) write();
        },
        rollback() {
          late = [];
          store.rollback();
        },
      };
    },
  },
  /** Timers are kept in memory only (I9). */
  "timers lost": { store: (store) => withScopes(store, (scope) => ({ ...scope, putTimer() {} })) },
  /** What an ended task owes its children is not written down (I8, I10). */
  "outbox lost": { store: (store) => withScopes(store, (scope) => ({ ...scope, putOutbox() {} })) },
  /** The database is opened without syncing each commit, whatever was promised (I2). */
  "commits not synced": { durability: "process" },
  /** A worker is offered what waits in any scope (I11). */
  "claims of all scopes": {
    store: (store) =>
      withScopes(store, (scope) => ({
        ...scope,
        nextClaimable: (targets, at) => inAnyScope(store, (any) => any.nextClaimable(targets, at)),
      })),
  },
  /** An anchor finds the newest packet of any scope (I11). */
  "anchors of all scopes": {
    store: (store) =>
      withScopes(store, (scope) => ({
        ...scope,
        packetByAnchor: (anchor) => inAnyScope(store, (any) => any.packetByAnchor(anchor)),
      })),
  },
  /** What was learned in one scope is learned from in all (I11). */
  "lessons of all scopes": {
    store: (store) =>
      withScopes(store, (scope) => ({ ...scope, learning: store.scope(store.scopeNames()[0] ?? scope.name).learning })),
  },
  /** A lesson is trusted at its first run (I12). */
  "trust for nothing": {
    decide(snapshot, command, facts) {
      const decision = decide(snapshot, command, facts);
      if (decision.kind !== "accepted" || decision.event.type !== "lesson.observed") return decision;
      const { event } = decision;
      return { ...decision, event: { ...event, facts: { ...event.facts, to: "trusted" } } };
    },
  },
  /** A worker does not record that it begins what may be done once alone, and does it again after a crash (E1). */
  "intent not recorded": { tool: (tool) => ({ ...tool, idempotent: true }) },
  /** A strict replay asks at a broken step, as a guided one does, and goes on (E3). */
  "strict goes on": {
    client: (client) => ({
      ...client,
      tasks: {
        ...client.tasks,
        async claim(...call) {
          const { assignment } = await client.tasks.claim(...call);
          if (assignment?.kind !== replayKind) return { assignment };
          const data = assignment.data as ReplayData; // the runtime made it
          const mode = data.mode === "strict" ? "guided" : data.mode;
          return { assignment: { ...assignment, data: { ...data, mode } } };
        },
      },
    }),
  },
  /** A worker that starts over does not see what it has done (E4). */
  "steps not read": {
    client: (client) => ({
      ...client,
      tasks: { ...client.tasks, steps: () => Promise.resolve({ steps: [] }) },
    }),
  },
  /** A replay without a check counts as one that a check saw pass (I12). */
  "verified by nothing": {
    decide: (snapshot, command, facts) =>
      decide(snapshot, command.name === "replay.ended" ? { ...command, isVerified: true } : command, facts),
  },
  /** What was compiled of a run that failed is as good as any (I12). */
  "failed runs count": {
    decide(snapshot, command, facts) {
      if (command.name !== "playbook.compiled") return decide(snapshot, command, facts);
      return decide(snapshot, { ...command, compiled: { ...command.compiled, isPartial: false } }, facts);
    },
  },
  /** A playbook is told twice of a replay's end (I8). */
  "told twice": {
    decide(snapshot, command, facts) {
      const decision = decide(snapshot, command, facts);
      if (decision.kind !== "accepted") return decision;
      const { also = [] } = decision;
      return { ...decision, also: [...also, ...also.filter(({ name }) => name === "replay.ended")] };
    },
  },
  /** A playbook is not told of a replay's end (I8). */
  "told never": {
    decide(snapshot, command, facts) {
      return command.name === "replay.ended" ? { kind: "over" } : decide(snapshot, command, facts);
    },
  },
  /** A run counts as replayed by a replay that failed (I12). */
  "replayed by a failure": {
    decide(snapshot, command, facts) {
      if (command.name !== "replay.told" || command.told.fact !== "failed") return decide(snapshot, command, facts);
      return decide(snapshot, { ...command, told: { ...command.told, fact: "replayed" } }, facts);
    },
  },
  /** An answer is for the question that was asked first, whichever it names (I14). */
  "answers to the first question": {
    decide(snapshot, command, facts) {
      const [first] = snapshot?.context.pauses ?? [];
      if (command.name !== "tasks.answer" || first?.asks !== true) return decide(snapshot, command, facts);
      const input = { ...command.input, pauseId: first.pauseId };
      return decide(snapshot, { ...command, input }, { ...facts, questions: [] });
    },
  },
  /** What a pause that is over was answered with is taken for the next one (I14). */
  "late answers taken": {
    decide(snapshot, command, facts) {
      const decision = decide(snapshot, command, facts);
      if (command.name !== "tasks.answer" || decision.kind !== "refused") return decision;
      const input = { ...command.input, pauseId: snapshot?.context.pauses.at(-1)?.pauseId };
      return decide(snapshot, { ...command, input }, { ...facts, questions: [] });
    },
  },
  /** What was to be kept is run again (I15). */
  "kept and run again": {
    decide(snapshot, command, facts) {
      const decision = decide(snapshot, command, facts);
      if (decision.kind !== "accepted" || decision.event.type !== "task.answered") return decision;
      const { event } = decision;
      if (event.facts.choice !== "keep") return decision;
      return { ...decision, event: { ...event, facts: { ...event.facts, choice: "rerun" } } };
    },
  },
  /** Code that does not fit what is recorded fails the try (I15). */
  "changed code fails": {
    client: (client) => ({
      ...client,
      tasks: {
        ...client.tasks,
        async pause(...[input, options]) {
          if (input.concerns?.of !== "step" || input.concerns.differs.length === 0)
            return await client.tasks.pause(input, options);
          const { taskId, epoch } = input;
          await client.tasks.fail({ taskId, epoch, error: "STEP_DIVERGED", retryable: false }, options);
          return await client.tasks.pause(input, options);
        },
      },
    }),
  },
  /** How far the steady clock is ahead is not recorded: what waits counts from another time than it began (I9). */
  "lead forgotten": { decide: (snapshot, command, facts) => decide(snapshot, command, { ...facts, leadMs: 0 }) },
  /** Where the clocks stood is not kept over a restart (I9). */
  "clocks not kept": { store: (store) => withScopes(store, (scope) => ({ ...scope, putClockMark() {} })) },
  /** A worker that was held up past its lease has lost its work, though no other claim was made (I4). */
  "late owners refused": {
    decide: (snapshot, command, facts) =>
      command.name === "claim.revive" ? { kind: "over" } : decide(snapshot, command, facts),
  },
  /** A claim that ran out is taken back under the epoch of an earlier one (I4). */
  "revived under an old epoch": {
    decide(snapshot, command, facts) {
      const decision = decide(snapshot, command, facts);
      if (decision.kind !== "accepted" || decision.event.type !== "claim.revived") return decision;
      return { ...decision, event: { ...decision.event, epoch: decision.event.epoch - 1 } };
    },
  },
  /** Nobody notices that a worker is gone (I10). */
  "endless leases": { leaseMs: 1e12 },
};

function withScopes(store: Store, change: (scope: ScopeStore) => ScopeStore): Store {
  const changed = new Map<string, ScopeStore>();
  return {
    ...store,
    scope(name) {
      const scope = changed.get(name) ?? change(store.scope(name));
      changed.set(name, scope);
      return scope;
    },
  };
}

function inAnyScope<Found>(store: Store, find: (scope: ScopeStore) => Found | undefined): Found | undefined {
  for (const name of store.scopeNames()) {
    const found = find(store.scope(name));
    if (found !== undefined) return found;
  }
  return undefined;
}
