// What a user's program does, to see that the package works where it was put: work through a worker, and the page of the inspection with
// a script of it. Without `await` at its top, so that it can be a module of CommonJS too.

/** As a module, which imports the package. */
export const usesPackage = `import { createRuntime } from "aionis";\n${toBody()}`;

/** As CommonJS. */
export const requiresPackage = `const { createRuntime } = require("aionis");\n${toBody()}`;

function toBody(): string {
  return `
void main();

async function main() {
  const runtime = await createRuntime({ scope: "acme/package", inspect: {} });
  runtime.worker({ agent: "worker" }, async (task, ctx) => {
    await ctx.step("count", () => ({ words: (task.brief ?? "").split(" ").length }));
    return ctx.complete();
  });
  const { taskId } = await runtime.tasks.start({ brief: "count the words" });
  const { task } = await runtime.tasks.result(taskId);
  if (task.state !== "succeeded") throw new Error("the task came to " + task.state);

  const page = await fetch(runtime.inspectUrl);
  const cookie = page.headers.get("set-cookie").split(";")[0];
  const [, script] = /src="([^"]+)"/.exec(await page.text());
  const { status } = await fetch(new URL(script, runtime.inspectUrl), { headers: { cookie } });
  if (status !== 200) throw new Error("the page's script answered " + status);
  await runtime.close();
  console.log("works");
}
`;
}
