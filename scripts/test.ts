// Runs every test, then says in one line how many passed and failed.
//
// The line comes after all of vitest's own output, which a reporter cannot promise, and is computed from vitest's JSON
// report. Arguments are handed to vitest: `npm test -- test/machines -t "late worker"`.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What is read of vitest's JSON report. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

const folder = mkdtempSync(join(tmpdir(), "aionis-test-"));
const reportFile = join(folder, "report.json");
const vitest = join(createRequire(import.meta.url).resolve("vitest/package.json"), "..", "vitest.mjs");
const run = spawnSync(
  process.execPath,
  [vitest, "run", "--reporter=default", "--reporter=json", `--outputFile.json=${reportFile}`, ...process.argv.slice(2)],
  { stdio: "inherit" },
);
const report = readReport();
rmSync(folder, { recursive: true, force: true });

const exitCode = run.status ?? 1;
const skipped = report.numPendingTests + report.numTodoTests;
// A file that cannot be loaded or an error outside any test fails the run but no test: that counts as one failure.
const failed = Math.max(report.numFailedTests, exitCode === 0 ? 0 : 1);
console.log(`${report.numPassedTests} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`);
process.exitCode = exitCode;

function readReport(): Report {
  try {
    return JSON.parse(readFileSync(reportFile, "utf8")) as Report; // vitest's own format
  } catch {
    // vitest ended before it could write one; its own output says why.
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 };
  }
}
