import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { Budget, RetryPolicy } from "../../src/contracts/events.ts";
import { AgentId, CommandId, Role, TaskId } from "../../src/contracts/ids.ts";
import { limits } from "../../src/contracts/limits.ts";
import { operations } from "../../src/contracts/operations/index.ts";
import { PacketInput, Return } from "../../src/contracts/packet.ts";
import { Scope } from "../../src/contracts/scope.ts";
import { StepReport } from "../../src/contracts/step.ts";
import {
  Check,
  CheckResult,
  Cost,
  FilePath,
  InputHash,
  Line,
  Name,
  Sequence,
  Target,
  Text,
  Time,
  WaitMs,
} from "../../src/contracts/values.ts";
import { packet, taskId } from "../support/tasks.ts";

const texts: [string, z.ZodType, number, number][] = [
  ["CommandId", CommandId, 1, limits.idChars],
  ["AgentId", AgentId, 1, limits.idChars],
  ["Role", Role, 1, limits.idChars],
  ["Name", Name, 1, limits.nameChars],
  ["Line", Line, 1, limits.lineChars],
  ["Text", Text, 0, limits.textChars],
  ["FilePath", FilePath, 1, limits.pathChars],
];
const numbers: [string, z.ZodType, number, number][] = [
  ["Time", Time, 0, Number.MAX_SAFE_INTEGER],
  ["WaitMs", WaitMs, 0, limits.waitMs],
  ["Sequence", Sequence, 1, Number.MAX_SAFE_INTEGER],
  ["Budget.count", Budget.shape.count, 0, limits.messageValues],
  ["Budget.depth", Budget.shape.depth, 0, limits.delegationDepth],
  ["RetryPolicy.attemptsMax", RetryPolicy.shape.attemptsMax, 1, limits.attempts],
  ["RetryPolicy.lossesMax", RetryPolicy.shape.lossesMax, 1, limits.attempts],
  ["pageSize", operations["tasks.list"].input.shape.pageSize, 1, limits.pageRows],
  ["tail", operations["sessions.events"].input.shape.tail.unwrap(), 1, limits.pageRows],
  ["priority", operations["tasks.start"].input.shape.priority, 0, 4],
];

const start = operations["tasks.start"].input;
const accepts = (schema: z.ZodType, value: unknown): boolean => schema.safeParse(value).success;

describe("texts", () => {
  for (const [name, schema, min, max] of texts) {
    it(`${name} has ${min} to ${max} characters`, () => {
      expect(accepts(schema, "x".repeat(min))).toBe(true);
      expect(accepts(schema, "x".repeat(max))).toBe(true);
      expect(accepts(schema, "x".repeat(max + 1))).toBe(false);
      if (min > 0) expect(accepts(schema, "")).toBe(false);
    });
  }

  it("that name something are Unicode that UTF-8 can hold; texts for people may hold anything", () => {
    for (const schema of [CommandId, AgentId, Role, Name]) {
      expect(accepts(schema, "ä😀\u0000")).toBe(true);
      for (const half of ["\ud800", "a\udc00b", "\udc00\ud800"]) expect(accepts(schema, half)).toBe(false);
    }
    expect(Text.parse("\ud800")).toBe("\ud800");
  });

  it("that are ids have their prefix and twenty characters, and nothing round them", () => {
    expect(accepts(TaskId, taskId())).toBe(true);
    for (const id of [
      "task_",
      `evt_${"0".repeat(20)}`,
      `task_${"0".repeat(19)}`,
      `${taskId()}0`,
      `${taskId()}\n`,
      `task_${"A".repeat(20)}`,
    ]) {
      expect(accepts(TaskId, id), id).toBe(false);
    }
  });

  it("that are hashes are hexadecimal", () => {
    for (const hash of ["0123456789abcdef", "a".repeat(64)]) expect(accepts(InputHash, hash)).toBe(true);
    for (const hash of ["", "a".repeat(15), "a".repeat(65), "A".repeat(16), "g".repeat(16)]) {
      expect(accepts(InputHash, hash)).toBe(false);
    }
  });
});

describe("numbers", () => {
  for (const [name, schema, min, max] of numbers) {
    it(`${name} is whole, from ${min} to ${max}`, () => {
      expect(accepts(schema, min)).toBe(true);
      expect(accepts(schema, max)).toBe(true);
      for (const value of [min - 1, max + 1, min + 0.5, Number.NaN, Number.POSITIVE_INFINITY, "1", null]) {
        expect(accepts(schema, value), String(value)).toBe(false);
      }
    });
  }

  it("that are costs are finite", () => {
    for (const cost of [0, 0.1, 1e15]) expect(accepts(Cost, cost)).toBe(true);
    for (const cost of [-1, 1e16, Number.NaN, Number.POSITIVE_INFINITY]) expect(accepts(Cost, cost)).toBe(false);
  });
});

