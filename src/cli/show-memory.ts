// Showing what was learned: answers of task start, lessons, explanations. Everything in them may have been written by a tool or by a stranger
// (X1).

import type { OperationName, OperationOutput } from "../contracts/operations/index.ts";
import { toIsoTime } from "../kernel/iso-time.ts";
import { toCommand } from "./calls.ts";
import { more, type Style, showAny } from "./shapes.ts";
import { escapeBlock, escapeLine, toTable } from "./text.ts";

type Form<Name extends OperationName> = (output: OperationOutput<Name>, style: Style) => string;
type Answer = OperationOutput<"taskStart">;
type Action = OperationOutput<"actionRetrieval">;
type Explained = OperationOutput<"explain">;
type ShownLesson = Answer["lessons"][number];
type Lesson = OperationOutput<"memory.get">;

/** The operations about memory that have a form of their own. */
export const memoryForms: { readonly [Name in OperationName]?: Form<Name> } = {
  taskStart: showAnswer,
  planningContext: showAnswer,
  actionRetrieval: showAction,
  explain: (explained, style) =>
    explained.of === "receipt" ? showReceipt(explained, style) : showHistory(explained, style),
  feedback: showCredited,
  "nodes.activate": showCredited,
  "memory.write": ({ id, seq }, style) => `${style.bold(id)}  ${style.dim(`event ${seq}`)}`,
  "memory.recall": ({ lessons }, style) => showLessons(lessons, style),
  "memory.find": ({ lessons, cursor }, style) =>
    `${showLessons(lessons, style)}${more(cursor, "memory find", "cursor", style)}`,
  "memory.get": showLesson,
};

/** What to do first, what to do before that, and what both rest on. */
function showAnswer(answer: Answer, style: Style): string {
  const { files, tools, lessons, buckets, playbook, receipt } = answer;
  const avoided = new Map<string, string>(buckets.doNotUse.map(({ id, why }) => [id, why]));
  return [
    ...showHead(answer, style),
    ...showMissing(answer.missing, style),
    ...(playbook === undefined ? [] : [showOffer(playbook, style)]),
    ...showSection(
      "files",
      files.map(({ path, probability, because }) => [
        toShare(probability),
        escapeLine(path),
        style.dim(because.map(escapeLine).join(", ")),
      ]),
      style,
    ),
    ...showSection(
      "tools",
      tools
        .filter(({ share }) => share > 0)
        .map(({ tool, share, because }) => [toShare(share), escapeLine(tool), style.dim(escapeLine(because))]),
      style,
    ),
    ...showSection(
      "lessons",
      lessons.map((lesson) => toLessonRow(lesson, style)),
      style,
    ),
    ...showSection(
      "do not use",
      [...avoided].map(([id, why]) => [escapeLine(id), escapeLine(why)]),
      style,
    ),
    showReceiptLine(receipt, style),
  ].join("\n");
}

function showOffer({ id, title, state, missing }: NonNullable<Answer["playbook"]>, style: Style): string {
  const asks = missing.map((name) => ` --param ${name}=…`).join("");
  return `${style.dim("playbook")}  ${state}  ${escapeLine(title)}  ${style.dim(`then: aionis playbook run ${id} --mode strict${asks}`)}`;
}

function showAction(answer: Action, style: Style): string {
  const { evidence, receipt } = answer;
  const rows = evidence.map(({ id, says, source, events }) => [
    escapeLine(id),
    escapeLine(source),
    events.length === 0 ? "" : `event ${events.join(", ")}`,
    escapeLine(says),
  ]);
  const head = showHead({ ...answer, firstAction: answer.action }, style);
  const missing = showMissing(answer.missing, style);
  return [...head, ...missing, ...showSection("evidence", rows, style), showReceiptLine(receipt, style)].join("\n");
}

function showMissing(missing: Answer["missing"] = [], style: Style): string[] {
  const rows = missing.map(({ path, state, to }) => [state, escapeLine(path), to === undefined ? "" : escapeLine(to)]);
  return showSection("not there any more", rows, style);
}

type Head = Pick<Answer, "firstAction" | "gate" | "uncertainty">;

function showHead({ firstAction, gate, uncertainty }: Head, style: Style): string[] {
  const { level, confidence, evidenceGaps } = uncertainty;
  const colour = level === "low" ? style.green : level === "medium" ? style.yellow : style.red;
  const clear = gate.clearWith;
  return [
    style.bold(escapeLine(firstAction.text)),
    `${style.dim("gate")}  ${showGate(gate.action, style)}  ${escapeLine(gate.reason)}`,
    ...(clear === undefined ? [] : [`      ${style.dim("clear it:")} ${toCommand(clear.operation, clear.input)}`]),
    `${style.dim("uncertainty")}  ${colour(level)}${confidence > 0 ? `  ${toShare(confidence).trim()} of such answers are right` : ""}`,
    ...evidenceGaps.map((gap) => `      ${style.dim("missing:")} ${escapeLine(gap)}`),
  ];
}

