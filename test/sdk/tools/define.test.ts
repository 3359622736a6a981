import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTool } from "../../../sdk/tools/define.ts";

const define = (name: string) => defineTool({ name, input: z.unknown(), execute: () => null });

describe("defineTool", () => {
  it("takes a tool for dangerous and not to be repeated unless it says otherwise", () => {
    expect(define("deploy")).toMatchObject({ safety: "needs_confirm", idempotent: false });
    expect(
      defineTool({ name: "look", input: z.unknown(), execute: () => null, safety: "auto_ok", idempotent: true }),
    ).toMatchObject({ safety: "auto_ok", idempotent: true });
  });

  it.each(["a", "file.read", "mcp__github__create-issue", "npm:test", "github/issue", "readFile2", "x".repeat(200)])(
    "takes the name %j",
    (name) => {
      expect(define(name).name).toBe(name);
    },
  );

  it.each(["", " ", "a b", "a,b", ".a", "-a", "a\n", "ä", "a\0", "x".repeat(201)])("refuses the name %j", (name) => {
    expect(() => define(name)).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
  });
});
