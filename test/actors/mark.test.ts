import { describe, expect, it } from "vitest";
import { checkMark, createHighWaterMark } from "../../actors/index.ts";
import type { MarkFile } from "../../src/kernel/mark-file.ts";
import { createBench, scopeName } from "../support/store.ts";

/** A mark beside a store with three events, kept in memory. */
async function setup() {
  const bench = createBench();
  const texts: string[] = [];
  let failure: Error | undefined;
  const file: MarkFile = {
    read: async () => texts.at(-1),
    async write(text) {
      const thrown = failure;
      failure = undefined;
      if (thrown !== undefined) throw thrown;
      texts.push(text);
    },
  };
  const logs: string[] = [];
  const logger = { log: (_level: string, message: string) => void logs.push(message) };
  const mark = createHighWaterMark({ store: bench.store, file, clock: bench.clock, logger });
  for (let count = 0; count < 3; count += 1) await bench.start();
  const fail = (error: Error) => {
    failure = error;
  };
  return { bench, texts, mark, logs, fail };
}

const read = (text: string | undefined) => JSON.parse(text ?? "null");

describe("the high-water mark", () => {
  it("follows the commits within a second, however many there are", async () => {
    const { bench, texts, mark } = await setup();

    for (let count = 0; count < 10; count += 1) mark.note();
    await bench.clock.advance(999);
    expect(texts).toEqual([]);
    await bench.clock.advance(1);

    expect(texts).toHaveLength(1);
    expect(read(texts[0])).toMatchObject({ storeId: bench.store.id, heads: { [scopeName]: { seq: 3 } } });
    await bench.clock.advance(60_000);
    expect(texts).toHaveLength(1);
  });

  it("is written at once for a store that has none, though nothing was recorded", async () => {
    const { texts, mark, bench } = await setup();

    await mark.begin();

    expect(read(texts[0])).toMatchObject({ storeId: bench.store.id });
  });

  it("is written again at the close when it was removed, though nothing was recorded since", async () => {
    const { bench, texts, mark } = await setup();
    mark.note();
    await bench.clock.advance(1_000);
    texts.splice(0);

    await mark.close();

    expect(read(texts[0])).toMatchObject({ heads: { [scopeName]: { seq: 3 } } });
  });

  it("is not written any more when the store has failed: the folder may be another's", async () => {
    const { bench, texts, mark } = await setup();
    mark.note();

    mark.drop();
    mark.note();
    await bench.clock.advance(2_000);
    await mark.close();

    expect(texts).toEqual([]);
  });

  it("is written at the close if it is behind, and not if it is not", async () => {
    const { texts, mark } = await setup();

    mark.note();
    await mark.close();
    await mark.close();

    expect(texts).toHaveLength(1);
  });

  it("says to the log that it could not be written, and is written with the next commit", async () => {
    const { bench, texts, mark, logs, fail } = await setup();

    fail(new Error("disk full"));
    mark.note();
    await bench.clock.advance(1_000);
    expect(logs).toEqual(["the high-water mark could not be written"]);
    mark.note();
    await bench.clock.advance(1_000);

    expect(texts).toHaveLength(1);
  });
});

describe("checkMark (I7)", () => {
  async function marked() {
    const { bench, texts, mark } = await setup();
    mark.note();
    await mark.close();
    return {
      bench,
      text: texts[0]!,
      change: (edit: (value: ReturnType<typeof read>) => void) => changed(texts[0]!, edit),
    };
  }

  function changed(text: string, edit: (value: ReturnType<typeof read>) => void): string {
    const value = read(text);
    edit(value);
    return JSON.stringify(value);
  }

  it("lets a store pass that reaches its mark, that went on after it, or that has none", async () => {
    const { bench, text } = await marked();

    expect(checkMark(bench.store, text)).toBeUndefined();
    expect(checkMark(bench.store, undefined)).toBeUndefined();
    await bench.start();
    expect(checkMark(bench.store, text)).toBeUndefined();
  });

  it("is JOURNAL_TRUNCATED when events are missing, or other ones stand in their place", async () => {
    const { bench, change } = await marked();
    const texts = [
      change((mark) => {
        mark.heads[scopeName].seq = 4;
      }),
      change((mark) => {
        mark.heads[scopeName].chain = "00".repeat(32);
      }),
      change((mark) => {
        mark.heads["acme/gone"] = { seq: 1, chain: "00" };
      }),
    ];

    for (const text of texts) expect(checkMark(bench.store, text)).toMatchObject({ code: "JOURNAL_TRUNCATED" });
    const empty = change((mark) => {
      mark.heads["acme/empty"] = { seq: 0, chain: "00" };
    });
    expect(checkMark(bench.store, empty)).toBeUndefined();
  });

  it("is JOURNAL_TRUNCATED when the mark is another store's or cannot be read", async () => {
    const { bench, change } = await marked();
    const other = change((mark) => {
      mark.storeId = `store_${"0".repeat(20)}`;
    });

    for (const text of [other, "", "{", "[]", "null", '{"storeId":1}', change((mark) => delete mark.heads)]) {
      expect(checkMark(bench.store, text), text).toMatchObject({ code: "JOURNAL_TRUNCATED" });
    }
  });

  it("says of a mark that is garbage what may be done, and not that events are missing", async () => {
    const { bench } = await marked();

    expect(checkMark(bench.store, "garbage")?.detail).toMatch(
      /^The mark file does not hold a high-water mark any more.*delete the mark file/s,
    );
  });

  it("looks at nothing in a store by asking: a scope that is only in the mark is not made", async () => {
    const { bench, change } = await marked();
    const before = bench.store.scopeNames();

    checkMark(
      bench.store,
      change((mark) => {
        mark.heads["acme/gone"] = { seq: 1, chain: "00" };
      }),
    );

    expect(bench.store.scopeNames()).toEqual(before);
  });
});
