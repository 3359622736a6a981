// The package as a stranger gets it: packed, and put into empty folders outside the repository, where nothing but its own files and
// dependencies can be found. It takes some minutes, and the npm registry. A tool that cannot be had there is skipped by name.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { makeFolder, run, Tools } from "./package/commands.ts";
import { checkCompilers, nodeTypes } from "./package/compilers.ts";
import { checkBundlers, checkJest, checkRequire } from "./package/loaders.ts";
import { checkManagers } from "./package/managers.ts";
import { checkOldNode } from "./package/old-node.ts";

const root = resolve(import.meta.dirname, "..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
}; // our own file
const specifiers = Object.keys(manifest.exports)
  .filter((path) => !path.endsWith(".json"))
  .map((path) => manifest.name + path.slice(1));

const folder = mkdtempSync(join(tmpdir(), "aionis-package-"));
try {
  verifyPackage();
  console.log("the package is verified");
} catch (error) {
  console.error(`the package is not verified: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function verifyPackage(): void {
  run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], root);
  const tarball = join(folder, `${manifest.name}-${manifest.version}.tgz`);
  const tools = new Tools(join(folder, "tools"));
  const consumer = makeFolder(join(folder, "consumer"), { type: "module" });
  run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", tarball, nodeTypes], consumer);

  checkEntries(consumer);
  checkCommand(consumer);
  checkRequire(consumer);
  checkCompilers(consumer, specifiers, tools);
  checkBundlers(consumer, folder, tools);
  checkJest(consumer, tools);
  checkOldNode(consumer);
  checkManagers(tarball, folder, tools);
}

function checkEntries(consumer: string): void {
  const imports = specifiers.map((specifier, index) => `import * as face${index} from "${specifier}";`).join("\n");
  const empty = specifiers.map((specifier, index) => `Object.keys(face${index}).length === 0 && "${specifier}"`);
  writeFileSync(
    join(consumer, "entries.mjs"),
    `${imports}\nconsole.log([${empty.join(", ")}].filter(Boolean).join());\n`,
  );
  const printed = run("node", ["entries.mjs"], consumer).trim();
  if (printed !== "") throw new Error(`nothing is exported by ${printed}`);
}

function checkCommand(consumer: string): void {
  const version = run("npx", ["--no-install", manifest.name, "--version"], consumer).trim();
  if (version !== manifest.version) throw new Error(`--version printed ${version}, not ${manifest.version}`);
}
