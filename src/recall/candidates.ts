// Candidates: the files that are compared for a question. Finding them is cheap, comparing is not: their number is bounded.

import { bounds } from "./bounds.ts";
import { emptyRow } from "./empty-rows.ts";
import type { Candidate, Evidence, Gathered, Question } from "./evidence.ts";
import { gather } from "./gather.ts";
import type { Goal } from "./goals.ts";
import { findFile } from "./learn.ts";
import { readPathOnce } from "./paths.ts";
import type { RecallRows, TotalsRow } from "./rows.ts";
import { addTo, decay, halfLives, relative, strongest } from "./scores.ts";
import { Tally } from "./tally.ts";
import type { Tree } from "./tree.ts";

const wanted = {
  vote: 60,
  association: 40,
  path: 40,
  beside: 20,
  recentEpisodes: 5,
  active: 12,
  frequent: 10,
  folders: 2,
};
const folderFiles = 8;
const associationScale = 0.8;
const longAgo = 10_000; // episodes since a file was touched that never was

// Cleared with each question, and used by nothing after it.
const [votes, associated] = [new Tally(), new Tally()];

/** Reads the evidence for a question and chooses the files that are compared. Changes nothing. */
export function collect(rows: RecallRows, totals: TotalsRow, question: Question): Evidence {
  const { goal, tree } = question;
  const { gathered, pathScores } = gather(rows, totals, question);
  tallyVotes(gathered);
  associate(gathered);
  const mentioned = findMentioned(rows, goal);
  const beside = findBeside(rows, question.files);
  const chosen = new Set([
    ...mentioned,
    ...votes.strongest(wanted.vote).map(([file]) => file),
    ...associated.strongest(wanted.association).map(([file]) => file),
    ...pathScores.strongest(wanted.path).map(([file]) => file),
    ...strongest(beside, wanted.beside).map(([file]) => file),
    ...gathered.recent.slice(0, wanted.recentEpisodes).flatMap((row) => row.files),
    ...totals.active.slice(0, wanted.active),
    ...totals.frequent.slice(0, wanted.frequent),
  ]);
  const all = new Map<number, Candidate>();
  const add = (file: number): void => {
    const row = all.has(file) ? undefined : rows.get("files", file);
    if (row === undefined || tree?.has(row.path) === false) return; // it is gone
    all.set(file, { file, row, path: readPathOnce(row.path), pathScore: pathScores.get(file) });
  };
  for (const file of chosen) add(file);
  const folders = new Map<number, number>();
  for (const { file, row } of all.values()) addTo(folders, row.folder, votes.get(file));
  for (const [folder] of strongest(folders, wanted.folders)) {
    for (const file of rows.get("folders", folder)?.files.slice(-folderFiles) ?? []) add(file);
  }
  for (const untouched of findUntouched(rows, gathered, tree)) all.set(untouched.file, untouched);
  const candidates = chooseBest(gathered, { all, mentioned, beside });
  return { ...gathered, candidates, indexOf: new Map(candidates.map(({ file }, index) => [file, index])), beside };
}

/** The cheap scores choose who is compared. */
function chooseBest(
  { now }: Gathered,
  found: { all: ReadonlyMap<number, Candidate>; mentioned: ReadonlySet<number>; beside: ReadonlyMap<number, number> },
): Candidate[] {
  const [bestVote, bestAssociated] = [votes.best(), associated.best()];
  const bestPath = Math.max(0, ...[...found.all.values()].map(({ pathScore }) => pathScore));
  const rough = new Map<number, number>();
  for (const { file, row, pathScore } of found.all.values()) {
    const active = (row.decayed[2] ?? 0) * decay(now - row.last, halfLives[2]);
    const told = (found.mentioned.has(file) ? 1 : 0) + (found.beside.get(file) ?? 0);
    const cheap = relative(votes.get(file), bestVote) + relative(associated.get(file), bestAssociated);
    rough.set(file, cheap + relative(pathScore, bestPath) + told + 0.5 * Math.min(1, active / 4));
  }
  return strongest(rough, bounds.compared).flatMap(([file]) => found.all.get(file) ?? []);
}

function tallyVotes({ nearest }: Gathered): void {
  votes.clear();
  for (const { score, row } of nearest) {
    for (const file of row.files) votes.add(file, (score * score) / Math.sqrt(row.files.length));
  }
}

/** Noisy-or of P(file | word), as the sum of logarithms: the order is the same. */
function associate({ terms }: Gathered): void {
  associated.clear();
  for (const { row, weight } of terms) {
    const { files, masses } = row;
    for (let at = 0; at < files.length; at += 1) {
      const share = ((masses[at] ?? 0) - 0.3) / (row.mass + 1);
      if (share > 0) associated.add(files[at] ?? 0, -Math.log1p(-associationScale * weight * Math.min(1, share)));
    }
  }
}

function findMentioned(rows: RecallRows, goal: Goal): Set<number> {
  const files = new Set<number>();
  for (const mention of goal.mentions) {
    const row = rows.get("words", `#${mention.split("/").at(-1) ?? ""}`);
    const found = row === undefined ? undefined : rows.get("pathPostings", row.number);
    for (const file of found?.files.slice(-20) ?? []) files.add(file);
  }
  return files;
}

/** Of the newest episodes that touched files in hand, the share that touched each other file. */
function findBeside(rows: RecallRows, inHand: readonly string[]): Map<number, number> {
  const own = new Set(inHand.slice(0, bounds.filesInHand).flatMap((path) => findFile(rows, path) ?? []));
  const episodes = new Set([...own].flatMap((file) => rows.get("files", file)?.episodes ?? []));
  const shares = new Map<number, number>();
  for (const number of episodes) {
    for (const file of rows.get("episodes", number)?.files ?? []) {
      if (!own.has(file)) addTo(shares, file, 1 / (episodes.size + 1)); // one episode alone is not the rule
    }
  }
  return shares;
}

/** The files of the tree that fit the words though no episode touched them. */
function findUntouched(rows: RecallRows, { goal, now }: Gathered, tree: Tree | undefined): Candidate[] {
  if (tree === undefined) return [];
  const found = tree.find(goal, 4 * bounds.treeCandidates).filter(({ path }) => findFile(rows, path) === undefined);
  return found.slice(0, bounds.treeCandidates).map(({ path, words, score }, index) => {
    const never = { first: now - longAgo, last: now - longAgo };
    const folder = rows.get("folderPaths", words.folder)?.folder ?? -1;
    const [tellingRarity, foldersRarity] = [words.telling.map(tree.rarityOf), words.folders.map(tree.rarityOf)];
    const row = { ...emptyRow("files"), path, folder, ...never, tellingRarity, foldersRarity };
    return { file: -1 - index, row, path: words, pathScore: score };
  });
}
