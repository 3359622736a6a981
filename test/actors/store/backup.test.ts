import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openStore, verifyScope } from "../../../actors/index.ts";
import { createBench, createPorts, openTestStore, scopeName, tempFolder } from "../../support/store.ts";

async function setup() {
  const folder = tempFolder();
  const ports = createPorts();
  const store = openTestStore(join(folder, "aionis.db"), ports);
  const bench = createBench({ store, ports });
  for (let count = 0; count < 20; count += 1) await bench.start({ brief: "x".repeat(100_000) });
  return { folder, store, bench, open: (file: string) => openStore(file, { ...ports, durability: "process" }) };
}

describe("a backup", () => {
  it("is a store with the same id and the same journal, which verifies", async () => {
    const { folder, store, open } = await setup();
    const path = join(folder, "copy.db");

    const bytes = await store.backup(path);

    expect(bytes).toBe(statSync(path).size);
    const copy = open(path);
    expect(copy.id).toBe(store.id);
    expect(copy.heads()).toEqual(store.heads());
    expect(verifyScope(copy.scope(scopeName))).toMatchObject({ ok: true, events: 20, tasks: 20 });
    copy.close();
  });

  it("is taken while the store is written to, and is whole", async () => {
    const { folder, store, bench, open } = await setup();
    const path = join(folder, "copy.db");

    const backup = store.backup(path);
    for (let count = 0; count < 20; count += 1) await bench.start({ brief: "y".repeat(100_000) });
    await backup;

    const copy = open(path);
    const verified = verifyScope(copy.scope(scopeName));
    expect(verified.ok).toBe(true);
    expect(verified.events).toBeGreaterThanOrEqual(20);
    copy.close();
    expect(bench.problems()).toEqual([]);
  });

  it("fails with a code when its folder is missing or its file is something else", async () => {
    const { folder, store } = await setup();
    const text = join(folder, "notes.txt");
    writeFileSync(text, "my notes ".repeat(1_000));

    await expect(store.backup(join(folder, "no", "such.db"))).rejects.toMatchObject({ code: "STORE_FAILED" });
    await expect(store.backup(text)).rejects.toMatchObject({ code: "STORE_FOREIGN" });
    expect(statSync(text).size).toBe(9_000);
    expect(existsSync(join(folder, "no"))).toBe(false);
  });
});
