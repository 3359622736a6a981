// Paths: the words, the class and the family of a file, told from its path alone.

import { bounds } from "./bounds.ts";
import { splitRuns } from "./words.ts";

export const fileClasses = [
  ...["test", "ci", "docs", "types", "bench", "example", "config", "asset", "sql", "source"],
] as const;

/** What a path says. */
export interface PathWords {
  /** Words of the file's name without its extensions. */
  name: readonly string[];
  /** Words of the folders. */
  folders: readonly string[];
  /** Split names glued again: `body-limit` is `=bodylimit`. */
  compounds: readonly string[];
  /** `.ts`, as words of their own. */
  extensions: readonly string[];
  /** The name's words, or those of the folder when the name is generic (`index`). */
  telling: readonly string[];
  /** The places among `folders` of the words that are not telling. */
  otherFolders: readonly number[];
  /** The file's name in lower case. */
  base: string;
  folder: string;
  /** Index in `fileClasses`. */
  fileClass: number;
  isTest: boolean;
  /** Equal for a source and its test, wherever they lie. */
  family: string;
}

const generic = new Set(
  "index mod main types type utils util handler client test tests readme common lib helper helpers core".split(" "),
);
const testMark = /(^|[/._-])(tests?|specs?|__tests__|testing|test-d|e2e)([/._-]|$)/i;
const classMarks: readonly (readonly [number, RegExp])[] = [
  [1, /^\.github\/|^\.circleci\/|(^|\/)(\.travis|\.gitlab-ci|appveyor|azure-pipelines)\b/i],
  [4, /(^|\/)bench(mark|marks|es)?([/._-]|$)/i],
  [0, testMark],
  [3, /\.d\.[cm]?ts$/i],
  [2, /(^|\/)(docs?|documentation|website|site)\/|\.(md|mdx|rst|adoc|txt)$|(^|\/)(readme|license|contributing)[^/]*$/i],
  [5, /(^|\/)(examples?|samples?|demos?)([/._-]|$)/i],
  [8, /\.(sql|prisma)$/i],
  [7, /\.(png|jpe?g|svg|gif|ico|css|scss|html?|woff2?|ttf)$/i],
  [
    6,
    /(^|\/)(\.[^/]+|makefile|dockerfile|[^/]*\.(json5?|ya?ml|toml|ini|cfg|mod|sum|lock|gyp|gypi)|[^/]*config\.[^/]+)$/i,
  ],
];

/** Reads `path`. Pure; a caller that asks often keeps the answer. */
export function readPath(whole: string): PathWords {
  const path = whole.slice(-bounds.pathChars);
  const steps = path
    .split("/")
    .filter((step) => step !== "" && step !== ".")
    .slice(-12);
  const base = steps.pop() ?? "";
  const dot = base.indexOf(".", 1);
  const stemOfName = dot === -1 ? base : base.slice(0, dot);
  const name = toWords([stemOfName]);
  const folders = toWords(steps);
  const lower = stemOfName.toLowerCase().replaceAll(/[._-](tests?|specs?)$|^tests?[._-]/g, "");
  const isGeneric = generic.has(lower);
  const parent = toWords(steps.slice(-1));
  const family = isGeneric ? `${steps.at(-1)?.toLowerCase() ?? ""}/${lower}` : lower.replaceAll(/[_-]/g, "");
  const telling = isGeneric ? [...new Set([...name, ...parent])] : name;
  return {
    name,
    folders,
    telling,
    otherFolders: [...folders.keys()].filter((at) => !telling.includes(folders[at] ?? "")),
    compounds: [...new Set([stemOfName, ...steps].flatMap(toCompound))],
    extensions:
      dot === -1
        ? []
        : base
            .slice(dot + 1)
            .toLowerCase()
            .split(".")
            .slice(0, 3)
            .map((each) => `.${each}`),
    base: base.toLowerCase(),
    folder: steps.join("/"),
    fileClass: classMarks.find(([, mark]) => mark.test(path))?.[0] ?? fileClasses.length - 1,
    isTest: testMark.test(path),
    family,
  };
}

const weigh = { name: 2, folder: 1, extension: 0.5 };

/** The words of a path with their weights, and its name as the mark by which mentions find it; that does not count for the length. */
export function weighPath(path: PathWords): { weights: Map<string, number>; length: number } {
  const weights = new Map<string, number>();
  let length = 0;
  const add = (list: readonly string[], weight: number): void => {
    length += weight * list.length;
    for (const word of list) weights.set(word, (weights.get(word) ?? 0) + weight);
  };
  add(path.name, weigh.name);
  add(path.folders, weigh.folder);
  add(path.compounds, weigh.name);
  add(path.extensions, weigh.extension);
  return { weights: weights.set(`#${path.base}`, weigh.name), length };
}

let newer = new Map<string, PathWords>();
let older = new Map<string, PathWords>();
const readMax = 4_096;

/** `readPath`, where the last paths that were asked for are kept: every question asks for some dozens of the same ones. */
export function readPathOnce(path: string): PathWords {
  const known = newer.get(path);
  if (known !== undefined) return known;
  const words = older.get(path) ?? readPath(path);
  if (newer.size >= readMax) {
    older = newer;
    newer = new Map();
  }
  newer.set(path, words);
  return words;
}

function toWords(steps: readonly string[]): string[] {
  return [...new Set(steps.flatMap((step) => splitRuns(step).flatMap((run) => run.parts)))].slice(0, 24);
}

/** Nothing for a step of one word: that is among the words already. */
function toCompound(step: string): string[] {
  const glued = step
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, "")
    .slice(0, bounds.wordChars);
  return glued.length < 3 || splitRuns(step).flatMap((run) => run.parts).length < 2 ? [] : [`=${glued}`];
}
