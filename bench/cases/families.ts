// Is the right lesson found?
//
// Asks an answerer for every family of the labelled set in every wording, and for tasks that no family answers; then again after a crowd
// of other runs. A pure function of the answerer and the set.
// Owns: what counts as right, wrong and committed. Does not own: the set (test/recall/families.ts), or how an answerer finds anything.
//
// What is held against it: own-language wordings ≥ 85 % right first, other languages ≥ 60 %, wrong commits on unrelated tasks ≤ 5 %, before
// and after 10,000 other runs, on the half that nothing was tuned on.
//
// Invariants:
//   V1. The answerer sees a query's words and nothing of its label: no family, split or wording.
//   V2. Everything is learned, both halves, before anything is asked; asking comes in one fixed order.
//   V3. Misses are listed for the half that may be tuned on. The other half gives numbers only.

import type { Family, LabelledSet, Query, Run, Split, Wording } from "../../test/recall/families.ts";

/** What is measured. An answerer learns runs one by one, then answers; it must not keep anything of what it is asked. */
export interface Answerer {
  /** `lessonOf` is what to hand back when this run's lesson is the answer. It is a name, not evidence. */
  learn(run: Run, lessonOf: string): Promise<void> | void;
  ask(text: string): Promise<Answer> | Answer;
}

/** The lesson that comes first, if any, and whether its action is given as one to take now, with no gate before it. */
export interface Answer {
  readonly lessonOf?: string;
  readonly committed: boolean;
}

/** How many of how many; `share` is 0 to 1, and `null` when nothing was asked. */
export interface Share {
  readonly asked: number;
  readonly hits: number;
  readonly share: number | null;
}

/** One half of the set, at one moment. */
export interface SplitScore {
  /** Near, far and terse together: what the 85 % are held against. */
  readonly ownLanguage: Share;
  readonly byWording: Readonly<Record<Wording, Share>>;
  /** Of the queries in another language, those that keep no token of their family. */
  readonly bare: Share;
  /** Own-language queries of look-alikes that were answered with the other one of the pair. */
  readonly lookAlikeMixedUp: Share;
  /** Queries of families that were committed to a lesson, and how many of these lessons were right. */
  readonly committed: Share;
  readonly committedRight: Share;
  /** Unrelated tasks that were committed to any lesson: all, those that share words with a family, and those that do not. */
  readonly wrongCommits: Share;
  readonly wrongCommitsSharing: Share;
  readonly wrongCommitsApart: Share;
}

/** All that was asked at one moment, and what had been learned by then. */
export interface Moment {
  readonly runsLearned: number;
  readonly splits: Readonly<Record<Split, SplitScore>>;
  /** V3: of the tune half only. */
  readonly misses: readonly { readonly expected: string; readonly got: string | null; readonly text: string }[];
}

interface Asked {
  readonly family: Family;
  readonly query: Query;
  readonly answer: Answer;
}

interface AskedUnrelated {
  readonly split: Split;
  readonly sharing: boolean;
  readonly committed: boolean;
}

/** Scores `answerer`, which has learned nothing yet: once with the families alone, and once more after `others`, when given. */
export async function evaluate(
  answerer: Answerer,
  set: LabelledSet,
  others: Iterable<{ readonly lessonOf: string; readonly run: Run }> = [],
): Promise<{ before: Moment; after: Moment | null }> {
  let runsLearned = 0;
  const learn = async (run: Run, lessonOf: string): Promise<void> => {
    await answerer.learn(run, lessonOf);
    runsLearned += 1;
  };

  // The first runs of all families come before the second ones, as work that returns does.
  for (const index of [0, 1]) for (const { id, runs } of set.families) await learn(runs[index]!, id);
  const before = await askAll(answerer, set, runsLearned);

  const learnedBefore = runsLearned;
  for (const { lessonOf, run } of others) await learn(run, lessonOf);
  const after = runsLearned === learnedBefore ? null : await askAll(answerer, set, runsLearned);
  return { before, after };
}

async function askAll(answerer: Answerer, set: LabelledSet, runsLearned: number): Promise<Moment> {
  const asked: Asked[] = [];
  for (const family of set.families)
    for (const query of family.queries) asked.push({ family, query, answer: await answerer.ask(query.text) });

  const unrelated: AskedUnrelated[] = [];
  for (const { split, sharesWith, text } of set.unrelated)
    unrelated.push({ split, sharing: sharesWith.length > 0, committed: (await answerer.ask(text)).committed });

  return {
    runsLearned,
    splits: { tune: score("tune", asked, unrelated), report: score("report", asked, unrelated) },
    misses: asked
      .filter((one) => one.family.split === "tune" && !isRight(one))
      .map(({ family, query, answer }) => ({ expected: family.id, got: answer.lessonOf ?? null, text: query.text })),
  };
}

function score(split: Split, allAsked: readonly Asked[], allUnrelated: readonly AskedUnrelated[]): SplitScore {
  const asked = allAsked.filter(({ family }) => family.split === split);
  const unrelated = allUnrelated.filter((task) => task.split === split);
  const ownLanguage = asked.filter(({ query }) => query.wording !== "other");
  const inWording = (wording: Wording): Share =>
    share(
      asked.filter(({ query }) => query.wording === wording),
      isRight,
    );
  const committed = asked.filter(({ answer }) => answer.committed);

  return {
    ownLanguage: share(ownLanguage, isRight),
    byWording: { near: inWording("near"), far: inWording("far"), terse: inWording("terse"), other: inWording("other") },
    bare: share(
      asked.filter(({ query }) => query.wording === "other" && query.bare),
      isRight,
    ),
    lookAlikeMixedUp: share(
      ownLanguage.filter(({ family }) => family.lookAlike),
      ({ family, answer }) => answer.lessonOf === family.lookAlike,
    ),
    committed: share(asked, ({ answer }) => answer.committed),
    committedRight: share(committed, isRight),
    wrongCommits: share(unrelated, isCommitted),
    wrongCommitsSharing: share(
      unrelated.filter(({ sharing }) => sharing),
      isCommitted,
    ),
    wrongCommitsApart: share(
      unrelated.filter(({ sharing }) => !sharing),
      isCommitted,
    ),
  };
}

function isRight({ family, answer }: Asked): boolean {
  return answer.lessonOf === family.id;
}

function isCommitted({ committed }: AskedUnrelated): boolean {
  return committed;
}

function share<One>(all: readonly One[], isHit: (one: One) => boolean): Share {
  const hits = all.filter(isHit).length;
  return { asked: all.length, hits, share: all.length === 0 ? null : hits / all.length };
}
