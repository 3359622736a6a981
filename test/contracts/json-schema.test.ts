import { describe, expect, it } from "vitest";
import { type OperationName, operations, toJsonSchemas } from "../../src/index.ts";

describe("the JSON Schemas of operations", () => {
  it.each(Object.keys(operations) as OperationName[])("say what %s takes and answers", (name) => {
    const { input, output } = toJsonSchemas(name);

    expect(input).toMatchObject({ $schema: expect.stringContaining("2020-12") });
    expect(output).toMatchObject({ $schema: expect.stringContaining("2020-12") });
  });

  it("leave out of what a caller must write whatever has a default", () => {
    const { input } = toJsonSchemas("tasks.start");

    expect(input.required).toEqual(["brief"]);
    expect(input.additionalProperties).toBe(false);
  });
});
