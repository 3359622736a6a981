import { describe, expect, it } from "vitest";
import { z } from "zod";
import { failures } from "../../src/contracts/failures.ts";
import { commonFailures, operations } from "../../src/contracts/operations/index.ts";

const entries = Object.entries(operations);

type Schema = {
  type?: unknown;
  anyOf?: unknown[];
  oneOf?: unknown[];
  $ref?: string;
  properties?: Record<string, Schema>;
};

/** Every schema of an object within `schema`. */
function objectsIn(schema: unknown, found: Record<string, unknown>[] = []): Record<string, unknown>[] {
  if (typeof schema !== "object" || schema === null) return found;
  const own = schema as Record<string, unknown>;
  if (own.type === "object") found.push(own);
  for (const value of Object.values(own)) objectsIn(value, found);
  return found;
}

describe("the operations' table", () => {
  it("holds each verb under its own name, with a sentence of what it does", () => {
    for (const [name, operation] of entries) {
      expect(operation.name).toBe(name);
      expect(operation.summary, name).toMatch(/^[A-Z].*\.$/);
    }
  });

  it("names failures of the table, and none that every operation has", () => {
    for (const [name, operation] of entries) {
      expect(new Set(operation.failures).size, name).toBe(operation.failures.length);
      for (const code of operation.failures) expect(Object.keys(failures), name).toContain(code);
    }
    expect(new Set(commonFailures).size).toBe(commonFailures.length);
  });

  it("lets every command be repeated by a command id, and no query or signal", () => {
    for (const [name, { kind, input }] of entries) {
      const fields = Object.keys((z.toJSONSchema(input, { io: "input" }) as Schema).properties ?? {});
      expect(fields.includes("commandId"), name).toBe(kind === "command");
    }
  });

  for (const [name, { input, output }] of entries) {
    it(`gives ${name} as JSON Schema, both ways, with every object closed and every input list bounded`, () => {
      for (const io of ["input", "output"] as const) {
        const asked = z.toJSONSchema(input, { io }) as Schema;
        const answered = z.toJSONSchema(output, { io }) as Schema;

        expect([asked, ...(asked.anyOf ?? [])].some((schema) => (schema as Schema).type === "object")).toBe(true);
        for (const object of [...objectsIn(asked), ...objectsIn(answered)]) {
          const isMap = object.properties === undefined;
          if (!isMap && io === "input") expect(object.additionalProperties, JSON.stringify(object)).toBe(false);
        }
        expect(unboundedIn(asked), name).toEqual([]);
      }
    });
  }

  it("refuses a field that it does not know, in every input", () => {
    for (const [name, { input }] of entries) {
      const parsed = input.safeParse({ unheardOf: 1 });
      expect(JSON.stringify(parsed.error?.issues), name).toContain("unrecognized_keys");
    }
  });
});

/** Lists and texts of a schema without an upper bound. */
function unboundedIn(schema: unknown, path = ""): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const own = schema as Record<string, unknown>;
  const isOpen =
    (own.type === "array" && own.maxItems === undefined) ||
    (own.type === "string" &&
      own.maxLength === undefined &&
      own.enum === undefined &&
      own.const === undefined &&
      own.pattern === undefined);
  const below = Object.entries(own)
    .filter(([key]) => key !== "propertyNames") // the keys of a map of the caller's own, which the message bounds
    .flatMap(([key, value]) => unboundedIn(value, `${path}/${key}`));
  return isOpen ? [path, ...below] : below;
}
