import { kinds } from "./kinds.ts";
import { fileClasses } from "./paths.ts";
import type { RecallTables } from "./rows.ts";
import { signalNames, startWeights } from "./signals/index.ts";

const perClass = fileClasses.map(() => 0);
const perKind = kinds.map(() => 0);

/** A row of each table before anything was learned. A store may rely on the order and the type of the fields. */
export const emptyRows: { readonly [Table in keyof RecallTables]: RecallTables[Table] } = {
  words: {
    ...{ number: 0, goals: 0, episodes: 0, mass: 0, decayed: 0, last: 0, pathFiles: 0 },
    ...{ tail: [], tailImpacts: [], files: [], masses: [], massesDecayed: [], changed: [], classes: perClass },
    ...{ generation: 0, classWeights: [], folderWeights: [] },
  },
  postings: { episodes: [], impacts: [] },
  pathPostings: { files: [], impacts: [] },
  paths: { file: 0 },
  files: {
    ...{ path: "", folder: 0, count: 0, first: 0, last: 0, length: 0 },
    ...{ episodes: [], decayed: [], kinds: perKind, tellingRarity: [], foldersRarity: [] },
    ...{ generation: 0, ownWeight: [], kindWeights: [] },
  },
  episodes: { at: 0, imported: 0, files: [] },
  folders: { last: 0, files: [], generation: 0, ownWeight: [] },
  folderPaths: { folder: 0 },
  totals: {
    ...{
      episodes: 0,
      runs: 0,
      words: 0,
      files: 0,
      folders: 0,
      goalLength: 0,
      wholeLength: 0,
      pathLength: 0,
      fileLength: 0,
    },
    ...{ classes: perClass, kinds: perKind, frequent: [], active: [] },
  },
  learned: {
    ...{ generation: 0, weights: [...startWeights], squares: signalNames.map(() => 1) },
    ...{ classWeights: [], kindClassWeights: [] },
    ...{ confidence: [], confidenceSquares: [], pairs: [], answers: [], hitRate: 0.5, sureFrom: 1.01 },
  },
  lessons: {
    ...{ kind: 0, state: 0, successes: 0, verified: 0, failures: 0, used: 0, runs: 0 },
    ...{
      madeAt: 0,
      madeSeq: 0,
      changedAt: 0,
      changedSeq: 0,
      lastChange: 0,
      files: 0,
      words: [],
      evidence: [],
      text: "",
    },
  },
  lessonIds: { lesson: 0 },
  lessonWords: { number: 0, lessons: 0, postings: [] },
  lessonRuns: { lesson: 0 },
  lessonTotals: { lessons: 0, words: 0, changes: 0 },
  lessonsLearned: { weights: [], squares: [], pairs: [], answers: [], sureFrom: 0 },
  imports: { episodes: 0, seq: 0, cursor: "" },
  lessonPlaybooks: { ids: "" },
};

/** A row of one's own to begin with. */
export function emptyRow<Table extends keyof RecallTables>(table: Table): RecallTables[Table] {
  const row = { ...emptyRows[table] };
  for (const [name, value] of Object.entries(row as object as Record<string, unknown>)) {
    if (Array.isArray(value)) Object.assign(row, { [name]: (value as number[]).slice() }); // lists are of numbers
  }
  return row;
}
