// Single agent
//
// One agent in one process. It works on a folder of text files in the usual loop: decide on a tool call, make it, look at what came back. Each
// decision and each call is a durable step. The first try dies in the middle; the second gets back what is recorded and goes on after it, so
// that no decision is made twice and no file is written twice.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Assignment, createRuntime, type RunContext } from "aionis";

type Call = { tool: "list" | "read" | "write" | "done"; file?: string; text?: string };
type Seen = { call: Call; output: string[] }[];

const texts = { "a.md": "We utilize retries.\n", "b.md": "All is plain.\n", "c.md": "Utilize it to utilize it.\n" };

/** Plays the story in a folder of its own; what it returns is counted from the journal and read from the files. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "aionis-single-agent-"));
  const docs = join(folder, "docs");
  try {
    mkdirSync(docs);
    for (const [file, text] of Object.entries(texts)) writeFileSync(join(docs, file), text);
    await using runtime = await createRuntime({ path: join(folder, "store"), scope: "examples/single-agent" });

    const isPlain = async () => ({ passed: !readAll(docs).some((text) => /utilize/i.test(text)) });
    runtime.worker({ agent: "editor", checks: { plain: isPlain } }, (task, ctx) => edit(task, ctx, docs, print));
    const retry = { backoffMs: 20 };
    const { taskId } = await runtime.tasks.start({ brief: "Write plainly", checks: [{ name: "plain" }], retry });
    const { task } = await runtime.tasks.result(taskId);

    const { events } = await runtime.events.read({ taskId });
    const count = (type: string): number => events.filter((event) => event.type === type).length;
    const [tries, steps] = [count("task.claimed"), count("step.succeeded")];
    const writes = events.filter(({ type, facts }) => type === "step.succeeded" && facts.tool === "write").length;
    print(`${task.state} after ${tries} tries: ${steps} steps, ${writes} files written, each once`);
    return { tries, steps, writes, checked: count("checks.passed"), texts: readAll(docs) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The agent's loop. On a second try the steps that are recorded give back what they gave, at once. */
async function edit(task: Assignment, ctx: RunContext, docs: string, print: (line: string) => void): Promise<void> {
  print(`the agent starts, attempt ${task.attempt}`);
  for (const seen: Seen = []; ; ) {
    const call = await ctx.step("decide", () => decide(seen, print));
    if (call.tool === "done") return ctx.complete({ summary: `${seen.length} tool calls` });
    seen.push({ call, output: await ctx.step("act", { tool: call.tool, input: call }, () => act(call, docs)) });
    if (task.attempt === 1 && call.tool === "write") throw new Error("the agent dies here, once");
  }
}

/** Where an agent asks its model; plain code here. */
function decide(seen: Seen, print: (line: string) => void): Call {
  const [last, files = []] = [seen.at(-1), seen[0]?.output];
  const [text = ""] = last?.call.tool === "read" ? last.output : [];
  const plain = text.replaceAll("Utilize", "Use").replaceAll("utilize", "use");
  const file = files.find((name) => !seen.some(({ call }) => call.tool === "read" && call.file === name));
  const next: Call =
    last === undefined ? { tool: "list" } : file === undefined ? { tool: "done" } : { tool: "read", file };
  const decided: Call = plain === text ? next : { ...last?.call, tool: "write", text: plain };
  print(`  decides: ${decided.tool} ${decided.file ?? ""}`);
  return decided;
}

function act({ tool, file = "", text = "" }: Call, docs: string): string[] {
  if (tool === "list") return readdirSync(docs).sort();
  if (tool === "write") writeFileSync(join(docs, file), text);
  return [readFileSync(join(docs, file), "utf8")];
}

const readAll = (docs: string): string[] =>
  readdirSync(docs)
    .sort()
    .map((file) => readFileSync(join(docs, file), "utf8"));

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
