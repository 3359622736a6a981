// Vendored packages
//
// Some packages go into the build instead of into a user's tree: msgpackr has an optional dependency with an install script, over which
// pnpm ends with exit code 1, and ws and the client of NATS are CommonJS, which a bundle of ES modules cannot load Node.js's modules for.
// Owns: which packages, their copies in `dist/vendor`, which `join.ts` takes in afterwards, and the licences that stay there. Does not own: which
// module imports them.
//
// Invariants:
//   V1. No file of the build names a vendored package: each import leads to the copy.
//   V2. A copy is one ES module that imports `node:` modules only, so that every bundler can take it in.
//   V3. Only what is imported is there. Packages that share a part are one copy, because errors are told by their class.

import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, posix, relative, sep } from "node:path";
import { build, type Plugin } from "esbuild";
import { parseSync } from "oxc-parser";

const copies: Readonly<Record<string, readonly string[]>> = {
  "msgpack.js": ["msgpackr/pack"],
  "websocket.js": ["ws"],
  "nats.js": ["@nats-io/transport-node", "@nats-io/jetstream"],
};

/** Packages that those try to load and do without: faster parts of ws, written in C. */
const absent = new Set(["bufferutil", "utf-8-validate"]);

/** Puts copies into `dist/vendor` and leads the imports of every file of `dist` there. `root` is where the packages are installed. */
export async function vendor(dist: string, root: string): Promise<void> {
  const imported = redirectImports(dist);
  const folder = join(dist, "vendor");
  mkdirSync(folder);
  const packages = new Set<string>();
  for (const [file, sources] of Object.entries(copies)) {
    for (const name of await writeCopy(join(folder, file), root, toEntry(sources, imported))) packages.add(name);
  }
  writeFileSync(
    join(folder, "LICENSES.txt"),
    [...packages]
      .sort()
      .map((name) => toNotice(name, root))
      .join("\n"),
  );
}

/** V1. Which names are imported of each vendored package. */
function redirectImports(dist: string): ReadonlyMap<string, ReadonlySet<string>> {
  const imported = new Map<string, Set<string>>();
  for (const path of globSync("**/*.js", { cwd: dist })) {
    const text = readFileSync(join(dist, path), "utf8");
    const found = parseSync(path, text).module.staticImports.flatMap(({ moduleRequest, entries }) => {
      const copy = Object.keys(copies).find((file) => copies[file]?.includes(moduleRequest.value));
      return copy === undefined ? [] : [{ moduleRequest, entries, copy }];
    });
    let redirected = text;
    for (const { moduleRequest, entries, copy } of found.reverse()) {
      const names = imported.get(moduleRequest.value) ?? new Set();
      imported.set(moduleRequest.value, names);
      for (const { importName } of entries) names.add(importName.name ?? fail(`${path} imports no names: list them`));
      const target = posix.relative(posix.dirname(path.split(sep).join("/")), `vendor/${copy}`);
      const { start, end } = moduleRequest;
      redirected = `${redirected.slice(0, start)}"${target.startsWith(".") ? target : `./${target}`}"${redirected.slice(end)}`;
    }
    if (redirected !== text) writeFileSync(join(dist, path), redirected);
  }
  return imported;
}

function toEntry(sources: readonly string[], imported: ReadonlyMap<string, ReadonlySet<string>>): string {
  return sources
    .map(
      (source) =>
        `export { ${[...(imported.get(source) ?? fail(`nothing imports ${source}`))].join(", ")} } from "${source}";`,
    )
    .join("\n");
}

/** V2. The names of the packages that went in. */
async function writeCopy(file: string, root: string, entry: string): Promise<readonly string[]> {
  const builtins = new Set<string>();
  const { outputFiles, metafile } = await build({
    stdin: { contents: entry, resolveDir: root },
    absWorkingDir: root,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node22",
    write: false,
    metafile: true,
    legalComments: "none", // see LICENSES.txt
    logLevel: "error",
    plugins: [takeBuiltins(builtins)],
  });
  const imports = [...builtins].sort().map((name) => `import ${toVariable(name)} from "node:${name}";\n`);
  const [{ text } = fail(`${file} came to nothing`)] = outputFiles;
  if (/\b__require\("/.test(text)) fail(`${file} still loads a module as CommonJS does`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${imports.join("")}${text}`);
  return Object.keys(metafile.inputs).flatMap((input) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []);
}

/** Turns `require("events")` into a variable that an import at the file's top sets. */
function takeBuiltins(builtins: Set<string>): Plugin {
  return {
    name: "builtins",
    setup({ onLoad, onResolve }) {
      onResolve({ filter: /./ }, ({ path, kind }) => {
        if (kind !== "require-call") return undefined;
        if (absent.has(path)) return { path, namespace: "absent" };
        return isBuiltin(path) ? { path: path.replace(/^node:/, ""), namespace: "builtin" } : undefined;
      });
      onLoad({ filter: /./, namespace: "absent" }, ({ path }) => ({
        contents: `throw new Error("${path} is left out");`,
      }));
      onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => {
        builtins.add(path);
        return { contents: `module.exports = ${toVariable(path)};` };
      });
    },
  };
}

function toVariable(builtin: string): string {
  return `node_${builtin.replaceAll(/\W/g, "_")}`;
}

function toNotice(name: string, root: string): string {
  const folder = join(root, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, string>; // npm's format
  const [file = fail(`${relative(root, folder)} has no licence`)] = globSync("{LICENSE,LICENCE,license}*", {
    cwd: folder,
  });
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
}

function fail(reason: string): never {
  throw new Error(reason);
}
