import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const limitMs = 300_000;

/** Runs a command to its end and gives what it printed. @throws Error with what it printed, when it fails or takes 5 minutes. */
export function run(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): string {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: "utf8",
    timeout: limitMs,
  });
  if (status === 0) return stdout;
  const printed = `${stdout}\n${stderr}`.trim().split("\n").slice(-30).join("\n");
  throw new Error(`${command} ${args.join(" ")} ended with ${status ?? error?.message} and printed:\n${printed}`);
}

/** An empty folder, of whatever was there before. */
export function makeFolder(path: string, manifest: object): string {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "package.json"), JSON.stringify({ private: true, ...manifest }));
  return path;
}

/** Tools of the npm registry, installed apart from anything that uses them. */
export class Tools {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The path of a tool's program, such as `npm@10.9.9`; nothing when it cannot be had, which is said. */
  find(tool: string, program = tool.replace(/@[^@]*$/, "")): string | undefined {
    const folder = join(this.#folder, tool.replaceAll(/\W/g, "-"));
    const path = join(folder, "node_modules/.bin", program);
    if (existsSync(path)) return path;
    makeFolder(folder, {});
    try {
      run("npm", ["install", "--no-audit", "--no-fund", "--silent", tool], folder);
      return path;
    } catch (error) {
      console.log(`skipped ${tool}: it cannot be installed here (${toLine(error)})`);
      return undefined;
    }
  }
}

function toLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}
