import { describe, expect, it } from "vitest";
import { createSeededRandom } from "../../src/kernel/seeded-random.ts";
import { bounds } from "../../src/recall/bounds.ts";
import {
  createMemoryRows,
  createRecall,
  type MemoryRows,
  type Recall,
  type RecallEpisode,
} from "../../src/recall/index.ts";

describe("recall", () => {
  it("meets the files of a task that is told in other words the second time", () => {
    const { recall } = setup(120);
    recall.learn({
      goal: "fix(billing): rounding of invoice totals is off by a cent",
      at: 2e9,
      files: ["src/billing/invoice-total.ts", "test/billing/invoice-total.test.ts"],
    });

    const { files } = recall.rank({
      goal: "Invoices add up to the wrong amount when totals are rounded",
      at: 2e9 + 1e6,
    });

    expect(
      files
        .slice(0, 2)
        .map(({ path }) => path)
        .sort(),
    ).toEqual(["src/billing/invoice-total.ts", "test/billing/invoice-total.test.ts"]);
  });

  it("answers with nothing and no confidence before the first episode", () => {
    const { recall } = setup(0);

    expect(recall.rank({ goal: "anything", at: 0 })).toEqual({
      files: [],
      confidence: 0,
      sureFrom: expect.any(Number),
      isGrounded: false,
    });
  });

  it("compares every answer at first, and in a large scope one of four (R2)", () => {
    const { recall, rows } = setup(60);
    const compared = (episodes: number): number => {
      rows.put("totals", 0, { ...rows.get("totals", 0)!, episodes });
      const before = recall.weights().compared;
      recall.learn({ goal: "fix the parser", at: 2e9, files: ["src/parser.ts"] });
      return recall.weights().compared - before;
    };

    expect([4_999, 5_000, 5_001, 5_002, 5_003, 5_004].map(compared)).toEqual([1, 1, 0, 0, 0, 1]);
  });

  it.each(["", " ", "x", "\0", "\u202e", "\ud800", '"a" OR b* NEAR(c)', "'; DROP TABLE words --"])(
    "answers the odd question %j with known files",
    (goal) => {
      const { recall, known } = setup(60);

      const { files, confidence } = recall.rank({ goal, at: 2e9 });

      expect(files).toHaveLength(5);
      expect(files.every(({ path }) => known.has(path))).toBe(true);
      expect(confidence).toBeGreaterThanOrEqual(0);
      expect(confidence).toBeLessThanOrEqual(1);
    },
  );

  it("gives as many files as are asked for, each once, the most probable first", () => {
    const { recall } = setup(200);

    const { files } = recall.rank({ goal: "fix the parser cache", at: 2e9, filesMax: 12 });

    expect(new Set(files.map(({ path }) => path)).size).toBe(12);
    expect(files.map(({ probability }) => probability)).toEqual(
      files.map(({ probability }) => probability).sort((left, right) => right - left),
    );
  });

  it("tells what each signal adds: the shares sum to the score", () => {
    const { recall } = setup(200);

    for (const { score, shares } of recall.rank({ goal: "fix the parser cache", at: 2e9 }).files) {
      expect(Object.values(shares).reduce((sum, share) => sum + share, 0)).toBeCloseTo(score, 9);
    }
  });

  it("makes equal states and answers of equal streams (R1)", () => {
    const [one, two] = [setup(250), setup(250)];

    expect(one.rows.dump()).toBe(two.rows.dump());
    expect(one.recall.rank(question)).toEqual(two.recall.rank(question));
  });

  it("goes on from stored rows as if it had never stopped (R1)", () => {
    const whole = setup(250);
    const half = setup(130);
    const rows = createMemoryRows(half.rows.dump());
    const resumed = createRecall(rows);
    for (const episode of makeEpisodes(250).slice(130)) resumed.learn(episode);

    expect(rows.dump()).toBe(whole.rows.dump());
    expect(resumed.rank(question)).toEqual(whole.recall.rank(question));
  });

  it("is changed by no question, asked before learning or not at all (R2)", () => {
    const asked = setup(0);
    const silent = setup(200);
    for (const episode of makeEpisodes(200)) {
      asked.recall.rank(question);
      asked.recall.rank(episode);
      asked.recall.learn(episode);
    }

    expect(asked.rows.dump()).toBe(silent.rows.dump());
  });

  it("reads and writes a bounded number of rows for each question and episode (R3)", () => {
    const counts = { get: 0, put: 0 };
    const { recall } = setup(400, counts);
    const hostile = Array.from({ length: 50_000 }, (_, index) => `parser/w${index}.ts`).join(" ");

    for (const goal of ["fix the parser cache", hostile]) {
      Object.assign(counts, { get: 0, put: 0 });
      recall.learn({ goal, at: 2e9, files: Array.from({ length: 2_000 }, (_, index) => `src/parser/f${index}.ts`) });

      expect(counts.get).toBeLessThan(4_000);
      expect(counts.put).toBeLessThan(2_000);
    }
  });

  it("keeps every list of a row within its bound (R3)", () => {
    const { recall, rows } = setup(0);
    for (let index = 0; index < 700; index += 1) {
      recall.learn({ goal: "fix parser", at: index, files: [`src/parser/part-${index}.ts`] });
    }

    const row = rows.get("words", "pars");
    const number = row?.number ?? -1;
    expect(rows.get("postings", number)?.episodes).toHaveLength(bounds.wordEpisodes);
    expect(row?.tail.length).toBeLessThan(bounds.postingsTail);
    expect(rows.get("pathPostings", number)?.files).toHaveLength(bounds.wordPaths);
    expect(row?.files).toHaveLength(bounds.wordFiles);
    expect(row?.goals).toBe(700);
    expect(rows.get("folders", 0)?.files).toHaveLength(bounds.folderFiles);
  });

  it("gives the same answer a minute later, and after a restart (R1)", () => {
    const { recall, rows } = setup(250);
    const last = makeEpisodes(250).at(-1)?.at ?? 0;
    const ask = (of: Recall, seconds: number): string =>
      JSON.stringify(of.rank({ ...question, at: last + 7_200 + seconds }));

    const restarted = createRecall(createMemoryRows(rows.dump()));

    expect(ask(recall, 60)).toBe(ask(recall, 0));
    expect(ask(restarted, 3_599)).toBe(ask(recall, 0));
    expect(ask(recall, 3_600)).not.toBe(ask(recall, 0));
  });

  it("prefers what a run says to what a history says, and neither where all are of one source", () => {
    const [runs, imports, both] = (["run", "import", "both"] as const).map((source) => {
      const recall = createRecall(createMemoryRows());
      for (const [index, episode] of makeEpisodes(20).entries()) {
        const isRun = source === "run" || (source === "both" && index === 1);
        recall.learn({ ...episode, source: isRun ? "run" : "import" });
      }
      recall.learn({
        goal: "fix the widget",
        at: 1.5e9,
        files: ["src/run.ts"],
        source: source === "import" ? "import" : "run",
      });
      recall.learn({
        goal: "fix the widget",
        at: 1.5e9,
        files: ["src/past.ts"],
        source: source === "run" ? "run" : "import",
      });
      return recall.rank({ goal: "fix the widget", at: 1.5e9 }).files.map(({ path }) => path);
    });

    expect(runs).toEqual(imports);
    expect(runs?.[0]).toBe("src/past.ts"); // the newer one
    expect(both?.[0]).toBe("src/run.ts");
  });

  it("learns which files are right after all: it beats chance on a stream with a rule", () => {
    const { recall } = setup(400);
    const fresh = makeEpisodes(520).slice(400);
    let hits = 0;
    for (const episode of fresh) {
      if (episode.files.includes(recall.rank(episode).files[0]?.path ?? "")) hits += 1;
      recall.learn(episode);
    }

    expect(hits / fresh.length).toBeGreaterThan(0.6);
  });
});

