// Files of a store that were changed behind its back: a bit turned, a page emptied, two exchanged, an end cut off. AIONIS_TEST_FLIPS says how
// many changes; 100 if absent, or as many as 20 s take.

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { isFailure } from "../../src/contracts/failures.ts";
import type { TaskId } from "../../src/contracts/ids.ts";
import { tempFolder, tempFolderOfFile } from "../support/store.ts";
import { type Answers, askWhole, copyWhole, makeWhole, openWhole } from "../support/whole-store.ts";

const changes = Number(process.env.AIONIS_TEST_FLIPS ?? 100);
const isCampaign = process.env.AIONIS_TEST_FLIPS !== undefined;
const pageBytes = 4_096;

interface Change {
  file: "aionis.db" | "aionis.db-wal" | "aionis.mark" | "aionis.db.holder" | "aionis.db.lock";
  how: "flip" | "truncate" | "zero" | "swap";
  /** Where, as a share of the file. */
  at: number;
  other: number;
  bit: number;
}

const share = fc.noBias(fc.nat(2 ** 30 - 1)).map((number) => number / 2 ** 30);
const change: fc.Arbitrary<Change> = fc.record({
  file: fc.oneof(
    { weight: 12, arbitrary: fc.constant("aionis.db" as const) },
    { weight: 4, arbitrary: fc.constant("aionis.db-wal" as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom("aionis.mark" as const, "aionis.db.holder" as const, "aionis.db.lock" as const),
    },
  ),
  how: fc.oneof(
    { weight: 5, arbitrary: fc.constant("flip" as const) },
    { weight: 3, arbitrary: fc.constantFrom("truncate" as const, "zero" as const, "swap" as const) },
  ),
  ...{ at: share, other: share, bit: fc.nat(7) },
});

/** Changes the bytes of a file. Nothing is changed of one that is not there. */
function damage(folder: string, { file, how, at, other, bit }: Change): void {
  const path = join(folder, file);
  if (!existsSync(path)) return;
  const bytes = readFileSync(path);
  const place = Math.floor(at * bytes.length);
  const page = (share: number): Buffer => {
    const start = Math.floor(share * Math.ceil(bytes.length / pageBytes)) * pageBytes;
    return bytes.subarray(start, start + pageBytes);
  };
  if (bytes.length === 0) return writeFileSync(path, "no store");
  if (how === "truncate") return writeFileSync(path, bytes.subarray(0, place));
  if (how === "flip") bytes[place] = (bytes[place] ?? 0) ^ (1 << bit);
  if (how === "zero") page(at).fill(0);
  if (how === "swap") {
    const [left, right] = [page(at), page(other)];
    const kept = Buffer.from(left);
    right.copy(left);
    kept.copy(right);
  }
  writeFileSync(path, bytes);
}

/** What nobody should be told. */
const raw = /SQLITE|SqliteError|\bbug\b|\n\s+at |undefined|\[object|NaN/;

/** One sentence, or a few, of a failure with a code. */
function expectTold(error: unknown, what: string): void {
  expect(isFailure(error), `${what}: ${error instanceof Error ? error.stack : String(error)}`).toBe(true);
  if (!isFailure(error)) return;
  expect(
    ["RUNTIME_FAULT", "REMOTE_FAULT", "INPUT_INVALID", "TRANSPORT_TIMEOUT"],
    `${what}: ${error.detail}`,
  ).not.toContain(error.code);
  expect(error.detail, what).not.toMatch(raw);
}

const folders: { closed: string; killed: string } = { closed: "", killed: "" };
const before: { closed: Answers; killed: Answers } = { closed: {}, killed: {} };
let known: TaskId[] = [];

beforeAll(async () => {
  const root = tempFolderOfFile();
  folders.closed = join(root, "closed");
  folders.killed = join(root, "killed");
  await makeWhole(folders.closed, folders.killed);
  for (const name of ["closed", "killed"] as const) {
    const runtime = await openWhole(copyWhole(folders[name], join(root, `${name}-asked`)));
    known = (await runtime.tasks.list({ pageSize: 100 })).tasks.map(({ id }) => id);
    before[name] = await askWhole(runtime, known);
    expect(await runtime.store.verify()).toMatchObject({ ok: true, problems: [] });
    await runtime.close();
  }
}, 60_000);

describe("a byte or a page of a store's files that was changed", () => {
  for (const name of ["closed", "killed"] as const) {
    it(
      `is told, or changes no answer, of a store that was ${name}`,
      async () => {
        let count = 0;
        const root = tempFolder();
        const seen: Record<string, number> = {};
        const see = (what: string): void => {
          seen[what] = (seen[what] ?? 0) + 1;
        };

        await fc.assert(
          fc.asyncProperty(change, async (changed) => {
            count += 1;
            const folder = copyWhole(folders[name], join(root, String(count)));
            damage(folder, changed);
            await check(folder, { changed, expected: before[name], see });
            rmSync(folder, { recursive: true, force: true });
          }),
          { numRuns: changes, ...(isCampaign ? { interruptAfterTimeLimit: 24 * 3_600_000 } : {}) },
        );
        if (isCampaign) console.log(name, seen);
      },
      isCampaign ? 24 * 3_600_000 : 120_000,
    );
  }
});

/**
 * The one loss that nothing tells: the end of a log that lies behind the mark, as when the process was killed while it wrote. What is there
 * then is how the store stood at an earlier moment.
 */
function isCutOff(
  { file }: Change,
  status: { state: string; head: number },
  { "runtime.status": was }: Answers,
): boolean {
  if (file !== "aionis.db-wal" || status.state !== "ready" || was?.is !== "answered") return false;
  return status.head < (JSON.parse(was.text) as { head: number }).head;
}

function hasFailed(answers: Answers): boolean {
  return Object.values(answers).some(({ is }) => is === "failed");
}

interface Check {
  changed: Change;
  expected: Answers;
  see(what: string): void;
}

async function check(folder: string, { changed, expected, see }: Check): Promise<void> {
  const runtime = await openWhole(folder).catch((error: unknown) => {
    expectTold(error, "opening");
    see("refused at the opening");
    return undefined;
  });
  if (runtime === undefined) return;
  try {
    const status = await runtime.runtime.status();
    const answers = await askWhole(runtime, known);
    const differing = Object.entries(answers).filter(([name, answer]) => {
      const was = expected[name];
      if (answer.is === "failed") expectTold(answer.error, name);
      return answer.is === "answered" && (was?.is !== "answered" || was.text !== answer.text);
    });
    const verified = await runtime.store.verify().catch((error: unknown) => {
      expectTold(error, "store.verify");
      return { ok: false, problems: [] };
    });
    for (const { what } of verified.problems) expect(what).not.toMatch(raw);
    for (const line of runtime.logs) expect(line).not.toMatch(/bug|TypeError|SQLITE/);
    const isTold = !verified.ok || isCutOff(changed, status, expected);
    const said = differing.map(
      ([name, answer]) => `${name}: ${answer.is === "answered" ? answer.text.slice(0, 500) : ""}`,
    );
    expect(differing.length === 0 || isTold, said.join("\n")).toBe(true);
    const came = differing.length > 0 ? "answers differ" : hasFailed(answers) ? "reads fail" : "answers as before";
    see(`${came}, verify ${verified.ok ? "ok" : "tells"}, ${status.state}`);
  } finally {
    await runtime.close();
  }
}
