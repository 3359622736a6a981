// Compiled sources
//
// What the programs of tests load in place of the sources: the same, compiled once into a few modules before the first test, because the
// tests start hundreds of programs. Programs find it through `sources.ts`.

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import { entries, root } from "./entries.ts";

/** Compiles, and tells programs where. Returns what removes it. */
export default async function setup(): Promise<() => void> {
  const cache = join(root, "node_modules/.cache"); // where packages are found as from the sources
  mkdirSync(cache, { recursive: true });
  const outdir = mkdtempSync(join(cache, "aionis-"));
  await build({
    ...{ absWorkingDir: root, entryPoints: [...entries], outbase: root, outdir },
    ...{ bundle: true, splitting: true, format: "esm", platform: "node", packages: "external" },
    ...{ sourcemap: "inline", logLevel: "error", plugins: [keepPlaces] },
  });
  process.env.AIONIS_TEST_COMPILED = outdir;
  return () => rmSync(outdir, { recursive: true, force: true });
}

/** A module that asks where it stands is told where its source stands. */
const keepPlaces: Plugin = {
  name: "keep places",
  setup({ onLoad }) {
    onLoad({ filter: /\/(src|sdk|actors|machines|transport)\/.*\.ts$/ }, ({ path }) => {
      const place = JSON.stringify(pathToFileURL(path).href);
      return { contents: readFileSync(path, "utf8").replaceAll("import.meta.url", place), loader: "ts" };
    });
  },
};
