// Second start
//
// The same kind of work, asked for three times in other words. Before each time the runtime is asked what earlier work knows. At first it
// knows nothing and says so; after two runs whose checks passed it names the file, the tool and the way.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Assignment, createRuntime, type RunContext } from "aionis";

const briefs = [
  "Fix the retry in the payment client: it repeats a charge after a timeout",
  "The payment client charges twice when a request times out and is retried",
  "Customers are charged twice: retry after timeout in the payment client",
];

/** Asks and works three times; gives back what was answered before each. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "aionis-second-start-"));
  try {
    await using runtime = await createRuntime({ path: folder, scope: "examples/second-start" });
    runtime.worker({ agent: "fixer", checks: { tests: async () => ({ passed: true }) } }, repair);

    const answers = [];
    for (const brief of briefs) {
      const answer = await runtime.taskStart({ query: brief });
      answers.push(answer);
      print(`\n"${brief}"`);
      print(`  first: ${answer.firstAction.text}`);
      print(
        `  gate: ${answer.gate.action}, uncertainty ${answer.uncertainty.level} (${answer.uncertainty.confidence})`,
      );

      const { taskId } = await runtime.tasks.start({ brief, family: "payments", checks: [{ name: "tests" }] });
      await runtime.tasks.result(taskId);
      await runtime.tasks.settled({ taskId }); // what it teaches has been learned
    }
    return answers;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What an agent did for this kind of work; steps say their tool and the files that they touched. */
async function repair(_task: Assignment, ctx: RunContext): Promise<void> {
  const file = "packages/payments/src/http-client.ts";
  await ctx.step("find the attempts", { tool: "grep", files: [file] }, () => `${file}:41`);
  await ctx.step("send one key for all attempts", { tool: "edit", files: [file] }, () => "patched");
  await ctx.step(
    "cover a late reply",
    { tool: "edit", files: ["packages/payments/test/http-client.test.ts"] },
    () => "added",
  );
  await ctx.complete({ summary: "The same key is sent on every attempt" });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
