import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");

describe("npm run bench", () => {
  it.each([
    { word: "--help", code: 0, says: /^npm run bench -- .*\nNames: recall/ },
    { word: "--jsn", code: 2, says: /There is no option --jsn\./ },
  ])("measures nothing when it is given $word", ({ word, code, says }) => {
    const { status, stdout, stderr } = spawnSync("npx", ["tsx", "bench/index.ts", word], {
      cwd: root,
      encoding: "utf8",
    });

    expect(status).toBe(code);
    expect(stdout + stderr).toMatch(says);
  });
});
