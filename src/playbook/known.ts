// What is known of a single run
//
// With one run alone nothing shows what differs, so that only what stands out is taken as a value: what the data say, what the brief has in
// quotes or what has the form of a path, a version, an address, a number or a name, and short results of earlier steps. Plain words stay,
// unless the brief says that they are names.

import type { CleanStep } from "./clean.ts";
import { followsKind, isKindWord, isNamedAt, isPlainWord } from "./cues.ts";
import { type DerivedForm, listForms } from "./derive.ts";
import { deriveFromOutput } from "./derive-output.ts";
import { listLeaves } from "./leaves.ts";
import { listMentions, type Mention } from "./mentions.ts";
import type { Origins, Scope } from "./origins.ts";
import { type DraftSource, valuesIn } from "./parameter-drafts.ts";
import { listReplaced } from "./replaced.ts";
import type { Known } from "./segment.ts";
import { shapeOf } from "./tokens.ts";
import { applyAll, transform } from "./transforms.ts";
import { listPhrases } from "./values.ts";

const knownMax = 400;
const countedChars = 5_000;

/** What a single run's texts are looked through for; made once a step. */
export function listKnown(origins: Origins, run: number, scope: Scope, step: CleanStep): readonly Known[] {
  const known: Known[] = [];
  for (const draft of origins.parameters.all) {
    const [value] = valuesIn(draft, [run]) ?? [];
    if (value !== undefined && !draft.isJson) known.push(...toForms(value, true, () => draft.id));
  }
  if (scope.makesParameters) {
    const take = (text: string, source: DraftSource): (() => string) => {
      return () => origins.parameters.take({ runs: [run], texts: [text] }, source).id;
    };
    for (const { path, text } of origins.data[run] ?? []) {
      if (isTellingData(text)) known.push(...toForms(text, true, take(text, { from: "data", path })));
    }
    const brief = origins.briefs[run] ?? "";
    const files = origins.files[run] ?? new Map<string, boolean>();
    for (const mention of [...listMentions(brief), ...listPhrases(brief)]) {
      const text = mention.isQuoted ? mention.text : mention.text.replace(/^\/(?=[^/]*$)|(?<=.)\/$/g, "");
      const isSure =
        mention.isQuoted || text !== mention.text || isFileName(mention, brief, files) || isNameOfKind(mention, brief);
      const isValue =
        (standsOut(mention) && !isKnownWord(text, origins, run)) ||
        isNamedAt(brief, mention.from) ||
        isSure ||
        isNameOfKind(mention, brief);
      if (isValue && !isRootFile(text, files)) known.push(...toForms(text, isSure, take(text, { from: "brief" })));
    }
  }
  known.push(...listResults(origins, run, scope), ...listCounts(step, origins, run, scope));
  known.push(...listReplaced(step, origins, run, scope, known));
  return known.slice(0, knownMax).sort((left, right) => right.text.length - left.text.length);
}

function toForms(value: string, isSure: boolean, id: () => string): Known[] {
  const isNumber = shapeOf(value) === "number";
  const isWord = !isSure && shapeOf(value) === "word";
  return listForms(value).map(({ text, transforms }: DerivedForm): Known => {
    return {
      text,
      stands: isNumber ? "apart" : isWord || text.length < 4 ? "alone" : "anywhere",
      toSlot: () => ({ reference: [id()], transforms }),
    };
  });
}

/** One line that a command printed and that is a value by its form. */
function listResults(origins: Origins, run: number, scope: Scope): Known[] {
  return origins.outputsFor([run], scope).flatMap(({ key, leaves }): Known[] => {
    return (leaves[run] ?? []).flatMap(({ path, text, isText }) => {
      const value = text.trim();
      const shape = shapeOf(value);
      if (!isText || value.length < 2 || !["version", "id", "number", "url"].includes(shape)) return [];
      const transforms = value === text ? [] : [transform("trim")];
      if (applyAll(transforms, text) !== value) return [];
      return [
        {
          text: value,
          stands: shape === "number" ? "apart" : "anywhere",
          toSlot: () => ({ reference: ["steps", key, ...path], transforms }),
        },
      ];
    });
  });
}

/** `the table orders`: no word of the language, and of no kind itself. */
function isNameOfKind({ text, from }: Mention, brief: string): boolean {
  return /^[\p{Ll}\d]{3,}$/u.test(text) && !isPlainWord(text) && !isKindWord(text) && followsKind(brief, from);
}

/** Numbers with zeros before them count things: the next one of those that a step listed, or the last. */
function listCounts(step: CleanStep, origins: Origins, run: number, scope: Scope): Known[] {
  const numbers = new Set(
    listLeaves(step.input).flatMap(({ text }) => text.slice(0, countedChars).match(/(?<!\d)0\d{2,7}(?!\d)/g) ?? []),
  );
  return [...numbers].flatMap((text): Known[] => {
    for (const { key, leaves } of origins.outputsFor([run], scope)) {
      for (const leaf of leaves[run] ?? []) {
        const transforms =
          leaf.isText && leaf.path.includes("stdout") ? deriveFromOutput([leaf.text], [text]) : undefined;
        if (transforms === undefined || transforms[0]?.name !== "last-line") continue;
        return [{ text, stands: "anywhere", toSlot: () => ({ reference: ["steps", key, ...leaf.path], transforms }) }];
      }
    }
    return [];
  });
}

/** Capitals alone may be a word of the files, as ARG is one of Dockerfiles. */
function isKnownWord(text: string, origins: Origins, run: number): boolean {
  return /^\p{Lu}+$/u.test(text) && origins.hasShown(text, run);
}

/** A file that is there at the root, like a manifest, is the same one in each run of the work. */
function isRootFile(text: string, files: ReadonlyMap<string, boolean>): boolean {
  return !text.includes("/") && files.get(text) === true;
}

/** `the page home`, where the run works on `pages/home.json`. */
function isFileName({ text, from, to }: Mention, brief: string, files: ReadonlyMap<string, boolean>): boolean {
  if (!/^[\p{L}\p{N}_-]{2,}$/u.test(text) || isPlainWord(text)) return false;
  const isJoined = /[-_\d]/.test(text);
  const around = [
    /([\p{L}\p{N}]+)\s+$/u.exec(brief.slice(0, from))?.[1],
    /^\s+([\p{L}\p{N}]+)/u.exec(brief.slice(to))?.[1],
  ];
  const kinds = around.flatMap((each) =>
    each === undefined || each.length < 3 ? [] : [each.toLowerCase(), `${each.toLowerCase()}s`],
  );
  return [...files.keys()].some((path) => {
    const [base = "", folder = ""] = path.split("/").reverse();
    return base.startsWith(`${text}.`) && folder !== "" && (isJoined || kinds.includes(folder.toLowerCase()));
  });
}

function isTellingData(text: string): boolean {
  return text.length > 2 || /^\d{2,}$/.test(text);
}

/** Whether a brief has it for its own sake: nobody quotes a plain word of the language, or writes one as a path. */
function standsOut({ text, isQuoted }: Mention): boolean {
  if (isQuoted || /^[@#][\p{L}\p{N}]/u.test(text) || /^\p{Lu}.* /u.test(text)) return text.length > 1;
  if (/^\d+\p{L}+$/u.test(text)) return true; // an amount with its unit
  const shape = shapeOf(text);
  if (shape === "number") return text.length > 1;
  if (shape === "word") return /^\p{Lu}{2,}[\p{Lu}\p{N}]+$/u.test(text);
  if (shape === "name" || shape === "path") return text.length > 2;
  return shape !== "text";
}
