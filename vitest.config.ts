import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/support/longest-first.ts";
import { patienceMs } from "./test/support/patience.ts";

const fromRoot = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// The kinds of tests. A limit only tells a test that hangs from one that is slow: a machine with seven times its load passes, too.

/** Functions on values: no process, no store, nothing that is left behind, so that files may share a process. */
const logic = ["contracts", "guidance", "learning", "machines", "playbook", "recall"].map(toPattern);
/** They start programs, and wait for these. */
const programs = ["cli", "docs", "examples", "integration", "package", "replay", "support"].map(toPattern);

function toPattern(folder: string): string {
  return `test/${folder}/**/*.test.ts`;
}

function kind(name: string, options: { include: string[]; exclude?: string[]; isolate?: boolean }, limitMs: number) {
  const limits = { testTimeout: limitMs, hookTimeout: limitMs, expect: { poll: { timeout: patienceMs } } };
  return { extends: true as const, test: { name, setupFiles: ["test/setup.ts"], ...options, ...limits } };
}

export default defineConfig({
  resolve: {
    // Examples and documentation import the package by its public names; in the repository these are the sources.
    alias: [
      { find: /^aionis$/, replacement: fromRoot("./src/index.ts") },
      { find: /^aionis\/sdk$/, replacement: fromRoot("./sdk/index.ts") },
      { find: /^aionis\/transport$/, replacement: fromRoot("./transport/index.ts") },
      { find: /^aionis\/transport\/nats$/, replacement: fromRoot("./transport/nats/index.ts") },
      { find: /^aionis\/machines$/, replacement: fromRoot("./src/machines.ts") },
      { find: /^aionis\/testing$/, replacement: fromRoot("./src/testing.ts") },
    ],
  },
  test: {
    // One more than there are cores: many files wait for processes or for the end of a wait, and leave their core to others.
    maxWorkers: availableParallelism() + 1,
    globalSetup: "test/support/compile-sources.ts",
    sequence: { sequencer: LongestFirst },
    projects: [
      kind("logic", { include: logic, isolate: false }, 60_000),
      kind("system", { include: ["test/**/*.test.ts"], exclude: [...logic, ...programs] }, 120_000),
      kind("programs", { include: programs }, 240_000),
    ],
  },
});
