import { describe, expect, it } from "vitest";
import { z } from "zod";
import { checkOptions, optionSchemas } from "../../src/contracts/options.ts";
import { connect, createRuntime } from "../../src/index.ts";
import { createTestRuntime } from "../../src/testing.ts";

type Name = keyof typeof optionSchemas;

/** What no field takes, whatever it is. */
const nonsense: unknown[] = [Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5, Symbol("x"), null, [null]];
/** What a length of time could be mistaken for. */
const lengths: unknown[] = ["10s", "", 0, -5, "1000", true, {}, 1e300];
const names = Object.keys(optionSchemas) as Name[]; // Object.keys loses the key type
const fields = names
  .flatMap((name) => Object.keys(optionSchemas[name].shape).map((field) => ({ name, field })))
  .filter(({ field }) => field !== "input" && field !== "data"); // any value, of which `VALUE_INVALID` tells
const needed: Partial<Record<Name, object>> = {
  worker: { agent: "a" },
  "ctx.pause": { question: "Good?", answer: z.boolean() },
  defineTool: { name: "count", input: z.object({}), execute: () => 5 },
};

describe("options", () => {
  it.each(fields)("of $name are INPUT_INVALID by the name $field, whatever nonsense it is", ({ name, field }) => {
    const bad = /^(leaseMs|timeoutMs)$/.test(field)
      ? [
          ...nonsense.filter((value) => value !== 0.5 || name !== "call"),
          ...lengths.filter((value) => value !== 0 || name !== "drain"),
        ]
      : nonsense.filter((value) => value !== 0.5 || !/^(timeout|expiresIn)$/.test(field)); // those are rounded

    for (const value of bad) {
      const options = { ...needed[name], [field]: value };
      expect(() => checkOptions(name, options), String(value)).toThrow(
        expect.objectContaining({ code: "INPUT_INVALID", detail: expect.stringContaining(field) }),
      );
    }
  });

  it.each(names)("of %s refuse a name that they do not know", (name) => {
    expect(() => checkOptions(name, { ...needed[name], leaseMS: 5 })).toThrow(
      expect.objectContaining({ detail: `${name}: leaseMS: there is no such option.` }),
    );
  });

  it.each(names)("of %s may be undefined where they may be absent", (name) => {
    const { shape } = optionSchemas[name];
    const absent = Object.fromEntries(Object.keys(shape).map((field) => [field, undefined]));

    expect(() => checkOptions(name, { ...absent, ...needed[name] })).not.toThrow();
  });

  it("name the value and what was expected", () => {
    expect(() => checkOptions("createRuntime", { leaseMs: "10s" })).toThrow(/leaseMs is "10s": .*expected number/);
  });

  it("are refused with no word of a password", () => {
    const credentials = { user: "ann", passwrod: "s3cret" };

    expect(() => checkOptions("connect", { servers: "x", credentials })).toThrow(/^(?!.*s3cret).*credentials/s);
  });

  it("are checked by each function that takes them, before anything is made", async () => {
    const refused = { code: "INPUT_INVALID" };
    await using runtime = await createTestRuntime();
    const connection = runtime.connect("a");

    await expect(createRuntime({ leaseMs: Number.NaN, path: "/nowhere/at/all" })).rejects.toMatchObject(refused);
    await expect(connect({ timeoutMs: Number.NaN })).rejects.toMatchObject(refused);
    await expect(createTestRuntime({ leaseMs: 0 })).rejects.toMatchObject(refused);
    expect(() => connection.worker({ agent: "a", concurrency: 0 }, () => 1)).toThrow(expect.objectContaining(refused));
    const worker = connection.worker({ agent: "a" }, () => 1);
    await expect(worker.drain({ timeoutMs: Number.NaN })).rejects.toMatchObject(refused);
  });

  it("are all of strict objects", () => {
    for (const name of names) expect(optionSchemas[name].def.catchall, name).toBeInstanceOf(z.ZodNever);
  });
});