const question = { goal: "fix the parser cache for long lines", at: 2e9 };
const parts = ["parser", "cache", "router", "client", "store", "logger", "codec", "queue", "timer", "lease"];
const acts = ["fix", "speed up", "document", "test", "extend", "rename", "simplify"];
const things = [
  "empty lines",
  "timeouts",
  "long names",
  "retries",
  "unicode",
  "closing",
  "ordering",
  "limits",
  "errors",
];

/** Work on ten parts of a project: goals name the part, tests are touched by goals that test. */
function makeEpisodes(count: number): RecallEpisode[] {
  const random = createSeededRandom(11);
  const pick = (list: readonly string[]): string => list[random.u32() % list.length] ?? "";
  return Array.from({ length: count }, (_, index) => {
    const [part, act, thing] = [pick(parts), pick(acts), pick(things)];
    const files =
      act === "test" ? [`test/${part}.test.ts`] : [`src/${part}.ts`, ...(random.u32() % 3 ? [] : ["src/index.ts"])];
    return { goal: `${act} ${part} ${thing}`, at: 1e9 + index * 5_000, files };
  });
}

function setup(
  count: number,
  counts?: { get: number; put: number },
): { recall: Recall; rows: MemoryRows; known: Set<string> } {
  const rows = createMemoryRows();
  const counted: MemoryRows = {
    ...rows,
    get: (table, key) => {
      if (counts !== undefined) counts.get += 1;
      return rows.get(table, key);
    },
    put: (table, key, row) => {
      if (counts !== undefined) counts.put += 1;
      rows.put(table, key, row);
    },
  };
  const recall = createRecall(counted);
  const episodes = makeEpisodes(count);
  for (const episode of episodes) recall.learn(episode);
  return { recall, rows, known: new Set(episodes.flatMap(({ files }) => files)) };
}
