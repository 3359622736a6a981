import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createCommitParser, type RawCommit } from "../../src/import/commits.ts";
import { filesMax, toEpisode } from "../../src/import/episodes.ts";
import type { GitEpisode } from "../../src/import/index.ts";

const commit = (change: Partial<RawCommit> = {}): RawCommit => ({
  id: "a".repeat(40),
  at: 1_700_000_000_000,
  isRoot: false,
  authorName: "Ada Lovelace",
  authorEmail: "ada@example.com",
  title: "Fix the parser",
  body: "",
  changes: [{ path: "src/parser.ts" }],
  hasMoreChanges: false,
  ...change,
});

const outcome = (change: Partial<RawCommit>): string => {
  const episode = toEpisode(commit(change), { isShallow: false });
  return typeof episode === "string" ? episode : "episode";
};

const episodeOf = (change: Partial<RawCommit>): GitEpisode => {
  const episode = toEpisode(commit(change), { isShallow: false });
  if (typeof episode === "string") throw new Error(`left out: ${episode}`);
  return episode;
};

describe("who did the work", () => {
  it.each([
    ["dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com"],
    ["Renovate Bot", "bot@renovateapp.com"],
    ["renovate", "x@example.com"],
    ["RenovateBot", "x@example.com"],
    ["semantic-release-bot", "semantic-release-bot@martynus.net"],
    ["k8s-ci-robot", "k8s-ci-robot@users.noreply.github.com"],
    ["GitHub Actions", "actions@github.com"],
    ["Somebody", "41898282+github-actions[bot]@users.noreply.github.com"],
    ["Travis CI", "builds@travis-ci.com"],
    ["Hosted Weblate", "hosted@weblate.org"],
    ["bot", "x@example.com"],
  ])("%s <%s> is a robot", (authorName, authorEmail) => {
    expect(outcome({ authorName, authorEmail })).toBe("robot");
  });

  it.each([
    ["Anne Talbot", "anne.talbot@example.com"],
    ["Abbot", "abbot@example.com"],
    ["Travis", "travis@example.com"],
    ["Botond Szabó", "botond@bots.example"],
    ["Élan Ébot", "e@example.com"],
    ["", ""],
  ])("%s <%s> is a person", (authorName, authorEmail) => {
    expect(outcome({ authorName, authorEmail })).toBe("episode");
  });
});

describe("what a title says", () => {
  it.each([
    "v1.2.3",
    "1.2.3",
    "3.0.0-rc.1",
    "12.0.0-alpha.3",
    "Release v1.2.3",
    "chore(release): 1.2.3 [skip ci]",
    "chore: release v4.0.1",
    "Bumped v3.1.0",
    "Bump version to 2.0",
    "bump version",
    "Version Packages (#123)",
    "chore: update versions",
    "Prepare release `v0.2.0`",
    "preparing for release",
    "release: @scope/pkg@1.2.3",
    "Publish",
    "Release/1.2.3",
    "build: bump version to v5.0.0",
    ":bookmark: v1.2.0",
    "🔖 v1.2.0",
  ])("%j is a release", (title) => {
    expect(outcome({ title })).toBe("release");
  });

  it.each([
    "Fix release instructions",
    "Bump vitest to 2.0.0",
    "Upgrade to SQLite 3.32.0",
    "Support version 2 of the protocol",
    "run the check only before release",
    "update",
    "Tag the parser's errors",
    'Revert "Fix the parser"',
    "release the lock when the owner dies",
    "Update docs",
    "2fa",
    "wip",
  ])("%j is work", (title) => {
    expect(outcome({ title })).toBe("episode");
  });

  it.each(["Merge branch 'main' into x", "Merge pull request #12 from a/b", "Merge remote-tracking branch 'o/x'"])(
    "%j is a merge",
    (title) => {
      expect(outcome({ title })).toBe("merge");
      expect(outcome({ title: "Merge both parsers" })).toBe("episode");
    },
  );

  it("nothing is no goal", () => {
    expect(outcome({ title: " \t" })).toBe("noGoal");
    expect(outcome({ title: "(#12)" })).toBe("noGoal");
  });
});

describe("which files count", () => {
  it.each([
    "package-lock.json",
    "a/b/yarn.lock",
    "Cargo.lock",
    "bun.lockb",
    "pnpm-lock.yaml",
    "go.sum",
    "Package.resolved",
    "gradle.lockfile",
    "CHANGELOG.md",
    "docs/HISTORY.rst",
    "CHANGES",
    "NEWS",
    "debian/changelog",
    "RELEASE_NOTES.txt",
    ".changeset/brave-cats.md",
  ])("%s does not", (path) => {
    expect(outcome({ changes: [{ path }] })).toBe("noFiles");
    expect(episodeOf({ changes: [{ path }, { path: "a.ts" }] }).files).toEqual(["a.ts"]);
  });

  it.each(["src/lock.ts", "changes.ts", "src/history.rs", "lock-threads.yml", "news/index.html", "go.mod", "block"])(
    "%s does",
    (path) => {
      expect(episodeOf({ changes: [{ path }] }).files).toEqual([path]);
    },
  );

  it("as many as a task touches, lock files not counted", () => {
    const changes = Array.from({ length: filesMax }, (_, index) => ({ path: `${index}.ts` }));

    expect(outcome({ changes: [...changes, { path: "yarn.lock" }] })).toBe("episode");
    expect(outcome({ changes: [...changes, { path: "one-more.ts" }] })).toBe("tooManyFiles");
    expect(outcome({ hasMoreChanges: true })).toBe("tooManyFiles");
  });

  it("under their new names, and the old ones are told", () => {
    const { files, renames } = episodeOf({ changes: [{ path: "b.ts", from: "a.ts" }, { path: "c.ts" }] });

    expect({ files, renames }).toEqual({ files: ["b.ts", "c.ts"], renames: [["a.ts", "b.ts"]] });
  });

  it("not where a shallow clone was cut off", () => {
    expect(toEpisode(commit({ isRoot: true }), { isShallow: true })).toBe("shallow");
    expect(outcome({ isRoot: true })).toBe("episode");
  });
});