function showGate(action: Answer["gate"]["action"], style: Style): string {
  const words = action.replaceAll("_", " ");
  return action === "proceed" ? style.green(words) : style.yellow(words);
}

function showReceiptLine(receipt: string, style: Style): string {
  return `${style.dim("receipt")}  ${receipt}  ${style.dim(`then: aionis feedback ${receipt} succeeded|failed`)}`;
}

/** A label, and below it a table; nothing without rows. */
function showSection(label: string, rows: readonly (readonly string[])[], style: Style): string[] {
  if (rows.length === 0) return [];
  const columns = style.columns === undefined ? undefined : style.columns - indent.length;
  const table = toTable(rows, columns).split("\n");
  return [style.dim(label), ...table.map((line) => `${indent}${line}`)];
}

const indent = "  ";

function showLessons(lessons: readonly ShownLesson[], style: Style): string {
  if (lessons.length === 0) return "No lessons.";
  return toTable(
    lessons.map((lesson) => toLessonRow(lesson, style)),
    style.columns,
  );
}

function toLessonRow(
  { id, kind, state, source, runs, verified, failures, title }: ShownLesson,
  style: Style,
): string[] {
  const colour =
    state === "trusted" ? style.green : state === "contested" || state === "retired" ? style.red : style.yellow;
  const evidence = kind === "workflow" ? `${runs} runs, ${verified} verified, ${failures} failed` : `by ${source}`;
  return [id, kind, colour(state), style.dim(evidence), escapeLine(title)];
}

function showLesson(lesson: Lesson, style: Style): string {
  const { id, kind, state, title, text, evidence, missing, ...rest } = lesson;
  const known = evidence.map(({ seq, strength, outcome }) => [`event ${seq}`, strength, outcome]);
  return [
    `${style.bold(id)}  ${kind}  ${state}`,
    `  ${escapeLine(title)}`,
    ...(text === title ? [] : [escapeBlock(text, "  ")]),
    showAny(rest, style),
    ...showSection("evidence", known, style),
    ...showSection(
      "missing for trust",
      missing.map((what) => [escapeLine(what)]),
      style,
    ),
  ].join("\n");
}

function showHistory({ lesson, history }: Extract<Explained, { of: "lesson" }>, style: Style): string {
  const rows = history.map(({ seq, at, move, from, to, run, missing }) => [
    `event ${seq}`,
    toIsoTime(at),
    escapeLine(move),
    from === null || from === to ? to : `${from} → ${to}`,
    run ?? "",
    missing.map(escapeLine).join("; "),
  ]);
  return [showLesson(lesson, style), ...showSection("moves", rows, style)].join("\n");
}

function showReceipt(receipt: Extract<Explained, { of: "receipt" }>, style: Style): string {
  const { at, query, gate, files, lessons, learnedTo } = receipt;
  return [
    `${style.bold(receipt.receipt)}  ${toIsoTime(at)}  ${style.dim(`knew up to event ${learnedTo}`)}`,
    escapeBlock(query, "  "),
    `${style.dim("gate")}  ${showGate(gate.action, style)}  ${escapeLine(gate.reason)}`,
    ...showSection(
      "files",
      files.map(({ path, probability, shares }) => [
        toShare(probability),
        escapeLine(path),
        style.dim(toShares(shares)),
      ]),
      style,
    ),
    ...showSection(
      "lessons",
      lessons.map(({ id, title, score, shares }) => [
        score.toFixed(2),
        id,
        escapeLine(title),
        style.dim(toShares(shares)),
      ]),
      style,
    ),
  ].join("\n");
}

const sharesShown = 6;

/** The signals that count most for or against it. */
function toShares(shares: Readonly<Record<string, number>>): string {
  const strongest = Object.entries(shares)
    .filter(([, share]) => Math.abs(share) >= 0.005)
    .sort(([, left], [, right]) => Math.abs(right) - Math.abs(left))
    .slice(0, sharesShown);
  return strongest.map(([name, share]) => `${escapeLine(name)} ${share > 0 ? "+" : ""}${share.toFixed(2)}`).join(", ");
}

function showCredited({ credited, seq }: OperationOutput<"feedback">, style: Style): string {
  const what = credited.length === 0 ? "no lesson is credited" : `credited ${credited.join(", ")}`;
  return `${what}  ${style.dim(`event ${seq}`)}`;
}

function toShare(share: number): string {
  return `${Math.round(share * 100)} %`.padStart(5);
}
