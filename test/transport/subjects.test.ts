import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Scope } from "../../src/contracts/scope.ts";
import {
  checkPattern,
  checkSubject,
  createSubjects,
  decodeToken,
  encodeToken,
  matches,
  parseRpc,
  parseScope,
  toAgentHeaders,
} from "../../transport/subjects.ts";

const hostile = [
  "",
  "*",
  ">",
  ".",
  "..",
  "a.b",
  "h.*",
  "a b",
  "a\r\nPUB x",
  "\u0000",
  "\t",
  "=",
  "==",
  "=YQ",
  "==abc",
  "../..",
  "$SYS",
  "_INBOX",
  "💥",
  "é",
  "\u202e",
  "x".repeat(63),
  "x".repeat(64),
  "ü".repeat(300),
]; // prettier-ignore
const anyText = fc.oneof(
  fc.constantFrom(...hostile),
  fc.string({ unit: "binary", maxLength: 80 }),
  fc.string({ maxLength: 80 }),
);
const acme: Scope = { tenant: "acme", project: "billing" };

describe("tokens", () => {
  it("leave plain ids as they are and mark all others", () => {
    expect(["fixer-1", "A_z-9", "x".repeat(63)].map(encodeToken)).toEqual(["fixer-1", "A_z-9", "x".repeat(63)]);
    expect(["", "a", "a.b", "*"].map(encodeToken)).toEqual(["=", "a", "=YS5i", "=Kg"]);
    expect(encodeToken("x".repeat(64))).toMatch(/^==[A-Za-z0-9_-]{43}$/);
  });

  it("hold no separator, wildcard or white space, and at most 63 characters (U1)", () => {
    fc.assert(fc.property(anyText, (id) => /^[A-Za-z0-9_=-]{1,63}$/.test(encodeToken(id))));
  });

  it("decode to the id that they were made from, unless they hold a hash (U2)", () => {
    fc.assert(
      fc.property(anyText, (id) => {
        const token = encodeToken(id);
        expect(decodeToken(token)).toBe(token.startsWith("==") ? undefined : id);
      }),
    );
  });

  it("are different for different ids, hashed ones too (U2)", () => {
    fc.assert(
      fc.property(anyText, anyText, (one, other) => (encodeToken(one) === encodeToken(other)) === (one === other)),
    );
    expect(encodeToken(`${"x".repeat(300)}1`)).not.toBe(encodeToken(`${"x".repeat(300)}2`));
  });

  it("that encodeToken does not make are not decoded, whatever a lenient decoder reads in them (U2)", () => {
    for (const token of [
      "=YQ",
      "=Kh",
      "=Kg==",
      "= Kg",
      "=/w",
      "=_w",
      "a.b",
      "*",
      ">",
      "a b",
      "",
      "=YS5i=",
      "=\u00e9",
    ]) {
      expect(decodeToken(token), token).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (token) => {
        const id = decodeToken(token);
        return id === undefined || encodeToken(id) === token;
      }),
    );
  });

  it("refuse ids that are not Unicode, of which two could share a token (U2)", () => {
    expect(() => encodeToken("\ud800")).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
  });
});

