import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { AionisError, type FailureCode, failures, isFailure, overloaded } from "../../src/contracts/failures.ts";
import { RpcReply } from "../../src/contracts/rpc.ts";
import { fromScopeName } from "../../src/contracts/scope.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const codes = Object.keys(failures) as FailureCode[]; // Object.keys loses the key type

/** The product's sources, without the table itself and without what only declares that an operation may fail so. */
function readSources(): string {
  return ["actors", "machines", "src", "transport", "sdk", "bin"]
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((file) => join(root, folder, file)),
    )
    .filter(
      (file) =>
        /\.(ts|mjs)$/.test(file) && !file.endsWith("contracts/failures.ts") && !file.includes("contracts/operations"),
    )
    .map((file) => readFileSync(file, "utf8"))
    .join("\n");
}

describe("the failures' table", () => {
  it("holds no code that nothing in the product uses", () => {
    const sources = readSources();

    expect(codes.filter((code) => !new RegExp(`["\`]?\\b${code}\\b`).test(sources))).toEqual([]);
  });

  it("gives each code a status of HTTP, a retry decision and a sentence", () => {
    for (const code of codes) {
      const { status, retryable, title } = failures[code];
      expect(status, code).toBeGreaterThanOrEqual(400);
      expect(status, code).toBeLessThan(600);
      expect(typeof retryable, code).toBe("boolean");
      expect(title, code).toMatch(/^[A-Z].*[^.]$/);
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    }
  });
});

describe("AionisError", () => {
  it("says its code and its detail, keeps its cause here, and travels as plain data", () => {
    const cause = new Error("inner");
    const error = new AionisError("OVERLOADED", "Too much.", { cause, facts: { waiting: 3 } });

    const view = JSON.parse(JSON.stringify(error.toView()));
    const back = AionisError.from(view);

    expect(error.message).toBe("OVERLOADED: Too much.");
    expect(error.cause).toBe(cause);
    expect(view).toEqual({ code: "OVERLOADED", detail: "Too much.", facts: { waiting: 3 } });
    expect(back).toMatchObject({ code: "OVERLOADED", detail: "Too much.", facts: { waiting: 3 }, retryable: true });
    expect(new AionisError("INPUT_INVALID", "No.").toView()).toEqual({ code: "INPUT_INVALID", detail: "No." });
  });

  it("has no stack where too much waits, and leaves the program's own errors theirs", () => {
    const refused = overloaded("Too much.", 50);

    expect(refused).toMatchObject({ code: "OVERLOADED", facts: { retryAfterMs: 50 } });
    expect(refused.stack).not.toContain("\n    at ");
    expect(new Error("own").stack).toContain("\n    at ");
  });

  it("is told apart by its code", () => {
    const error = new AionisError("STORE_FULL", "No room.");

    expect(isFailure(error)).toBe(true);
    expect(isFailure(error, "STORE_FULL", "STORE_FAILED")).toBe(true);
    expect(isFailure(error, "STORE_FAILED")).toBe(false);
    expect(isFailure({ code: "STORE_FULL" })).toBe(false);
    expect(isFailure(new Error("STORE_FULL"))).toBe(false);
  });

  it("of any code fits into a reply", () => {
    const store = `store_${"0".repeat(20)}`;
    for (const code of codes) {
      expect(RpcReply.safeParse({ ok: false, store, failure: { code, detail: "d" } }).success, code).toBe(true);
    }
    expect(RpcReply.safeParse({ ok: false, store, failure: { code: "NO_SUCH", detail: "d" } }).success).toBe(false);
  });
});

describe("a scope's name", () => {
  it("is tenant and project with one slash between them", () => {
    expect(fromScopeName("acme/billing")).toEqual({ tenant: "acme", project: "billing" });
    for (const name of ["", "acme", "/", "acme/", "/billing", "a/b/c", `${"x".repeat(200)}/b`]) {
      expect(() => fromScopeName(name), name).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
    }
  });
});
