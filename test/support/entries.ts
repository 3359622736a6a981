import { existsSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const root = resolve(fileURLToPath(new URL("../..", import.meta.url)));

const config = readFileSync(resolve(root, "tsconfig.json"), "utf8").replaceAll(/^\s*\/\/.*$/gm, "");
const { compilerOptions } = JSON.parse(config) as { compilerOptions: { paths: Record<string, [string]> } }; // our own file

/** The source of each face of the package, by its public name. */
export const faces: ReadonlyMap<string, string> = new Map(
  Object.entries(compilerOptions.paths).map(([name, [path]]) => [name, path]),
);

/** The source of the command line. */
export const commandLine = "src/cli/main.ts";

/** Packages that programs import beside `aionis`, and that have to be the same for both. */
export const packages: readonly string[] = ["zod", "xstate"];

/** What a program loads in place of a source: the same, compiled, where `compile-sources.ts` did that. */
export function toCompiled(source: string): string {
  const folder = process.env.AIONIS_TEST_COMPILED;
  if (folder === undefined) return source;
  const compiled = join(folder, relative(root, source).replace(/\.ts$/, ".js"));
  return existsSync(compiled) ? compiled : source;
}
