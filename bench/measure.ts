// Measuring
//
// What every case needs: a folder of its own, timings as percentiles, and the bare SQLite work that a figure is held against, in the same run
// and on the same disk.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { migrations } from "../actors/store/schema.ts";

/** One line of the table. `ratio` is p50 ÷ raw for a latency, perSecond ÷ raw for a rate. */
export interface Result {
  name: string;
  unit: "ms" | "per second" | "MB" | "KB" | "%";
  n: number;
  p50: number | null;
  p99: number | null;
  perSecond: number | null;
  /** The raw limit measured beside it, in the same unit. */
  raw: number | null;
  ratio: number | null;
  /** What the raw limit is, and the bound that we hold ourselves to. */
  note: string;
}

/** Runs `use` with a new folder, which is removed afterwards, also when this process exits before. */
export async function withFolder<Value>(use: (folder: string) => Promise<Value>): Promise<Value> {
  const folder = mkdtempSync(join(tmpdir(), "aionis-bench-"));
  const clear = (): void => rmSync(folder, { recursive: true, force: true });
  process.once("exit", clear);
  try {
    return await use(folder);
  } finally {
    process.off("exit", clear);
    clear();
  }
}

export async function timed(run: () => unknown): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** The middle of several measurements. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** A latency with the raw latency measured beside it. */
export function toLatency(name: string, values: readonly number[], raw: readonly number[], note: string): Result {
  const p50 = percentile(values, 0.5);
  const rawP50 = percentile(raw, 0.5);
  const perSecond = 1_000 / (values.reduce((sum, value) => sum + value, 0) / values.length);
  const ratio = raw.length === 0 ? null : p50 / rawP50;
  return {
    name,
    unit: "ms",
    n: values.length,
    p50,
    p99: percentile(values, 0.99),
    perSecond,
    raw: raw.length === 0 ? null : rawP50,
    ratio,
    note,
  };
}

/** A rate with the raw rate measured beside it. */
export function toRate(name: string, n: number, perSecond: number, raw: number, note: string): Result {
  return { name, unit: "per second", n, p50: null, p99: null, perSecond, raw, ratio: perSecond / raw, note };
}

/** A quantity that was measured once, with the raw one beside it. */
export function toAmount(
  quantity: Pick<Result, "name" | "unit" | "n" | "note"> & { value: number; raw: number },
): Result {
  const { value, raw, ...rest } = quantity;
  return { ...rest, p50: value, p99: null, perSecond: null, raw, ratio: value / raw };
}

/** The memory of a process and its peak since this was last asked; Linux alone tells that. */
export function readMemory(pid: number): { mb: number; peakMb: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const read = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
  const memory = { mb: read("VmRSS"), peakMb: read("VmHWM") };
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  return memory;
}

/** The bare work: a SQLite file with our tables and settings, and nothing of ours round it. */
export function openRaw(folder: string): {
  commitStep(outputBytes: number): void;
  commitSteps(outputsBytes: readonly number[]): void;
  insertRows(count: number): void;
  close(): void;
} {
  const database = new Database(join(folder, `raw-${Math.random()}.db`));
  database.pragma("locking_mode = EXCLUSIVE");
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.exec(`${migrations[0]}; CREATE TABLE plain (id INTEGER PRIMARY KEY, text TEXT)`);
  database.pragma("synchronous = FULL");
  const event = database.prepare(
    "INSERT INTO events VALUES (?, 1, 1, NULL, ?, 'step.succeeded', 1, ?, 'agent-1', ?, ?, NULL, ?, ?, ?)",
  );
  const body = database.prepare("INSERT INTO bodies VALUES (?, ?, ?, NULL)");
  const tail = database.prepare(
    "INSERT INTO tails VALUES (1, ?) ON CONFLICT (task) DO UPDATE SET seqs = excluded.seqs",
  );
  const plain = database.prepare("INSERT INTO plain (text) VALUES (?)");
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  const row = "x".repeat(1_400);
  const facts = JSON.stringify({ name: "step", ordinal: 100, stage: 1, durationMs: 3 });
  let seq = 1;

  function insertStep(outputBytes: number): void {
    seq += 1;
    event.run(
      seq,
      `evt_${String(seq).padStart(20, "0")}`,
      1.7e12,
      `cmd_${String(seq).padStart(20, "0")}`,
      Buffer.alloc(16),
      facts,
      Buffer.alloc(32),
      Buffer.alloc(32),
    );
    body.run(seq, Buffer.alloc(16), "x".repeat(outputBytes + 40));
    tail.run(JSON.stringify(Array.from({ length: 1 + (seq % 64) }, (_, index) => seq - index)));
  }

  return {
    /** One transaction that writes the rows and bytes of one recorded step. */
    commitStep(outputBytes) {
      begin.run();
      insertStep(outputBytes);
      commit.run();
    },
    /** One transaction for several steps. */
    commitSteps(outputsBytes) {
      begin.run();
      for (const outputBytes of outputsBytes) insertStep(outputBytes);
      commit.run();
    },
    /** One transaction of `count` plain rows of 1.4 KB. */
    insertRows(count) {
      begin.run();
      for (let index = 0; index < count; index += 1) plain.run(row);
      commit.run();
    },
    close: () => database.close(),
  };
}
