// Import directions
//
// Checks the table of import directions (see ARCHITECTURE.md) over every TypeScript file of the repository, and the page's scripts.
// Owns: the table, in code. Does not own: what a file does with a name once it may import it.
//
// Why not dependency-cruiser: it reads TypeScript through the compiler's JavaScript API, which TypeScript 7 does not
// have, and its other parser (swc) stops at a `using` statement and does not see `import("…")` in types.
//
// Invariants:
//   D1. Every file has exactly one rule, the first that matches; a file without a rule is an error, so that a new folder
//       cannot slip past the table.
//   D2. Types count: `import type`, `export type … from` and `import("…")` in a type are imports like any other.
//   D3. There are no cycles between files, type imports included.
//   D4. Nothing that the client part of the SDK loads at run time, directly or not, is a `node:` module.

import { existsSync, globSync, readFileSync } from "node:fs";
import { posix, sep } from "node:path";
import { parseSync, Visitor } from "oxc-parser";

interface Rule {
  /** Which files the rule is for. */
  readonly files: RegExp;
  /** Files of ours that they may import besides their own folder's; `null` is no limit. */
  readonly ours: RegExp | null;
  /** Packages and `node:` modules that they may import; `null` is no limit. */
  readonly packages: RegExp | null;
}

interface Import {
  readonly specifier: string;
  readonly line: number;
  /** Erased by the compiler: it does not load anything at run time. */
  readonly typeOnly: boolean;
}

const contracts = "src/contracts/";
const kernel = "src/kernel/";
const belowActors = /^(actors\/|machines\/|src\/(contracts|kernel|memory|learning|recall)\/|transport\/transport\.ts$)/;
const below = `^(${contracts}|${kernel}|machines/|src/memory/|src/learning/|src/recall/|src/guidance/|src/playbook/|src/sandbox/|transport/|actors/)`;
const edge = `${contracts}|${kernel}|src/runtime/|sdk/|src/embedded\\.ts$`;

