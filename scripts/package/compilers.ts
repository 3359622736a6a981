// Compilers: a program that uses every entry compiles under the strictest options, from the oldest TypeScript to the newest.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, type Tools } from "./commands.ts";

const compilers = ["typescript@5.4.5", "typescript@5.9.3", "typescript@7.0.2"];

/** The types of Node.js that any program of Node.js has; nothing else is lent. */
export const nodeTypes = "@types/node@24.19.2";

const resolutions = [
  ["nodenext", "nodenext"],
  ["esnext", "bundler"],
];

/** A handler that is given schemas and answers, as the types of the package have to carry them. */
const handler = `
import { connect, type Handler } from "aionis";
import { z } from "zod";
export const handle: Handler = async (task, ctx) => {
  const made = await ctx.step("make", () => ({ words: task.brief?.length ?? 0 }));
  const words: number = made.words;
  const { ok } = await ctx.pause({ question: "Is it right?", answer: z.object({ ok: z.boolean() }) });
  const isRight: boolean = ok;
  return isRight ? ctx.complete({ data: { words } }) : ctx.fail("it is not");
};
export const connecting: Promise<{ close(): Promise<void> }> = connect({ path: ".aionis" });
`;

/** `consumer` is a folder in which the package is installed, and `specifiers` are the names of its entries. @throws Error */
export function checkCompilers(consumer: string, specifiers: readonly string[], tools: Tools): void {
  const imports = specifiers.map((specifier, index) => `import * as face${index} from "${specifier}";`).join("\n");
  const faces = specifiers.map((_, index) => `face${index}`).join(", ");
  writeFileSync(join(consumer, "program.mts"), `${imports}\nexport const faces = [${faces}].length;\n${handler}`);
  for (const compiler of compilers) {
    const tsc = tools.find(compiler, "tsc");
    if (tsc === undefined) continue;
    for (const [module, moduleResolution] of resolutions) {
      const compilerOptions = {
        module,
        moduleResolution,
        target: "es2022",
        lib: ["es2022", "esnext.disposable"],
        types: ["node"],
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: false,
        noEmit: true,
      };
      writeFileSync(join(consumer, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.mts"] }));
      run(tsc, ["-p", consumer], consumer);
      console.log(`compiles with ${compiler}, ${moduleResolution}`);
    }
  }
}
