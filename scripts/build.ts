// Builds the package into `dist`: compiled sources joined into a few modules, with what they would read from files of the checkout, so that a
// bundle of one file has it too.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { joinModules } from "./join.ts";
import { vendor } from "./vendor.ts";

const root = resolve(import.meta.dirname, "..");
const dist = join(root, "dist");

rmSync(dist, { recursive: true, force: true });
const { status } = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
if (status === 0) {
  writeModule("src/kernel/version.js", "readVersion", readVersion());
  writeModule("src/inspect/page-texts.js", "readPageTexts", readPageTexts());
  cpSync(join(root, "src/require.cjs"), join(dist, "src/require.cjs"));
  await vendor(dist, root);
  await joinModules(dist, listEntries());
}
process.exitCode = status ?? 1;

/** In place of a module that reads `value` from files. */
function writeModule(path: string, name: string, value: unknown): void {
  const file = join(dist, path);
  if (!readFileSync(file, "utf8").includes(`export function ${name}(`)) throw new Error(`${path} has no ${name}`);
  writeFileSync(file, `const value = ${JSON.stringify(value)};\nexport function ${name}() {\n  return value;\n}\n`);
  if (existsSync(`${file}.map`)) rmSync(`${file}.map`);
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }; // our own file
  return version;
}

/** The faces of the package, and its command. */
function listEntries(): string[] {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { exports: object }; // our own file
  const faces = Object.values(exports).flatMap((face: string | { import: string }) =>
    typeof face === "string" ? [] : [face.import.replace("./dist/", "")],
  );
  return [...faces, "src/cli/main.js"];
}

function readPageTexts(): Readonly<Record<string, string>> {
  const folder = join(root, "src/inspect/page");
  const files = globSync("*.{html,css,js,svg}", { cwd: folder }).sort();
  return Object.fromEntries(files.map((file) => [file, readFileSync(join(folder, file), "utf8")]));
}
