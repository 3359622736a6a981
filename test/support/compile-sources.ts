// Compiled sources
//
// What the programs of tests load in place of the sources: the same, compiled once into a few modules before the first test, because the
// tests start hundreds of programs. Packages are joined, too, since most of a start went into their modules: only the driver of SQLite stays
// outside, which is no JavaScript. A name that a program imports itself leads to the joined one, so that each package is there once.
// Programs find all of it through `sources.ts` and `startProgram`.

import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import { commandLine, faces, packages, root } from "./entries.ts";

/** Compiles, and tells programs where. Returns what removes it. */
export default async function setup(): Promise<() => void> {
  const cache = join(root, "node_modules/.cache"); // where packages are found as from the sources
  mkdirSync(cache, { recursive: true });
  const outdir = mkdtempSync(join(cache, "aionis-"));
  writeFileSync(join(outdir, "package.json"), '{ "type": "module" }\n'); // else Node.js parses each module once more to find that out
  const programs = globSync("test/**/*-program.ts", { cwd: root }).sort();
  const sources = [...faces.values(), commandLine, "test/support/sources.ts", ...programs];
  const entryPoints = [
    ...sources.map((path) => ({ in: join(root, path), out: path.replace(/\.ts$/, "") })),
    ...packages.map((name) => ({ in: name, out: name })),
  ];
  await build({
    ...{ absWorkingDir: root, entryPoints, outdir },
    ...{ bundle: true, splitting: true, format: "esm", platform: "node", external: ["better-sqlite3"] },
    ...{ banner: { js: requireFromModule }, logLevel: "error", plugins: [keepPlaces] },
  });
  process.env.AIONIS_TEST_COMPILED = outdir;
  process.env.NODE_COMPILE_CACHE ??= join(outdir, "v8"); // programs share what Node.js made of them, for as long as the tests run
  return () => rmSync(outdir, { recursive: true, force: true });
}

/** For joined packages that are CommonJS. */
const requireFromModule =
  'import { createRequire as $createRequire } from "node:module"; const require = $createRequire(import.meta.url);';

/** A module that asks where it stands is told where its source stands. */
const keepPlaces: Plugin = {
  name: "keep places",
  setup({ onLoad }) {
    onLoad({ filter: /\/(src|sdk|actors|machines|transport|test)\/[^:]*\.ts$/ }, ({ path }) => {
      if (path.includes("/node_modules/")) return undefined;
      const place = JSON.stringify(pathToFileURL(path).href);
      return { contents: readFileSync(path, "utf8").replaceAll("import.meta.url", place), loader: "ts" };
    });
  },
};
