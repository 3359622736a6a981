// Task start
//
// Makes one answer of what recall and lessons know. Pure: the same knowledge and question give the same bytes. Owns: what is shown, how
// much of it, and the receipt.

import type { Guidance } from "../contracts/guidance.ts";
import type { ReceiptId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import { sha256, toHex } from "../kernel/digest.ts";
import { chooseAction } from "./first-action.ts";
import { toPrompt } from "./prompt.ts";
import type { Extent, Known } from "./question.ts";
import { showFile, showLesson, showTools, toBuckets } from "./shown.ts";
import { toUncertainty } from "./uncertainty.ts";
import { judge, textShownChars } from "./verdict.ts";

/** How much an answer shows at each depth. */
export const extents: Readonly<Record<"quick" | "full", Extent>> = {
  quick: { files: 5, lessons: 3, tools: 4, textChars: textShownChars, bytes: limits.guidanceBytes },
  full: { files: 20, lessons: 12, tools: 12, textChars: 2_000, bytes: 16 * limits.guidanceBytes },
};

/** The answer to a question. */
export function compose(known: Known): Guidance {
  const { question, files, lessons, playbook, learnedTo, doubts } = known;
  const extent = extents[question.depth];
  const verdict = judge(known);
  const answer = {
    firstAction: chooseAction(known, verdict),
    files: files.files.slice(0, extent.files).map(showFile),
    tools: showTools(known, extent.tools),
    lessons: lessons.lessons.slice(0, extent.lessons).map((lesson) => showLesson(lesson, extent.textChars)),
    buckets: toBuckets(known, verdict, extent),
    uncertainty: toUncertainty(known, verdict),
    gate: verdict.gate,
    ...(doubts.missing.length === 0 ? {} : { missing: doubts.missing.slice(0, extent.files + extent.lessons) }),
    ...(playbook === undefined ? {} : { playbook }),
    learnedTo,
  };
  const { minPosition: _, ...asked } = question;
  const receipt = toReceipt(JSON.stringify([asked, answer]));
  return fitBytes({ ...answer, receipt, prompt: toPrompt(answer) }, extent.bytes);
}

function toReceipt(text: string): ReceiptId {
  return `rcp_${toHex(sha256(text)).slice(0, 20)}`;
}

/** Leaves out, from the ends of its lists, what does not fit. */
function fitBytes(answer: Guidance, bytes: number): Guidance {
  const { buckets } = answer;
  const lists: { pop(): unknown; length: number }[] = [
    buckets.inspectFirst,
    answer.lessons,
    answer.files,
    answer.tools,
    buckets.rehydrate,
    buckets.doNotUse,
    answer.uncertainty.evidenceGaps,
    buckets.useNow,
    answer.missing ?? [],
  ];
  while (Buffer.byteLength(JSON.stringify(answer)) > bytes) {
    const longest = lists.reduce((left, right) =>
      JSON.stringify(right).length > JSON.stringify(left).length ? right : left,
    );
    if (longest.length === 0) break;
    longest.pop();
  }
  return answer;
}
