// Joined modules
//
// The build's hundreds of modules as a few, so that a program that imports the package, and the command line, start sooner. What several
// entries share is one module: there is one of each class. Declarations stay as they are.

import { globSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { build } from "esbuild";

const joined = "joined";
const versionCheck = "src/node-version.js";

/** Joins what the entries of `dist` import of it into `dist/joined`, and has the entries lead there. No other module stays. */
export async function joinModules(dist: string, entries: readonly string[]): Promise<void> {
  const all = [versionCheck, ...entries];
  await build({
    entryPoints: all.map((entry) => join(dist, entry)),
    outbase: dist,
    outdir: join(dist, joined),
    chunkNames: "[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22",
    packages: "external",
    sourcemap: true,
    logLevel: "error",
  });
  for (const file of globSync("**/*.{js,js.map}", { cwd: dist, exclude: [`${joined}/**`] })) rmSync(join(dist, file));
  for (const entry of entries) writeFileSync(join(dist, entry), toEntry(entry));
}

/** No package is evaluated before the version of Node.js is known to do: the store's driver ends an older process without a word. */
function toEntry(entry: string): string {
  const [check, faces] = [versionCheck, entry].map((path) => posix.relative(dirname(entry), `${joined}/${path}`));
  return `import "${check}";\nexport * from "${faces}";\n`;
}
