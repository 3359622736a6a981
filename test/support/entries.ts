import { readFileSync } from "node:fs";
import { resolve } from "node:path";

/** The checkout. */
export const root = resolve(import.meta.dirname, "../..");

const config = readFileSync(resolve(root, "tsconfig.json"), "utf8").replaceAll(/^\s*\/\/.*$/gm, "");
const { compilerOptions } = JSON.parse(config) as { compilerOptions: { paths: Record<string, [string]> } }; // our own file

/** The source of each face of the package, by its public name. */
export const faces: ReadonlyMap<string, string> = new Map(
  Object.entries(compilerOptions.paths).map(([name, [path]]) => [name, path]),
);

/** The source of the command line. */
export const commandLine = "src/cli/main.ts";

/** The sources that programs of tests begin with. */
export const entries: readonly string[] = [...faces.values(), commandLine];
