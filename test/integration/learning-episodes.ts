import type { OperationInput } from "../../src/contracts/operations/index.ts";

const batches = 8;
const batchSize = 50;

/** A history in several commands, the same each time. */
export function createImports(): OperationInput<"memory.import">[] {
  return Array.from({ length: batches }, (_, batch) => ({
    commandId: `batch ${batch}`,
    source: "git:test",
    cursor: `${batch}`,
    episodes: Array.from({ length: batchSize }, (__, index) => {
      const n = batch * batchSize + index;
      const part = n % 11;
      return {
        at: 1_600_000_000_000 + n * 3_600_000,
        goal: `fix: part ${part} of the ${n % 3 === 0 ? "parser" : "printer"} forgets step ${n % 5}`,
        files: [`src/part-${part}/${n % 3 === 0 ? "parser" : "printer"}.ts`, `test/part-${part}.test.ts`],
      };
    }),
  }));
}
