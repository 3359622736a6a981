import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createRuntime } from "../../src/embedded.ts";
import { tempFolder } from "../support/store.ts";

async function setup() {
  const path = tempFolder();
  const runtime = await createRuntime({ path, scope: "acme/billing" });
  onTestFinished(() => runtime.close());
  await runtime.tasks.start({ brief: "write me down" });
  return { path, runtime };
}

describe("events.read", () => {
  it("refuses to begin past the end, where a reader would miss what comes before", async () => {
    const { runtime } = await setup();

    expect(await runtime.events.read({ from: 2 })).toEqual({ events: [], next: 2, head: 1 });
    const beyond = runtime.events.read({ from: 3 });
    await expect(beyond).rejects.toMatchObject({ code: "CURSOR_INVALID", facts: { head: 1 } });
  });
});

describe("store.verify", () => {
  it("names a journal that does not reach its high-water mark", async () => {
    const { path, runtime } = await setup();
    expect(await runtime.store.verify()).toMatchObject({ ok: true, events: 1, problems: [] });
    const { storeId } = await runtime.runtime.status();
    const heads = { "acme/billing": { seq: 9, chain: "00" } };

    writeFileSync(join(path, "aionis.mark"), JSON.stringify({ storeId, heads }));

    const { ok, problems } = await runtime.store.verify();
    expect(ok).toBe(false);
    expect(problems.map(({ what }) => what)).toEqual([expect.stringContaining("high-water mark is 9")]);
  });
});

describe("a store whose log is gone", () => {
  it("is read and not written from its very first command on: a new and empty one in its place is noticed (I7)", async () => {
    const { path } = await setup();
    const copy = tempFolder(); // as the folder is left when the process is killed now and the log is removed
    for (const name of ["aionis.db", "aionis.mark"]) copyFileSync(join(path, name), join(copy, name));

    await using opened = await createRuntime({ path: copy, scope: "acme/billing" });

    const { state, reason } = await opened.runtime.status();
    expect([state, reason]).toEqual(["readOnly", expect.stringContaining("high-water mark")]);
    await expect(opened.tasks.start({ brief: "no" })).rejects.toMatchObject({ code: "JOURNAL_TRUNCATED" });
  });
});
