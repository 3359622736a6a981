import { describe, expect, it } from "vitest";
import { createMemoryRows, createRecall } from "../../src/recall/index.ts";

const tree = [
  ...["src/billing/invoice-total.ts", "src/billing/tax.ts", "src/server/http.ts", "docs/invoices.md", "package.json"],
  ...Array.from({ length: 200 }, (_, index) => `src/parts/part-${index}.ts`),
];

describe("recall with the tree of a checkout", () => {
  it("names the files whose paths fit the words before the first episode, without confidence", () => {
    const { files, confidence, sureFrom } = createRecall(createMemoryRows()).rank({
      ...{ goal: "fix: the total of an invoice is wrong", at: 0, tree },
    });

    expect(files.slice(0, 2).map(({ path }) => path)).toEqual(["src/billing/invoice-total.ts", "docs/invoices.md"]);
    expect(files.every(({ probability }) => Number.isFinite(probability))).toBe(true);
    expect(confidence).toBe(0);
    expect(sureFrom).toBeGreaterThan(1);
  });

  it("names nothing before the first episode when no path fits", () => {
    expect(createRecall(createMemoryRows()).rank({ goal: "zzz qqq", at: 0, tree }).files).toEqual([]);
  });

  it("compares files that nobody touched, and names none that is gone", () => {
    const recall = createRecall(createMemoryRows());
    for (let index = 0; index < 40; index += 1) {
      recall.learn({ goal: `serve http ${index}`, at: index, files: ["src/server/http.ts", "src/server/gone.ts"] });
    }

    const paths = recall.rank({ goal: "http and tax", at: 50, tree }).files.map(({ path }) => path);

    expect(paths).toContain("src/server/http.ts");
    expect(paths).toContain("src/billing/tax.ts");
    expect(paths).not.toContain("src/server/gone.ts");
  });

  it("reads a tree again when another is given", () => {
    const recall = createRecall(createMemoryRows());
    const first = (paths: readonly string[]) => recall.rank({ goal: "tax", at: 0, tree: paths }).files[0]?.path;

    expect([first(tree), first(["lib/tax.go"]), first([]), first(tree)]).toEqual([
      ...["src/billing/tax.ts", "lib/tax.go", undefined, "src/billing/tax.ts"],
    ]);
  });

  it("keeps what is known of a file that is renamed", () => {
    const recall = createRecall(createMemoryRows());
    for (let index = 0; index < 40; index += 1) {
      const file = index % 4 === 0 ? "lib/old-name.ts" : `src/other-${index % 3}.ts`;
      recall.learn({ goal: index % 4 === 0 ? "round totals" : `step ${index}`, at: index, files: [file] });
    }

    recall.rename("lib/old-name.ts", "src/new-name.ts");

    const paths = recall.rank({ goal: "round totals", at: 50 }).files.map(({ path }) => path);
    expect(paths[0]).toBe("src/new-name.ts");
    expect(paths).not.toContain("lib/old-name.ts");
    expect(recall.rank({ goal: "new name", at: 50 }).files[0]?.path).toBe("src/new-name.ts");
  });

  it("takes a renamed file's old name for a new file when it comes back", () => {
    const rows = createMemoryRows();
    const recall = createRecall(rows);
    recall.learn({ goal: "one", at: 0, files: ["a.ts"] });
    recall.rename("a.ts", "b.ts");
    recall.rename("a.ts", "c.ts");
    recall.rename("b.ts", "b.ts");
    recall.learn({ goal: "two", at: 1, files: ["a.ts", "b.ts"] });

    expect([rows.get("files", 0), rows.get("files", 1)]).toMatchObject([
      { path: "b.ts", count: 2 },
      { path: "a.ts", count: 1 },
    ]);
  });
});
