// Receipts, as operations use them: what is remembered of an answer, what may be credited for it, and why it was so.

import { AionisError } from "../contracts/failures.ts";
import type { Guidance } from "../contracts/guidance.ts";
import type { AgentId, LessonId, ReceiptId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import type { OperationOutput, OperationParsed } from "../contracts/operations/index.ts";
import { type Known, round, showFile } from "../guidance/index.ts";
import type { ScopeStore } from "../kernel/store.ts";

/** What a receipt remembers, as its row holds it. */
type Receipt = Omit<Extract<OperationOutput<"explain">, { of: "receipt" }>, "of" | "receipt" | "at">;

/** What is remembered of `answer`. */
export function toReceipt({ question, files, lessons }: Known, answer: Guidance): Receipt {
  const { gate, buckets, learnedTo, tools, missing } = answer;
  return {
    query: question.query.slice(0, limits.lineChars).toWellFormed(),
    ...{ learnedTo, gate, buckets, tools, ...(missing === undefined ? {} : { missing }) },
    files: files.files.map((file) => ({ ...showFile(file), shares: toShares(file.shares) })),
    lessons: lessons.lessons.map(({ lesson, score, signals }) => ({
      id: lesson.id as LessonId, // made by the runtime
      title: lesson.title.slice(0, limits.nameChars).toWellFormed(),
      score: round(score),
      shares: toShares(signals),
    })),
  };
}

/** To three digits. */
export function toShares(shares: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(shares).map(([name, share]) => [name, round(share)]));
}

/** Only what the receipt showed is credited: what was used of it, or what it said to use. */
export function findCredited(store: ScopeStore, { receipt, used }: OperationParsed<"feedback">): LessonId[] {
  const { lessons, buckets } = readReceipt(store, receipt).body;
  const shown = new Set<string>(lessons.map(({ id }) => id));
  if (used === undefined) return buckets.useNow.flatMap(({ id }) => (isLessonId(id) ? [id] : []));
  const unseen = used.find((id) => !shown.has(id));
  if (unseen === undefined) return [...new Set(used)];
  throw new AionisError(
    "LESSON_NOT_FOUND",
    `${unseen} was not shown by ${receipt}; it showed ${[...shown].join(", ") || "no lesson"}.`,
  );
}

/** The agent's word about one receipt counts once, however often it is given. */
export function toFeedbackId(by: AgentId, { receipt }: OperationParsed<"feedback">): string {
  return `feedback/${receipt}/${by}`.slice(0, limits.idChars).toWellFormed();
}

/** @throws AionisError `RECEIPT_NOT_FOUND` */
export function explainReceipt(store: ScopeStore, receipt: ReceiptId): OperationOutput<"explain"> {
  const { at, body } = readReceipt(store, receipt);
  return { of: "receipt", receipt, at, ...body };
}

function readReceipt(store: ScopeStore, id: ReceiptId): { at: number; body: Receipt } {
  const row = store.receipt(id);
  if (row !== undefined) return { at: row.at, body: JSON.parse(row.body) as Receipt }; // written by `start`
  throw new AionisError(
    "RECEIPT_NOT_FOUND",
    `No answer is remembered under ${id}: the last ${limits.receipts} of ${limits.receiptMs / 86_400_000} days are. nodes.activate credits single lessons.`,
  );
}

function isLessonId(id: string): id is LessonId {
  return /^les_[0-9a-z]{20}$/.test(id);
}

/** Whether it names an answer, and no lesson. */
export function isReceiptId(id: ReceiptId | LessonId): id is ReceiptId {
  return id.startsWith("rcp_");
}
