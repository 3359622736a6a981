import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix, resolve } from "node:path";
import { parseSync, Visitor } from "oxc-parser";
import { describe, expect, it, onTestFinished } from "vitest";

const root = resolve(import.meta.dirname, "../..");

describe("the public declarations", () => {
  it("name no types but ours, Node.js's and zod's, from any entry", () => {
    const folder = emitDeclarations();

    const named = listEntries().flatMap((entry) => [...walk(folder, entry)]);

    expect(named.length).toBeGreaterThan(100);
    expect(named.filter((name) => !name.startsWith(".") && !/^(node:.*|zod)$/.test(name))).toEqual([]);
  });
});

/** The declarations of the build, in a folder of their own. */
function emitDeclarations(): string {
  const folder = mkdtempSync(join(tmpdir(), "aionis-declarations-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const args = ["-p", join(root, "tsconfig.build.json"), "--emitDeclarationOnly", "--noCheck", "--outDir", folder];
  const { status, stdout } = spawnSync(process.execPath, [tsc, ...args], { cwd: root, encoding: "utf8" });
  expect(stdout).toBe("");
  expect(status).toBe(0);
  return folder;
}

function listEntries(): string[] {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { exports: object }; // our own file
  return Object.values(exports).flatMap((entry: unknown) => {
    const types = typeof entry === "object" && entry !== null && "types" in entry ? entry.types : undefined;
    return typeof types === "string" ? [types.replace("./dist/", "")] : [];
  });
}

/** Every module that is named from `entry` on: files as `./…`, packages by their names. */
function walk(folder: string, entry: string): Set<string> {
  const named = new Set([`./${entry}`]);
  for (const name of named) {
    if (!name.startsWith(".")) continue;
    for (const specifier of listImports(join(folder, name))) named.add(toName(name, specifier));
  }
  return named;
}

function toName(from: string, specifier: string): string {
  if (!specifier.startsWith(".")) return specifier;
  return `./${posix.join(posix.dirname(from), specifier).replace(/\.[jt]s$/, ".d.ts")}`;
}

function listImports(file: string): string[] {
  const found: string[] = [];
  const add = (source: { readonly value: unknown } | null): void => {
    if (typeof source?.value === "string") found.push(source.value);
  };
  new Visitor({
    ImportDeclaration: (node) => add(node.source),
    ExportNamedDeclaration: (node) => add(node.source),
    ExportAllDeclaration: (node) => add(node.source),
    TSImportType: (node) => add(node.source),
  }).visit(parseSync(file, readFileSync(file, "utf8")).program);
  return found;
}
