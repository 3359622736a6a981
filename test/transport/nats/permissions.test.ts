import { describe, expect, it } from "vitest";
import { operations } from "../../../src/contracts/operations/index.ts";
import {
  type NatsPermissions,
  toRuntimePermissions,
  toViewerPermissions,
  toWorkerPermissions,
} from "../../../transport/nats/permissions.ts";
import {
  createSubjects,
  matches,
  toBlobPattern,
  toBlobSubject,
  toInboxPrefix,
  toOwner,
} from "../../../transport/subjects.ts";

const scope = { tenant: "acme", project: "billing" };
const S = "aionis.v1.acme.billing";
const subjects = createSubjects(scope);
const runtime = toRuntimePermissions(scope);
const worker = toWorkerPermissions(scope, ["fixer-1"]);
const viewer = toViewerPermissions(scope);

/** Whether the lists let it. What is asked is a subject: a pattern would be a subset of more than it matches. */
function may(does: "publish" | "subscribe", user: NatsPermissions, subject: string): boolean {
  return user[does].some((pattern) => matches(pattern, subject));
}

function callsOf(agent: string, user: NatsPermissions): string[] {
  return Object.keys(operations).filter((name) => may("publish", user, subjects.rpc(agent, name)));
}

function inboxOf(agent: string): string {
  return `${toInboxPrefix(toOwner("acme/billing", agent))}.>`;
}

function blobsOf(agent: string): string {
  return toBlobPattern(toOwner("acme/billing", agent));
}

describe("the permissions of a runtime", () => {
  it("are to serve its scope, to say what happened, and to keep its mirror", () => {
    expect(runtime).toEqual({
      publish: [
        `${S}.runtime.who`,
        `aionis.served.${S}.runtime.who`,
        `${S}.runtime.up`,
        `${S}.worker.*.control`,
        `${S}.bell.*`,
        `${S}.inspect.node.runtime`,
        `${S}.inspect.viewer`,
        "aionis.v1.blob.*.*",
        ...["handoff", "delegation", "task", "lesson"].map((family) => `${S}.${family}.>`),
        "$JS.API.INFO",
        ...["INFO", "CREATE", "UPDATE", "PURGE", "MSG.GET"].map((verb) => `$JS.API.STREAM.${verb}.AIONIS_acme_billing`),
      ],
      subscribe: [
        inboxOf("runtime"),
        blobsOf("runtime"),
        `${S}.inspect.viewer`,
        `${S}.inspect.node.*`,
        `${S}.rpc.*.>`,
        `aionis.served.${S}.rpc.*.>`,
        `${S}.runtime.who`,
        `aionis.served.${S}.runtime.who`,
        "$SRV.>",
        "aionis.served.$SRV.>",
      ],
      responses: true,
    });
  });
});

describe("the permissions of a worker", () => {
  it("are to call as itself, and to hear what is for it", () => {
    expect(worker).toEqual({
      publish: [
        ...["memory", "nodes", "recall", "tasks", "handoff", "delegation", "replay", "playbooks"].map(
          (group) => `${S}.rpc.fixer-1.${group}.>`,
        ),
        ...["sessions", "events", "runtime"].map((group) => `${S}.rpc.fixer-1.${group}.>`),
        ...["taskStart", "planningContext", "actionRetrieval", "feedback", "explain"].map(
          (name) => `${S}.rpc.fixer-1.${name}`,
        ),
        `aionis.served.${S}.rpc.fixer-1.>`,
        `${S}.progress.*`,
        `${S}.inspect.node.fixer-1`,
        blobsOf("runtime"),
      ],
      subscribe: [
        inboxOf("fixer-1"),
        blobsOf("fixer-1"),
        `${S}.worker.fixer-1.control`,
        `${S}.runtime.up`,
        `${S}.bell.*`,
        `${S}.inspect.viewer`,
        "$SRV.>",
        "aionis.served.$SRV.>",
      ],
      responses: true,
    });
  });

  it("are those of each of its agents when it has several", () => {
    const both = toWorkerPermissions(scope, ["fixer-1", "fixer-2"]);

    expect(callsOf("fixer-2", both)).toEqual(callsOf("fixer-1", worker));
    expect(both.subscribe).toEqual(expect.arrayContaining([inboxOf("fixer-1"), inboxOf("fixer-2")]));
  });

  it("never let an id become a wildcard", () => {
    for (const agent of ["*", ">", "fixer.*", "a b", "é"]) {
      const odd = toWorkerPermissions(scope, [agent]);
      expect(may("publish", odd, subjects.rpc("fixer-1", "tasks.start"))).toBe(false);
      expect(may("subscribe", odd, inboxOf("fixer-1").replace(">", "1"))).toBe(false);
      expect(may("publish", odd, subjects.rpc(agent, "tasks.start"))).toBe(true);
    }
  });

  it("are none for who is called like the runtime or the viewer", () => {
    for (const agent of ["runtime", "viewer"])
      expect(() => toWorkerPermissions(scope, [agent])).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
  });
});