describe("subjects", () => {
  it("are those of the design's table", () => {
    const subjects = createSubjects(acme);

    expect(subjects.rpc("fixer-1", "tasks.start")).toBe("aionis.v1.acme.billing.rpc.fixer-1.tasks.start");
    expect(subjects.rpcPattern).toBe("aionis.v1.acme.billing.rpc.*.>");
    expect(subjects.handoff({ role: "review" }, "offered")).toBe("aionis.v1.acme.billing.handoff.role-review.offered");
    expect(subjects.handoffPattern("any")).toBe("aionis.v1.acme.billing.handoff.any.>");
    expect(subjects.delegation({ agent: "fixer-1" }, "packet")).toBe(
      "aionis.v1.acme.billing.delegation.agent-fixer-1.packet",
    );
    expect(subjects.delegationPattern({ agent: "fixer-1" })).toBe("aionis.v1.acme.billing.delegation.agent-fixer-1.>");
    expect(subjects.task("task_1", "step.recorded")).toBe("aionis.v1.acme.billing.task.task_1.step.recorded");
    expect(subjects.taskPattern("task_1")).toBe("aionis.v1.acme.billing.task.task_1.>");
    expect(subjects.lesson("workflow", "promoted")).toBe("aionis.v1.acme.billing.lesson.workflow.promoted");
    expect(subjects.progress("task_1")).toBe("aionis.v1.acme.billing.progress.task_1");
    expect(subjects.bell({ role: "review" })).toBe("aionis.v1.acme.billing.bell.role-review");
    expect(subjects.bellPattern).toBe("aionis.v1.acme.billing.bell.*");
  });

  it("are valid and have as many tokens for hostile ids as for plain ones (U3)", () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, (tenant, project, id) => {
        const subjects = createSubjects({ tenant, project });
        const built = [
          [subjects.rpc(id, "tasks.start"), 8],
          [subjects.handoff({ role: id }, "offered"), 7],
          [subjects.delegation({ agent: id }, "return"), 7],
          [subjects.task(id, "claimed"), 7],
          [subjects.lesson(id, "promoted"), 7],
          [subjects.progress(id), 6],
          [subjects.bell({ role: id }), 6],
        ] as const;
        for (const [subject, tokens] of built) {
          checkSubject(subject);
          expect(subject.split(".").length).toBe(tokens);
        }
        for (const pattern of [subjects.rpcPattern, subjects.taskPattern(id), subjects.handoffPattern({ role: id })]) {
          checkPattern(pattern);
        }
      }),
    );
  });

  it("of one scope never match the patterns of another", () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, anyText, (tenant, project, otherTenant, otherProject) => {
        fc.pre(tenant !== otherTenant || project !== otherProject);
        const ours = createSubjects({ tenant, project });
        const theirs = createSubjects({ tenant: otherTenant, project: otherProject });
        expect(matches(ours.rpcPattern, theirs.rpc("fixer-1", "tasks.start"))).toBe(false);
        expect(matches(ours.taskPattern("task_1"), theirs.task("task_1", "claimed"))).toBe(false);
      }),
    );
  });

  it("of a call give back the caller and the operation, for any id", () => {
    fc.assert(
      fc.property(anyText, anyText, (agentId, operation) => {
        fc.pre(operation.split(".").every((part) => !encodeToken(part).startsWith("=="))); // operations are ours and short
        const subject = createSubjects(acme).rpc(agentId, operation);
        expect(parseRpc({ subject, headers: toAgentHeaders(agentId) })).toEqual({ agentId, operation });
      }),
    );
  });

  it("of a call are refused when the header names another caller than the token's hash", () => {
    const agentId = "x".repeat(100);
    const subject = createSubjects(acme).rpc(agentId, "tasks.start");
    const refused: unknown = expect.objectContaining({ code: "INPUT_INVALID" });

    expect(() => parseRpc({ subject, headers: {} })).toThrow(refused);
    expect(() => parseRpc({ subject, headers: toAgentHeaders("y".repeat(100)) })).toThrow(refused);
  });

  it("of a call take the caller from the token alone where it can be read", () => {
    const subject = createSubjects(acme).rpc("fixer-1", "tasks.start");

    expect(parseRpc({ subject, headers: toAgentHeaders("y".repeat(100)) }).agentId).toBe("fixer-1");
  });

  it.each([
    "aionis.v1.acme.billing.rpc.fixer-1",
    "aionis.v1.acme.billing.task.t.claimed",
    "x",
    "aionis.v1.acme.billing.rpc.=YQ.tasks",
  ])("that name no caller and operation are refused: %s", (subject) => {
    expect(() => parseRpc({ subject, headers: {} })).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
  });
});

describe("parseScope", () => {
  it("gives back the scope of every call that spells it out", () => {
    const part = fc
      .string({ unit: "binary", minLength: 1, maxLength: 40 })
      .filter((text) => Buffer.byteLength(text) <= 46);
    fc.assert(
      fc.property(part, part, (tenant, project) => {
        const subject = createSubjects({ tenant, project }).rpc("fixer-1", "tasks.start");
        expect(parseScope(subject)).toBe(`${tenant}/${project}`);
      }),
    );
  });

  it("gives nothing for what is no call, or has its scope as a hash", () => {
    const hashed = createSubjects({ tenant: "é".repeat(60), project: "billing" }).rpc("fixer-1", "tasks.start");

    for (const subject of ["x", "aionis.v1.acme.billing.task.t.claimed", hashed]) {
      expect(parseScope(subject)).toBeUndefined();
    }
  });
});

describe("matches", () => {
  const token = fc.constantFrom("a", "b", "aa", "a-b");
  const subject = fc.array(token, { minLength: 1, maxLength: 5 });
  const pattern = fc
    .tuple(fc.array(fc.oneof(token, fc.constant("*")), { maxLength: 5 }), fc.boolean())
    .map(([tokens, isOpen]) => (isOpen ? [...tokens, ">"] : tokens))
    .filter((tokens) => tokens.length > 0);

  it("agrees with the definition, token by token", () => {
    const defined = (patternTokens: string[], subjectTokens: string[]): boolean => {
      const [first, ...rest] = patternTokens;
      if (first === undefined) return subjectTokens.length === 0;
      if (first === ">") return subjectTokens.length > 0;
      return (
        subjectTokens.length > 0 &&
        (first === "*" || first === subjectTokens[0]) &&
        defined(rest, subjectTokens.slice(1))
      );
    };

    fc.assert(
      fc.property(pattern, subject, (patternTokens, subjectTokens) => {
        checkPattern(patternTokens.join("."));
        checkSubject(subjectTokens.join("."));
        expect(matches(patternTokens.join("."), subjectTokens.join("."))).toBe(defined(patternTokens, subjectTokens));
      }),
      { numRuns: 2_000 },
    );
  });
});
