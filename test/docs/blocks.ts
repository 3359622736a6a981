// Blocks
//
// Finds the fenced code blocks of a page and runs them, so that nothing in the documentation can stop being true unnoticed.
//
//   ts     a program of its own, in an empty folder `project`; "aionis" and "aionis/…" are the sources. It must end by itself with 0.
//   sh     run by bash (-eu, pipefail) in such a folder, with `aionis` on the PATH. Commands of npm are not run: the script that
//          they name must exist.
//   json   must be JSON.
//   text   is not run. No other language is known.
//
// A comment `// → text` (`# → text` in sh) is a line that the block prints; all of them are expected in that order, between other lines.
// `…` in it stands for anything. A comment in the page's line before a block gives it context, several words being separated by spaces:
//
//   <!-- test: after=previous -->   goes on in the folder of the block before
//   <!-- test: needs-runtime -->    while it runs, another process serves the folder's `.aionis`
//   <!-- test: needs-nats -->       a nats-server with JetStream runs, in the place of 127.0.0.1:4222

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { patienceMs } from "../support/patience.ts";
import { fromSources } from "../support/programs.ts";

export interface Block {
  language: string;
  text: string;
  /** The line of the page on which it begins. */
  line: number;
  directives: readonly string[];
}

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

export const root = resolve(import.meta.dirname, "../..");

/** The blocks of a page, in order. */
export function readBlocks(page: string): Block[] {
  const lines = readFileSync(join(root, page), "utf8").split("\n");
  const blocks: Block[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const fence = /^\s*(`{3,})(\S*)\s*$/.exec(lines[index] ?? "");
    if (fence === null) continue;
    const [, ticks = "", language = ""] = fence;
    const begins = index;
    while (index + 1 < lines.length && lines[index + 1]?.trim() !== ticks) index += 1;
    blocks.push({
      language,
      text: lines.slice(begins + 1, index + 1).join("\n"),
      line: begins + 1,
      directives: readDirectives(lines[begins - 1] ?? ""),
    });
    index += 1; // the closing fence
  }
  return blocks;
}

const known = new Set(["after=previous", "needs-runtime", "needs-nats"]);

function readDirectives(line: string): string[] {
  const words = /^<!-- test: (.+) -->$/.exec(line)?.[1]?.split(" ") ?? [];
  for (const word of words) if (!known.has(word)) throw new Error(`no test directive is called ${word}`);
  return words;
}

/** Blocks that share a folder: each with those that come after it. */
export function toGroups(blocks: readonly Block[]): Block[][] {
  const groups: Block[][] = [];
  for (const block of blocks) {
    const last = groups.at(-1);
    if (last !== undefined && block.directives.includes("after=previous")) last.push(block);
    else groups.push([block]);
  }
  return groups;
}

/** An empty folder `project` in which packages resolve as they do in the repository. */
export class Workplace implements Disposable {
  readonly folder: string;
  readonly #outer = mkdtempSync(join(tmpdir(), "aionis-docs-"));
  #programs = 0;

  constructor() {
    this.folder = join(this.#outer, "project");
    mkdirSync(this.folder);
    mkdirSync(join(this.#outer, "bin"));
    symlinkSync(join(root, "node_modules"), join(this.#outer, "node_modules"));
    const shim = join(this.#outer, "bin", "aionis");
    writeFileSync(
      shim,
      `#!/bin/sh\nexec "${process.execPath}" ${fromSources.join(" ")} "${join(root, "bin/aionis.mjs")}" "$@"\n`,
    );
    chmodSync(shim, 0o755);
  }

  async run(block: Block): Promise<Ran> {
    await using _ = block.directives.includes("needs-runtime") ? await this.#serve() : undefined;
    switch (block.language) {
      case "ts":
        return await this.#runProgram(block.text).ended;
      case "sh":
        // --norc: a bash whose input is a socket takes itself for a remote login and reads the machine's settings
        return await this.#start("bash", ["--norc", "-eu", "-o", "pipefail", "-c", withoutNpm(block.text)]).ended;
      default:
        throw new Error(`a ${block.language} block is not run`);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#outer, { recursive: true, force: true });
  }

  #runProgram(text: string) {
    this.#programs += 1;
    const file = join(this.#outer, `program-${this.#programs}.mts`); // outside the folder, which is the reader's
    writeFileSync(file, text);
    return this.#start(process.execPath, [...fromSources, file]);
  }

  async #serve(): Promise<AsyncDisposable> {
    const holder = this.#runProgram(`
      import { createRuntime } from "aionis";
      const runtime = await createRuntime();
      console.log("ready");
      for await (const _ of process.stdin);
      await runtime.close();
    `);
    const [first] = (await Promise.race([once(holder.child.stdout, "data"), holder.ended])) as [unknown];
    if (!String(first).includes("ready")) throw new Error("no runtime could be served for the block");
    return {
      async [Symbol.asyncDispose]() {
        holder.child.stdin.end();
        await holder.ended;
      },
    };
  }

  #start(command: string, args: readonly string[]) {
    const child = spawn(command, args, {
      cwd: this.folder,
      env: {
        ...process.env,
        NO_COLOR: "1",
        PATH: [join(this.#outer, "bin"), process.env.PATH ?? ""].join(delimiter),
      },
      timeout: patienceMs,
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk;
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      stderr += chunk;
    });
    const ended = once(child, "close").then(([code]): Ran => ({ code: code as number | null, stdout, stderr }));
    return { child, ended };
  }
}

const npm = /^npm (?:(ci|install)|(?:run )?([\w:-]+))(?: .*)?$/;

/** The commands of a sh block that npm would run, by the script's name; `ci` and `install` need none. */
export function listNpmScripts(text: string): string[] {
  return toCommands(text).flatMap((command) => {
    const [, isInstall, script] = npm.exec(command) ?? [];
    return isInstall !== undefined || script === undefined ? [] : [script];
  });
}

function withoutNpm(text: string): string {
  const lines = text.split("\n");
  return lines.filter((line) => !toCommands(line).some((command) => npm.test(command))).join("\n");
}

function toCommands(text: string): string[] {
  return text.split(/\n|&&/).map((command) => command.trim());
}

/** What the block says that it prints, in order. */
export function listExpected({ text }: Block): string[] {
  return [...text.matchAll(/(?:\/\/|#) → (.*)$/gm)].map(([, line = ""]) => line.trim());
}

/** The first line that was expected and not printed after those before it; nothing when all were. */
export function findMissing(expected: readonly string[], stdout: string): string | undefined {
  const lines = stdout.split("\n").map((line) => line.trim());
  let from = 0;
  for (const text of expected) {
    const pattern = new RegExp(`^${text.split("…").map(toPattern).join(".*")}$`);
    const found = lines.findIndex((line, index) => index >= from && pattern.test(line));
    if (found < 0) return text;
    from = found + 1;
  }
  return undefined;
}

function toPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
