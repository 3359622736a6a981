// Permissions
//
// What the users of one scope may do on a NATS server: the subjects that each may publish to and subscribe to, and no others.
// Owns: who needs which. Does not own: what subjects look like (`subjects.ts`), and who is which user; that is the server's.
//
// Invariants:
//   P1. Only the runtime hears calls, and only it publishes what has happened.
//   P2. A worker calls and shows its actors as its own agents and as nobody else, and hears only the replies to them.
//   P3. A viewer's calls are queries.
//   P4. Nobody calls a slow operation: it works on the whole store, and a backup writes a file where its caller says.
//   P5. Nothing is of another scope; whose inbox it is, and whose payloads, is said with the scope.

import { AionisError } from "../../src/contracts/failures.ts";
import { type Operation, operations } from "../../src/contracts/operations/index.ts";
import type { Scope } from "../../src/contracts/scope.ts";
import { createSubjects, toBlobPattern, toInboxPrefix, toOwner, toServedSubject } from "../subjects.ts";

/** What a NATS user may do; nothing else. */
export interface NatsPermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** Whether it may answer each message that it hears, once, wherever the asker wants the answer. */
  readonly responses: boolean;
}

// Who the users are that are no workers.
const runtime = "runtime";
const viewer = "viewer";

/** Those of the scope's runtime, which serves it and mirrors its journal. */
export function toRuntimePermissions(scope: Scope): NatsPermissions {
  const { rpcPattern, who, up, controlPattern, bellPattern, mirror, ...inspection } = createSubjects(scope);
  const own = toOwnerOf(scope, runtime);
  return {
    publish: [
      who,
      toServedSubject(who),
      up,
      controlPattern,
      bellPattern,
      inspection.inspectNode(runtime),
      inspection.inspectViewer, // its page of inspection is a viewer too
      toBlobPattern(),
      ...mirror.patterns,
      ...toKeeping(mirror.stream),
    ],
    subscribe: [
      toInbox(own),
      toBlobPattern(own),
      inspection.inspectViewer,
      inspection.inspectNodePattern,
      ...[rpcPattern, who, probes].flatMap(toServing),
    ],
    responses: true,
  };
}

/**
 * Those of a program that works and calls as one agent or several.
 * @throws AionisError `INPUT_INVALID` when an agent is called as another user is.
 */
export function toWorkerPermissions(scope: Scope, agents: readonly string[]): NatsPermissions {
  const { rpc, rpcPatternOf, up, control, bellPattern, progressPattern, inspectNode, inspectViewer } =
    createSubjects(scope);
  for (const agent of agents) refuseTaken(agent);
  return {
    publish: [
      ...agents.flatMap((agent) => [
        ...groups.map((group) => rpcPatternOf(agent, group)),
        ...alone.map((name) => rpc(agent, name)),
      ]),
      ...agents.map((agent) => toServedSubject(rpcPatternOf(agent))),
      progressPattern,
      ...agents.map((agent) => inspectNode(agent)),
      toBlobPattern(toOwnerOf(scope, runtime)),
    ],
    subscribe: [
      ...agents.flatMap((agent) => {
        const own = toOwnerOf(scope, agent);
        return [toInbox(own), toBlobPattern(own), control(agent)];
      }),
      up,
      bellPattern,
      inspectViewer,
      ...toServing(probes),
    ],
    responses: true, // a probe, and whoever was sent a large payload and fetches it
  };
}

/** Those of a program that reads the scope and follows it, as the agent `viewer`; the mirror with any client of NATS. */
export function toViewerPermissions(scope: Scope): NatsPermissions {
  const { rpc, rpcPatternOf, up, bellPattern, progressPattern, mirror, ...inspection } = createSubjects(scope);
  return {
    publish: [
      ...queries.map((name) => rpc(viewer, name)),
      toServedSubject(rpcPatternOf(viewer)),
      inspection.inspectViewer,
      toBlobPattern(),
      ...toReading(mirror.stream),
    ],
    subscribe: [
      toInbox(toOwnerOf(scope, viewer)),
      ...mirror.patterns,
      up,
      bellPattern,
      progressPattern,
      inspection.inspectNodePattern,
    ],
    responses: false,
  };
}

/** Where tools ask which services there are. */
const probes = "$SRV.>";

const quick = Object.values<Operation>(operations).filter(({ isSlow }) => isSlow !== true); // P4
const alone = quick.map(({ name }) => name).filter((name) => !name.includes("."));
const groups = [...new Set(quick.map(({ name }) => name.replace(/\..*/, "")))].filter((name) => !alone.includes(name));
const queries = quick.filter(({ kind }) => kind === "query").map(({ name }) => name); // P3

/** P2 */
function refuseTaken(agent: string): void {
  if (agent !== runtime && agent !== viewer) return;
  throw new AionisError("INPUT_INVALID", `"${agent}" is what another user is called; give the agent another name.`);
}

function toOwnerOf({ tenant, project }: Scope, agent: string): string {
  return toOwner(`${tenant}/${project}`, agent);
}

function toInbox(owner: string): string {
  return `${toInboxPrefix(owner)}.>`;
}

function toServing(pattern: string): string[] {
  return [pattern, toServedSubject(pattern)];
}

/** Making a stream and writing in order to its end. */
function toKeeping(stream: string): string[] {
  const verbs = ["INFO", "CREATE", "UPDATE", "PURGE", "MSG.GET"];
  return ["$JS.API.INFO", ...verbs.map((verb) => `$JS.API.STREAM.${verb}.${stream}`)];
}

/** Looking at a stream, and following it with consumers of any name. */
function toReading(stream: string): string[] {
  return [
    "$JS.API.INFO",
    ...["INFO", "MSG.GET"].map((verb) => `$JS.API.STREAM.${verb}.${stream}`),
    `$JS.API.CONSUMER.CREATE.${stream}`,
    ...["CREATE", "INFO", "MSG.NEXT", "DELETE"].map((verb) => `$JS.API.CONSUMER.${verb}.${stream}.>`),
    `$JS.ACK.${stream}.>`,
    `$JS.ACK.*.*.${stream}.>`, // with domain and account, as newer servers can be told to write it
    `$JS.FC.${stream}.>`,
  ];
}
