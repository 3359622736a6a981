import { kinds } from "./kinds.ts";
import { fileClasses } from "./paths.ts";
import type { RecallTables } from "./rows.ts";
import { signalNames } from "./signals/index.ts";

const perClass = fileClasses.map(() => 0);
const perKind = kinds.map(() => 0);

/** A row of each table before anything was learned. A store may rely on the order and the type of the fields. */
export const emptyRows: { readonly [Table in keyof RecallTables]: RecallTables[Table] } = {
  words: {
    ...{ goals: 0, episodes: 0, mass: 0, decayed: 0, last: 0, pathFiles: 0 },
    ...{ postings: [], files: [], paths: [], classes: perClass, classWeights: [], folderWeights: [] },
  },
  paths: { file: 0 },
  files: {
    ...{ path: "", folder: 0, count: 0, first: 0, last: 0, lastAt: 0, length: 0 },
    ...{ decayed: [], kinds: perKind, tellingRarity: [], foldersRarity: [], ownWeight: [], kindWeights: [] },
  },
  episodes: { at: 0, files: [] },
  folders: { last: 0, files: [], ownWeight: [] },
  folderPaths: { folder: 0 },
  totals: {
    ...{ episodes: 0, files: 0, folders: 0, goalLength: 0, wholeLength: 0, pathLength: 0, fileLength: 0 },
    ...{ classes: perClass, kinds: perKind, frequent: [], active: [] },
  },
  learned: {
    ...{ weights: signalNames.map(() => 0), squares: signalNames.map(() => 1), classWeights: [], kindClassWeights: [] },
    ...{ confidence: [], confidenceSquares: [], pairs: [], answers: [], hitRate: 0.5, sureFrom: 1.01 },
  },
};

/** A row of one's own to begin with. */
export function emptyRow<Table extends keyof RecallTables>(table: Table): RecallTables[Table] {
  return structuredClone(emptyRows[table]);
}
