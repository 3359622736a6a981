import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** An empty folder that is gone after the test, by its real path. */
export function makeFolder(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "aionis-tools-")));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
