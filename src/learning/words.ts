// The words that lessons are found by, told from what a run says and from a question.
//
// Besides plain words there are marked ones: `/path` a whole path, `#name` a file's name, `@family`, `!signature` of an error, `%tool`,
// `&12` a group of kindred words (kindred.ts), and `^begi` the beginning of a word, by which its other forms meet.

import { isFunctionWord, readGoal, readPath } from "../recall/index.ts";
import { lessonBounds as bounds } from "./bounds.ts";
import type { LessonContent } from "./changes.ts";
import { kindredOf } from "./kindred.ts";
import { maskPath, maskVolatile, toSignature } from "./volatile.ts";

/** Where a lesson can have a word. In a number of several, each is the bit of its index. */
export const fields = ["goal", "files", "folders", "errors", "tools", "steps"] as const;
type Field = (typeof fields)[number];

const kindredWeight = 0.8;
const beginning = { letters: 4, from: 5, weight: 0.15 };

/** Whether `bits` has `field`. */
export function isIn(bits: number, field: Field): boolean {
  return (bits & toBit(field)) > 0;
}

/** Every word of what a lesson says, with its fields as bits. */
export function readContent(content: LessonContent): Map<string, number> {
  const words = new Map<string, number>();
  const add = (field: Field, list: readonly string[]): void => {
    for (const word of list) words.set(word, (words.get(word) ?? 0) | toBit(field));
  };
  add("goal", readWords(`${content.goal}\n${content.text ?? ""}`));
  if (content.family !== undefined) add("goal", [toFamilyWord(content.family)]);
  for (const file of content.files) {
    const path = maskPath(file);
    const { name, folders, compounds, base } = readPath(path);
    add("files", [...name, ...compounds, `/${path}`, `#${base}`]);
    add("folders", folders);
  }
  for (const error of content.errors) add("errors", [...readWords(error), `!${toSignature(error)}`]);
  for (const tool of content.tools) add("tools", [...readWords(tool), toToolWord(tool)]);
  for (const step of [...content.steps.map(({ name }) => name), ...content.checks]) add("steps", readWords(step));
  for (const [word, bits] of [...words]) {
    for (const form of [...kindredOf(word), ...toBeginning(word)]) words.set(form, (words.get(form) ?? 0) | bits);
  }
  return words;
}

/** A word of a question in one of its forms: as it was said, its groups, its beginning. */
export interface Form {
  word: string;
  weight: number;
  /** Which word of the question it is a form of: each counts once, by its best form. */
  of: number;
}

/** The words of a question, each in its forms; the one that was said comes first. */
export function readQuestion(text: string): Form[] {
  const { words, mentions } = readGoal(maskVolatile(text.slice(0, bounds.questionChars)));
  const telling = [...words].filter(([word]) => !isFunctionWord(word));
  const said = [...telling, ...mentions.map((mention) => [`#${mention.split("/").at(-1) ?? ""}`, 1] as const)];
  return said.flatMap(([word, weight], of) => [
    { word, weight, of },
    ...kindredOf(word).map((group) => ({ word: group, weight: kindredWeight * weight, of })),
    ...toBeginning(word).map((form) => ({ word: form, weight: beginning.weight * weight, of })),
  ]);
}

/** The word of a family; what is volatile in its name does not count. */
export function toFamilyWord(family: string): string {
  return `@${maskVolatile(family.slice(0, bounds.lineChars)).toLowerCase()}`;
}

/** The word of a whole tool. */
export function toToolWord(tool: string): string {
  return `%${tool.toLowerCase()}`;
}

/** Whether `word` is one that somebody could say, no mark. */
export function isPlain(word: string): boolean {
  return !/^[/#@!%^&]/.test(word);
}

/** The words of free text that say something. */
export function readWords(text: string): string[] {
  return [...readGoal(maskVolatile(text.slice(0, bounds.questionChars))).words.keys()].filter(
    (word) => !isFunctionWord(word),
  );
}

function toBeginning(word: string): string[] {
  const plain = word.startsWith("=") ? word.slice(1) : word;
  if (!isPlain(word) || plain.length < beginning.from || !/^\p{L}+$/u.test(plain)) return [];
  return [`^${plain.normalize("NFD").replaceAll(/\p{M}/gu, "").slice(0, beginning.letters)}`];
}

function toBit(field: Field): number {
  return 1 << fields.indexOf(field);
}