const rules: readonly Rule[] = [
  { files: /^src\/contracts\//, ours: /^src\/contracts\//, packages: /^zod$/ },
  { files: /^src\/kernel\//, ours: /^src\/(kernel|contracts)\//, packages: /^node:/ },
  { files: /^machines\//, ours: /^(machines|src\/contracts)\//, packages: /^xstate$/ },
  {
    files: /^transport\/nats\//,
    ours: /^(transport|src\/contracts|src\/kernel)\//,
    packages: /^(node:.*|zod|msgpackr(\/pack)?|@noble\/hashes\/.*|@nats-io\/.*)$/,
  },
  {
    files: /^transport\//,
    ours: /^(transport|src\/contracts|src\/kernel)\//,
    packages: /^(node:.*|zod|msgpackr(\/pack)?|@noble\/hashes\/.*)$/,
  },
  { files: /^src\/memory\//, ours: /^(src\/(memory|contracts|kernel)|machines)\//, packages: /^(node:.*|zod)$/ },
  { files: /^src\/learning\//, ours: /^(src\/(learning|recall|contracts|kernel)|machines)\//, packages: /^$/ },
  { files: /^src\/recall\//, ours: /^src\/(recall|contracts|kernel)\//, packages: /^$/ },
  { files: /^src\/playbook\//, ours: /^src\/(playbook|contracts|kernel)\//, packages: /^$/ },
  { files: /^src\/guidance\//, ours: /^src\/(guidance|recall|learning|contracts|kernel)\//, packages: /^$/ },
  { files: /^src\/sandbox\//, ours: /^src\/(sandbox|contracts|kernel)\//, packages: /^(node:.*|zod)$/ },
  { files: /^src\/import\//, ours: /^src\/(import|contracts|kernel)\//, packages: /^node:/ },
  { files: /^actors\/store\//, ours: belowActors, packages: /^(node:.*|zod|xstate|better-sqlite3)$/ },
  { files: /^actors\//, ours: belowActors, packages: /^(node:.*|zod|xstate)$/ },
  {
    files: /^sdk\//,
    // What is imported is read where the caller is: repositories are on its machine.
    ours: /^(sdk\/|src\/(contracts|kernel|import|playbook)\/|src\/inspect\/node\.ts$|transport\/|machines\/worker(\/|\.ts$))/,
    packages: /^(node:.*|zod|xstate)$/,
  },
  {
    files: /^src\/runtime\//,
    ours: new RegExp(`${below}|^src/runtime/|^src/inspect/node\\.ts$`),
    packages: /^(node:.*|zod|xstate)$/,
  },
  {
    // A node's part: each connection has it, and it knows no other connection.
    files: /^src\/inspect\/(node|viewers|shown|plain|wire|definition|redact|text)\.ts$/,
    ours: /^(src\/(contracts|kernel)\/|src\/inspect\/(viewers|shown|plain|wire|definition|redact|text)\.ts$|machines\/|transport\/)/,
    packages: /^(node:.*|zod|xstate)$/,
  },
  // The page runs in a browser. Its server is handed what it serves.
  { files: /^src\/inspect\/page\//, ours: /^src\/(inspect\/page\/|contracts\/inspection\.ts$)/, packages: /^$/ },
  {
    files: /^src\/inspect\/(server|page-texts)/,
    ours: /^src\/(inspect\/(server.*|page-texts\.ts)|contracts\/.*|kernel\/.*)$/,
    packages: /^(node:.*|ws)$/,
  },
  {
    // A viewer's part: it folds as the runtime does, and knows neither its store nor what serves it.
    files: /^src\/inspect\//,
    ours: /^(src\/(inspect|contracts|kernel)\/|machines\/|transport\/|sdk\/|actors\/task-actor\.ts$)/,
    packages: /^(node:.*|zod|xstate)$/,
  },
  { files: /^src\/console\//, ours: new RegExp(`^(src/console/|${contracts}|sdk/)`), packages: /^$/ },
  {
    files: /^src\/server\//,
    ours: new RegExp(`^(src/server/|src/console/|${edge})`),
    packages: /^(node:.*|zod)$/,
  },
  {
    // `aionis serve` and `aionis mcp` start the other two edges; they do not know the command line.
    files: /^src\/cli\//,
    ours: new RegExp(`^(src/cli/|src/server/|src/mcp/|src/inspect/(index|live|server)\\.ts$|${edge})`),
    packages: /^(node:.*|zod|commander|picocolors)$/,
  },
  { files: /^src\/mcp\//, ours: new RegExp(`^(src/mcp/|${edge})`), packages: /^(node:.*|zod)$/ },
  { files: /^src\/node-version\.ts$/, ours: /^$/, packages: /^$/ },
  {
    files: /^src\/(address|embedded|inspector|machines|network|index|testing)\.ts$/,
    ours: /^(src|machines|transport|actors|sdk)\//,
    packages: /^node:/,
  },
  // Examples see what a user sees: the package's names and their own files; one shows how to do without the package.
  { files: /^examples\/subscribe-plain\//, ours: /^$/, packages: /^(node:.*|@nats-io\/.*)$/ },
  { files: /^examples\//, ours: /^examples\//, packages: /^(node:.*|zod|xstate|aionis(\/.*)?)$/ },
  { files: /^(test|bench|scripts)\//, ours: null, packages: null },
];

const roots = ["src", "machines", "transport", "actors", "sdk", "examples", "bench", "test", "scripts"];
const clientPart = /^sdk\/client(\/|\.ts$|-)/;

const problems: string[] = [];
const importsByFile = readAll();
for (const [file, imports] of importsByFile) checkDirections(file, imports);
checkCycles();
checkClientPart();

for (const problem of problems) console.error(problem);
console.log(`import directions: ${importsByFile.size} files, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

function readAll(): Map<string, readonly Import[]> {
  const patterns = [...roots.map((root) => `${root}/**/*.{ts,mts,cts}`), "src/inspect/page/*.js"];
  const files = patterns.flatMap((pattern) => globSync(pattern)).map((file) => file.split(sep).join("/"));
  return new Map(files.sort().map((file) => [file, readImports(file)]));
}

function readImports(file: string): readonly Import[] {
  const text = readFileSync(file, "utf8");
  const { program, errors } = parseSync(file, text);
  for (const error of errors) problems.push(`${file}: ${error.message}`);

  const imports: Import[] = [];
  const add = (source: { readonly start: number } | null, typeOnly: boolean): void => {
    // Only a literal can be checked; a computed `import()` loads something of the user's.
    if (source === null || !("value" in source) || typeof source.value !== "string") return;
    imports.push({ specifier: source.value, line: text.slice(0, source.start).split("\n").length, typeOnly });
  };
  new Visitor({
    ImportDeclaration: (node) => add(node.source, node.importKind === "type"),
    ExportNamedDeclaration: (node) => add(node.source, node.exportKind === "type"),
    ExportAllDeclaration: (node) => {
      add(node.source, node.exportKind === "type");
      // biome refuses `export *` but does not see this form of it.
      if (node.exportKind === "type") problems.push(`${file}: export type *: list the names instead`);
    },
    ImportExpression: (node) => add(node.source, false),
    TSImportType: (node) => add(node.source, true),
    TSExternalModuleReference: (node) => add(node.expression, false),
  }).visit(program);
  return imports;
}

function checkDirections(file: string, imports: readonly Import[]): void {
  const rule = rules.find((candidate) => candidate.files.test(file));
  if (rule === undefined) {
    problems.push(`${file}: no import rule covers this file; add its folder to the table (D1)`);
    return;
  }
  for (const { specifier, line } of imports) {
    const target = toFile(file, specifier);
    const allowed = target === undefined ? rule.packages : rule.ours;
    if (allowed !== null && !allowed.test(target ?? specifier)) {
      problems.push(`${file}:${line}: may not import ${target ?? specifier}`);
    }
    if (target !== undefined && !existsSync(target)) problems.push(`${file}:${line}: no such file: ${target}`);
  }
}

/** The path from the repository's root of a relative import; `undefined` for a package or a `node:` module. */
function toFile(from: string, specifier: string): string | undefined {
  return specifier.startsWith(".") ? posix.join(posix.dirname(from), specifier) : undefined;
}

/** Depth first; a file met again while it is still open closes a cycle (D3). */
function checkCycles(): void {
  const done = new Set<string>();
  const open: string[] = [];
  const visit = (file: string): void => {
    if (done.has(file)) return;
    if (open.includes(file)) {
      problems.push(`cycle: ${[...open.slice(open.indexOf(file)), file].join(" → ")}`);
      return;
    }
    open.push(file);
    for (const { specifier } of importsByFile.get(file) ?? []) {
      const target = toFile(file, specifier);
      if (target !== undefined) visit(target);
    }
    open.pop();
    done.add(file);
  };
  for (const file of importsByFile.keys()) visit(file);
}

/** D4: walks what the client part loads, remembering the way there for the message. */
function checkClientPart(): void {
  const wayTo = new Map<string, readonly string[]>();
  const queue = [...importsByFile.keys()].filter((file) => clientPart.test(file));
  for (const file of queue) wayTo.set(file, [file]);
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const way = wayTo.get(file) ?? [];
    for (const { specifier, typeOnly } of importsByFile.get(file) ?? []) {
      if (typeOnly) continue;
      if (specifier.startsWith("node:")) problems.push(`client part: ${[...way, specifier].join(" → ")}`);
      const target = toFile(file, specifier);
      if (target === undefined || wayTo.has(target)) continue;
      wayTo.set(target, [...way, target]);
      queue.push(target);
    }
  }
}