describe("a goal", () => {
  it.each([
    ["Fix it (#12)", "", "Fix it"],
    ["Fix it (#12) (#13)", "", "Fix it"],
    ["Fix #12 (again)", "", "Fix #12 (again)"],
    ["Fix  it\tnow", "Because\r\nof that.\n\nFixes #1", "Fix it now — Because of that. Fixes #1"],
    ["Fix", "* one\n* two\n\n---------\n\nCo-authored-by: B <b@c>\nSigned-off-by: B <b@c>", "Fix — * one * two"],
    ["Fix", "* Signed-off-by: B <b@c>\nChange-Id: I123\nReviewed-on: http://x", "Fix"],
    ["Fix", "Stand-by: see below", "Fix"],
    ["Fix", "Note: this stays", "Fix — Note: this stays"],
    ['Revert "Fix"', "This reverts commit abc.", 'Revert "Fix" — This reverts commit abc.'],
  ])("of %j and %j is %j", (title, body, goal) => {
    expect(episodeOf({ title, body }).goal).toBe(goal);
  });

  it("is one bounded, well-formed line, whatever was written", () => {
    const text = fc.oneof(fc.string({ unit: "binary", maxLength: 3_000 }), fc.string({ unit: "grapheme" }));
    fc.assert(
      fc.property(text, text, (title, body) => {
        const episode = toEpisode(commit({ title, body }), { isShallow: false });
        if (typeof episode === "string") return;
        expect(episode.goal).toBe(episode.goal.trim());
        expect(episode.goal).not.toMatch(/\p{Cc}/u);
        expect(episode.goal.length).toBeLessThan(1_300);
        expect(episode.goal.length).toBeGreaterThan(0);
      }),
    );
    expect(episodeOf({ title: `${"x".repeat(999)}😀` }).goal).toBe("x".repeat(999));
  });

  it("takes no time to speak of, also for hostile titles", () => {
    const startedAt = performance.now();

    for (const part of ["1.", "@1.0", "(#1)", "-a", " ", "[", "*-", "v1.0-rc", "a-by", "_", "1.0-+"]) {
      const text = part.repeat(8_000);
      outcome({ title: text, body: text, authorName: text, authorEmail: text });
      outcome({ title: `x${text}!`, body: `${text}!\n`.repeat(2) });
    }

    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it("has between one and eight files, each once", () => {
    const change = fc.record({ path: fc.constantFrom(..."abcdefghijkl", "yarn.lock", "NEWS") });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
        const episode = toEpisode(commit({ changes }), { isShallow: false });
        const wanted = new Set(changes.map(({ path }) => path).filter((path) => path.length === 1));
        if (wanted.size === 0) expect(episode).toBe("noFiles");
        else if (wanted.size > filesMax) expect(episode).toBe("tooManyFiles");
        else expect(episode).toMatchObject({ files: [...wanted] });
      }),
    );
  });
});

describe("what git prints", () => {
  const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).filter((text) => !text.includes("\0"));
  const field = fc.string({ unit: "grapheme", maxLength: 20 }).filter((text) => !text.includes("\0"));
  const change = fc.oneof(fc.record({ path: name }), fc.record({ path: name, from: name }));
  const written = fc.record({
    id: fc.stringMatching(/^[0-9a-f]{40}$/),
    title: field,
    body: field,
    changes: fc.array(change, { maxLength: 6 }),
  });

  it("is understood however it is cut into chunks", () => {
    fc.assert(
      fc.property(fc.array(written, { maxLength: 5 }), fc.integer({ min: 1, max: 40 }), (commits, chunkBytes) => {
        const bytes = Buffer.from(commits.map(print).join(""));
        const parser = createCommitParser();

        const read: RawCommit[] = [];
        for (let at = 0; at < bytes.length; at += chunkBytes)
          read.push(...parser.push(bytes.subarray(at, at + chunkBytes)));
        read.push(...parser.end());

        const parts = ({ id, title, body, changes }: RawCommit) => ({ id, title, body, changes });
        expect(read.map(parts)).toEqual(commits);
      }),
    );
  });

  it("is refused when it is not what was asked for", () => {
    const parser = createCommitParser();

    expect(() => parser.push(Buffer.from("usage: git\0"))).toThrow("RUNTIME_FAULT");
  });

  function print({ id, title, body, changes }: Pick<RawCommit, "id" | "title" | "body" | "changes">): string {
    const files = changes.map(({ path, from }) => (from === undefined ? `M\0${path}\0` : `R087\0${from}\0${path}\0`));
    return `${[id, "1700000000", id, "Ada", "a@b", title, body, "", ""].join("\0")}\n${files.join("")}`;
  }
});