/** Schema, the value around a list, and how many items the list may hold. */
const lists: [string, z.ZodType, (list: unknown[]) => unknown, unknown, number][] = [
  ["tasks.start files", start, (files) => ({ brief: "b", files }), "a.ts", limits.listItems],
  ["tasks.start checks", start, (checks) => ({ brief: "b", checks }), { name: "c" }, limits.checks],
  ["tasks.claim roles", operations["tasks.claim"].input, (roles) => ({ roles }), "r", limits.roles],
  ["packet facts", PacketInput, (facts) => ({ ...packet, facts }), "f", limits.listItems],
  ["packet constraints", PacketInput, (keep) => ({ ...packet, constraints: { keep } }), "k", limits.listItems],
  ["return artifacts", Return, (artifacts) => ({ outcome: "completed", artifacts }), "a", limits.listItems],
  ["return checks", Return, (checks) => ({ outcome: "completed", checks }), { name: "c", passed: true }, limits.checks],
  [
    "step files",
    StepReport,
    (files) => ({ name: "s", ordinal: 0, outcome: { kind: "succeeded" }, files }),
    "f",
    limits.listItems,
  ],
  ["check command", Check, (command) => ({ name: "c", command }), "npm", limits.argvItems],
  ["list states", operations["tasks.list"].input, (states) => ({ states }), "start", limits.listItems],
  ["event types", operations["events.read"].input, (types) => ({ types }), "task.created", limits.listItems],
];

describe("lists", () => {
  for (const [name, schema, wrap, item, max] of lists) {
    it(`${name} holds at most ${max}, and an oversized one is refused before anyone looks at its items`, () => {
      let looks = 0;
      const watched = new Proxy<unknown[]>(
        Array.from({ length: limits.messageValues }, () => item),
        {
          get(target, key, receiver) {
            if (typeof key === "string" && /^\d+$/.test(key)) looks += 1;
            return Reflect.get(target, key, receiver);
          },
        },
      );

      expect(accepts(schema, wrap(Array.from({ length: max }, () => item)))).toBe(true);
      expect(accepts(schema, wrap(Array.from({ length: max + 1 }, () => item)))).toBe(false);
      const parsed = schema.safeParse(wrap(watched));
      expect(parsed.success).toBe(false);
      expect(parsed.error?.issues.length).toBeLessThanOrEqual(2);
      expect(looks).toBeLessThanOrEqual(max);
    });
  }
});

describe("shapes", () => {
  it("a packet says what to do: a next action or files", () => {
    expect(accepts(PacketInput, { brief: "b" })).toBe(false);
    expect(accepts(PacketInput, { brief: "b", nextAction: "n" })).toBe(true);
    expect(accepts(PacketInput, { brief: "b", files: ["a.ts"] })).toBe(true);
  });

  it("a target is one agent, one role or anyone, and no two of them", () => {
    for (const target of ["any", { agent: "a" }, { role: "r" }]) expect(accepts(Target, target)).toBe(true);
    for (const target of ["all", {}, { agent: "a", role: "r" }, { agent: "" }, null, ["any"]]) {
      expect(accepts(Target, target), JSON.stringify(target)).toBe(false);
    }
  });

  it("nested objects are closed", () => {
    const step = { name: "s", ordinal: 0, outcome: { kind: "succeeded" } };
    expect(accepts(StepReport, { ...step, outcome: { kind: "succeeded", error: "e" } })).toBe(false);
    expect(accepts(CheckResult, { name: "c", passed: true, extra: 1 })).toBe(false);
    expect(accepts(start, { brief: "b", retry: { tries: 3 } })).toBe(false);
    expect(accepts(start, { brief: "b", budget: { count: 1, depth: 1, more: 1 } })).toBe(false);
  });

  it("an answer must be given, and may be null", () => {
    const answer = operations["tasks.answer"].input;
    expect(accepts(answer, { taskId: taskId() })).toBe(false);
    expect(accepts(answer, { taskId: taskId(), answer: null })).toBe(true);
  });

  it("a scope has a tenant and a project without a slash", () => {
    expect(accepts(Scope, { tenant: "a", project: "b" })).toBe(true);
    for (const part of ["", "a/b", "\ud800", "x".repeat(limits.scopePartChars + 1)]) {
      expect(accepts(Scope, { tenant: part, project: "b" }), part).toBe(false);
    }
  });
});
