import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { limits } from "../../../src/contracts/limits.ts";
import type { Store } from "../../../src/kernel/store.ts";
import { emptyRow } from "../../../src/recall/empty-rows.ts";
import { openTestStore, scopeName, tempFolder } from "../../support/store.ts";

const row = (episodes: number) => ({ ...emptyRow("totals"), episodes });
const receipt = (n: number, at = n) => ({ id: `rcp_${n}`, at, body: JSON.stringify({ n }) });

function inTransaction(store: Store, work: () => void): void {
  store.begin();
  work();
  store.commit();
}

describe("what a scope has learned", () => {
  it("is there after a commit and a restart, with how far was read", () => {
    const file = join(tempFolder(), "aionis.db");
    const first = openTestStore(file);
    const before = first.scope(scopeName);
    inTransaction(first, () => {
      before.learning.put("totals", 0, row(3));
      before.putLearnedTo({ seq: 7, part: 2, taught: 7 });
    });
    first.close();

    const scope = openTestStore(file).scope(scopeName);

    expect(scope.learning.get("totals", 0)).toEqual(row(3));
    expect(scope.learnedTo()).toEqual({ seq: 7, part: 2, taught: 7 });
  });

  it("goes back with a transaction that is undone", () => {
    const store = openTestStore();
    const scope = store.scope(scopeName);
    inTransaction(store, () => {
      scope.learning.put("totals", 0, row(1));
      scope.putLearnedTo({ seq: 1, part: 0, taught: 1 });
    });

    store.begin();
    scope.learning.put("totals", 0, row(2));
    scope.putLearnedTo({ seq: 2, part: 0, taught: 2 });
    store.rollback();

    expect(scope.learning.get("totals", 0)).toEqual(row(1));
    expect(scope.learnedTo()).toEqual({ seq: 1, part: 0, taught: 1 });
  });

  it("is no other scope's, and goes when the rows are to be made again (I11)", () => {
    const store = openTestStore();
    const [own, other] = [store.scope(scopeName), store.scope("acme/other")];
    inTransaction(store, () => {
      for (const scope of [own, other]) scope.learning.put("totals", 0, row(scope === own ? 1 : 2));
      for (const scope of [own, other]) scope.putLearnedTo({ seq: 5, part: 0, taught: 5 });
    });

    inTransaction(store, () => {
      while (own.clearLearned(1));
    });

    expect(own.learning.get("totals", 0)).toBeUndefined();
    expect(own.learnedTo()).toEqual({ seq: 0, part: 0, taught: 0 });
    expect(other.learning.get("totals", 0)).toEqual(row(2));
    expect(other.learnedTo()).toEqual({ seq: 5, part: 0, taught: 5 });
  });
});

describe("a receipt", () => {
  it("is known at once, written with the next commit, and outlives one that is undone", () => {
    const file = join(tempFolder(), "aionis.db");
    const store = openTestStore(file);
    const scope = store.scope(scopeName);

    scope.keepReceipt(receipt(1));
    expect(scope.receipt("rcp_1")).toEqual(receipt(1));
    store.begin();
    store.rollback();
    inTransaction(store, () => {});
    store.close();

    expect(openTestStore(file).scope(scopeName).receipt("rcp_1")).toEqual(receipt(1));
  });

  it("is written when the store closes without another commit", () => {
    const file = join(tempFolder(), "aionis.db");
    const store = openTestStore(file);
    store.scope(scopeName).keepReceipt(receipt(1));

    store.close();

    expect(openTestStore(file).scope(scopeName).receipt("rcp_1")).toEqual(receipt(1));
  });

  it("is of its scope alone (I11), and stays when the rows are made again", () => {
    const store = openTestStore();
    const scope = store.scope(scopeName);
    scope.keepReceipt(receipt(1));

    inTransaction(store, () => void scope.clearLearned(10));

    expect(scope.receipt("rcp_1")).toEqual(receipt(1));
    expect(store.scope("acme/other").receipt("rcp_1")).toBeUndefined();
  });

  it("is forgotten when it is too old, and when there are too many after it", () => {
    const store = openTestStore();
    const scope = store.scope(scopeName);
    const keep = (from: number, count: number, at: (n: number) => number): void => {
      for (let n = from; n < from + count; n += 1) {
        scope.keepReceipt(receipt(n, at(n)));
        if (n % 100 === 99) inTransaction(store, () => {});
      }
    };

    keep(0, 100, (n) => n);
    keep(100, 100, () => limits.receiptMs + 50);
    expect([49, 50].map((n) => scope.receipt(`rcp_${n}`) !== undefined)).toEqual([false, true]);
    keep(200, limits.receipts, () => limits.receiptMs + 50);

    expect([199, 200].map((n) => scope.receipt(`rcp_${n}`) !== undefined)).toEqual([false, true]);
  });

  it("is lost when too many wait for a commit that does not come: the oldest ones", () => {
    const scope = openTestStore().scope(scopeName);

    for (let n = 0; n < 501; n += 1) scope.keepReceipt(receipt(n));

    expect(scope.receipt("rcp_0")).toBeUndefined();
    expect(scope.receipt("rcp_1")).toEqual(receipt(1));
  });
});
