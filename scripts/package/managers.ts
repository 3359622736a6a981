// Package managers: each adds the package to an empty folder, as a user does, without overrides or approvals, and it runs there.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, run, type Tools } from "./commands.ts";
import { usesPackage } from "./programs.ts";

interface Manager {
  readonly tool: string;
  readonly program?: string;
  readonly args?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
}

const managers: readonly Manager[] = [
  { tool: "npm@10.9.9", args: ["--no-audit", "--no-fund"] },
  { tool: "npm@11.21.2", args: ["--no-audit", "--no-fund"] },
  { tool: "npm@12.2.2", args: ["--no-audit", "--no-fund"] },
  { tool: "pnpm@12.21.0", args: ["--no-frozen-lockfile"] },
  { tool: "yarn@1.22.22", args: ["--non-interactive"] },
  {
    tool: "@yarnpkg/cli-dist@4.18.1",
    program: "yarn",
    files: {
      ".yarnrc.yml": "nodeLinker: node-modules\nenableTelemetry: false\nenableImmutableInstalls: false\n",
      "yarn.lock": "", // else it takes a folder above for its project
    },
  },
  { tool: "bun@1.4.5" },
];

/** @throws Error when one does not end with 0, or the package does not run afterwards. */
export function checkManagers(tarball: string, folder: string, tools: Tools): void {
  for (const { tool, program, args = [], files = {} } of managers) {
    const path = tools.find(tool, program);
    if (path === undefined) continue;
    const place = makeFolder(join(folder, "managed"), { type: "module", dependencies: { aionis: `file:${tarball}` } });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(place, name), text);
    run(path, ["install", ...args], place);
    writeFileSync(join(place, "program.mjs"), usesPackage);
    run("node", ["program.mjs"], place);
    console.log(`installs with ${tool}`);
  }
}