describe("the permissions of a viewer", () => {
  it("are to ask every query that is not slow, and nothing else (P3, P4)", () => {
    const wanted = Object.values(operations).filter(({ kind, ...rest }) => kind === "query" && !("isSlow" in rest));

    expect(callsOf("viewer", viewer)).toEqual(wanted.map(({ name }) => name));
    expect(callsOf("fixer-1", viewer)).toEqual([]);
    expect(viewer.responses).toBe(false);
  });

  it("are to hear what happened, bells, live output and live actors", () => {
    expect(viewer.subscribe).toEqual([
      inboxOf("viewer"),
      ...["handoff", "delegation", "task", "lesson"].map((family) => `${S}.${family}.>`),
      `${S}.runtime.up`,
      `${S}.bell.*`,
      `${S}.progress.*`,
      `${S}.inspect.node.*`,
    ]);
  });
});

describe("the permissions of all", () => {
  const users = { runtime, worker, viewer };

  it("let nobody call a slow operation (P4)", () => {
    const slow = Object.values(operations).filter((operation) => "isSlow" in operation);
    const callers = { runtime, "fixer-1": worker, viewer };
    const allowed = Object.entries(callers).flatMap(([agent, user]) =>
      slow.filter(({ name }) => may("publish", user, subjects.rpc(agent, name))),
    );

    expect(slow.length).toBeGreaterThan(0);
    expect(allowed).toEqual([]);
  });

  it("keep calls and events to the runtime, and inboxes and payloads to their owners (P1, P2)", () => {
    const whoMay = (does: "publish" | "subscribe", subject: string): string[] =>
      Object.entries(users).flatMap(([name, user]) => (may(does, user, subject) ? [name] : []));

    expect(whoMay("subscribe", subjects.rpc("fixer-1", "tasks.start"))).toEqual(["runtime"]);
    expect(whoMay("subscribe", subjects.who)).toEqual(["runtime"]);
    expect(whoMay("publish", subjects.task("task_1", "claimed"))).toEqual(["runtime"]);
    expect(whoMay("publish", subjects.control("fixer-1"))).toEqual(["runtime"]);
    expect(whoMay("publish", subjects.up)).toEqual(["runtime"]);
    expect(whoMay("subscribe", subjects.up)).toEqual(["worker", "viewer"]);
    expect(whoMay("publish", subjects.bell("any"))).toEqual(["runtime"]);
    expect(whoMay("subscribe", subjects.bell({ role: "docs" }))).toEqual(["worker", "viewer"]);
    expect(whoMay("publish", inboxOf("fixer-1").replace(">", "1"))).toEqual([]);
    expect(whoMay("publish", subjects.inspectNode("fixer-1"))).toEqual(["worker"]);
    expect(whoMay("subscribe", subjects.inspectNode("fixer-1"))).toEqual(["runtime", "viewer"]);
    expect(whoMay("publish", subjects.inspectViewer)).toEqual(["runtime", "viewer"]);
    expect(whoMay("subscribe", subjects.inspectViewer)).toEqual(["runtime", "worker"]);
    for (const [name, agent] of [
      ["runtime", "runtime"],
      ["worker", "fixer-1"],
    ] as const)
      expect(whoMay("subscribe", toBlobSubject(toOwner("acme/billing", agent), "1"))).toEqual([name]);
    for (const [name, agent] of [
      ["runtime", "runtime"],
      ["worker", "fixer-1"],
      ["viewer", "viewer"],
    ] as const)
      expect(whoMay("subscribe", inboxOf(agent).replace(">", "1"))).toEqual([name]);
  });

  it("name no other scope (P5)", () => {
    const shared = /^(_INBOX_|aionis\.v1\.blob\.|(aionis\.served\.)?\$SRV\.>$|\$JS\.API\.INFO$)/;
    const own = /^(aionis\.served\.)?aionis\.v1\.acme\.billing\.|^\$JS\..*AIONIS_acme_billing(\.>)?$/;
    const all = Object.values(users).flatMap(({ publish, subscribe }) => [...publish, ...subscribe]);

    expect(all.filter((pattern) => !shared.test(pattern) && !own.test(pattern))).toEqual([]);
  });
});
