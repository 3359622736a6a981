// Show
//
// Answers for people: lists as tables, single things as cards, explanations as sentences. An operation without a form of its own is
// shown by the shape of its output, so that a new one needs no code here. What was learned is shown by `show-memory.ts`, playbooks by
// `show-playbooks.ts`.

import type { Excerpt, Sides } from "../contracts/concern.ts";
import { EndReason, toReasonSentence } from "../contracts/ending.ts";
import type { JournalEvent } from "../contracts/events.ts";
import type { OperationName, OperationOutput } from "../contracts/operations/index.ts";
import type { Session, SessionAck, SessionEvent } from "../contracts/session.ts";
import type { Ack, Task, TaskState } from "../contracts/task.ts";
import { toIsoTime } from "../kernel/iso-time.ts";
import { toCommand } from "./calls.ts";
import { more, type Style, showAny, showRows, toScalar } from "./shapes.ts";
import { memoryForms } from "./show-memory.ts";
import { playbookForms } from "./show-playbooks.ts";
import { escapeBlock, escapeLine, toTable } from "./text.ts";
import { toDuration } from "./units.ts";
import { toWords } from "./verbs.ts";

type Form<Name extends OperationName> = (output: OperationOutput<Name>, style: Style) => string;

/** The lines for stdout, without the closing newline; empty when there is nothing to say. `name` may be `events.tail` for one event. */
export function show(name: string, output: unknown, style: Style): string {
  if (name === "events.tail") return showEvent(output as JournalEvent, style);
  const form = forms[name as OperationName] as ((output: unknown, style: Style) => string) | undefined; // the table pairs name and output
  if (form !== undefined) return form(output, style);
  if (isAck(output)) return showAck(output, style);
  const page = toPage(output);
  return page === undefined ? showAny(output, style) : showPage(name, page, style);
}

const forms: { readonly [Name in OperationName]?: Form<Name> } = {
  ...memoryForms,
  ...playbookForms,
  "tasks.list": showTasks,
  "tasks.get": ({ task, content }, style) => showTask(task, content, style),
  "tasks.watch": showWatched,
  "tasks.explain": showExplanation,
  "tasks.claim": ({ assignment }, style) => (assignment === null ? "Nothing to claim." : showAny(assignment, style)),
  "handoff.claim": ({ assignment }, style) => showAny(assignment, style),
  "tasks.step": ({ receipt }, style) => showAny(receipt, style),
  "tasks.steps": ({ steps, next }, style) =>
    steps.length === 0 ? "No steps." : `${showRows(steps, style)}${more(next, "task steps", "after", style)}`,
  "sessions.create": showSessionAck,
  "sessions.event": showSessionAck,
  "sessions.close": showSessionAck,
  "sessions.list": showSessions,
  "sessions.events": ({ events, next }, style) =>
    events.length === 0
      ? "No events."
      : `${events.map((event) => showSessionEvent(event, style)).join("\n")}${more(next, "session events", "after", style)}`,
  "events.read": ({ events }, style) => events.map((event) => showEvent(event, style)).join("\n"),
  "delegation.tree": showTree,
  "store.verify": showVerified,
  "store.rebuild": showRebuilt,
};

function showTasks({ tasks, cursor }: OperationOutput<"tasks.list">, style: Style): string {
  if (tasks.length === 0) return "No tasks.";
  const rows = tasks.map((task) => [
    task.id,
    showState(task.state, style),
    escapeLine(task.kind),
    escapeLine(whoOf(task)),
    toIsoTime(task.updatedAt),
    escapeLine(task.title ?? ""),
  ]);
  const head = ["ID", "STATE", "KIND", "WHO", "UPDATED", "TITLE"].map(style.dim);
  return `${toTable([head, ...rows], style.columns)}${more(cursor, "task ls", "cursor", style)}`;
}

function showSessions({ sessions, cursor }: OperationOutput<"sessions.list">, style: Style): string {
  if (sessions.length === 0) return "No sessions.";
  const rows = sessions.map((session) => [
    session.sessionId,
    showStatus(session.status, style),
    escapeLine(session.agent),
    String(session.eventsRecorded),
    toIsoTime(session.updatedAt),
    escapeLine(session.title ?? ""),
  ]);
  const head = ["ID", "STATUS", "AGENT", "EVENTS", "UPDATED", "TITLE"].map(style.dim);
  return `${toTable([head, ...rows], style.columns)}${more(cursor, "session ls", "cursor", style)}`;
}

function showStatus(status: Session["status"], style: Style): string {
  if (status === "open") return style.cyan(status);
  return status === "closed" ? style.green(status) : style.red(status);
}

function showSessionAck({ sessionId, seq, status }: SessionAck, style: Style): string {
  return `${style.bold(sessionId)}  ${showStatus(status, style)}  ${style.dim(`event ${seq}`)}`;
}

/** Who noted what when, and below it the text. */
function showSessionEvent({ seq, at, agent, kind, title, text, data }: SessionEvent, style: Style): string {
  const head = [
    String(seq).padStart(6),
    style.dim(toIsoTime(at)),
    style.cyan(escapeLine(kind)),
    `by ${escapeLine(agent)}`,
    ...(title === undefined ? [] : [style.bold(escapeLine(title))]),
  ].join("  ");
  const texts = [text, data === undefined ? undefined : JSON.stringify(data)].filter((part) => part !== undefined);
  return [head, ...texts.map((part) => escapeBlock(part, "        "))].join("\n");
}

/** A task in a line, what it delegated below it and further in. */
function showTree({ nodes, cursor }: OperationOutput<"delegation.tree">, style: Style): string {
  const rows = nodes.map(({ task, level }) => [
    `${"  ".repeat(level)}${task.id}`,
    showState(task.state, style),
    escapeLine(whoOf(task)),
    escapeLine(task.title ?? ""),
  ]);
  return `${toTable(rows, style.columns)}${more(cursor, "delegation tree ID", "cursor", style)}`;
}

function whoOf(task: Task): string {
  switch (task.state) {
    case "start":
    case "handoff":
      return `→ ${toTargetText(task.to)}`;
    case "running":
    case "verifying":
      return task.owner.agent;
    case "paused":
      return toAsked(task.pauses);
    case "failed":
    case "cancelled":
      return task.outcome.reason.code;
    default:
      return "";
  }
}

/** The questions that are open by those who are to answer them. */
function toAsked(pauses: Task["pauses"]): string {
  const approvers = pauses.filter(({ asks }) => asks).map(({ approver }) => approver ?? "anyone");
  const isOfCode = pauses.some(({ concerns }) => concerns?.waitsForCode === true);
  return approvers.length === 0 ? "" : `? ${[...new Set(approvers)].join(", ")}${isOfCode ? ", or other code" : ""}`;
}

function toTargetText(to: Extract<Task, { state: "start" }>["to"]): string {
  if (to === "any") return "any";
  return "agent" in to ? `agent:${to.agent}` : `role:${to.role}`;
}

const colours: Readonly<Partial<Record<TaskState, "red" | "green" | "yellow" | "cyan">>> = {
  running: "cyan",
  verifying: "cyan",
  paused: "yellow",
  handoff: "yellow",
  succeeded: "green",
  replayed: "green",
  promoted: "green",
  failed: "red",
  cancelled: "red",
};

function showState(state: TaskState, style: Style): string {
  const colour = colours[state];
  return colour === undefined ? state : style[colour](state);
}

type Content = OperationOutput<"tasks.get">["content"];

function showTask(task: Task, content: Content | undefined, style: Style): string {
  const { id, state, title, rootId, pauses: _, ...rest } = task;
  const head = `${style.bold(id)}  ${showState(state, style)}`;
  const { brief = title, pauses = task.pauses, outcome, ...others } = content ?? {};
  const { why, ...ended } = splitOutcome(outcome);
  const blocks = brief === undefined ? [] : [escapeBlock(brief, "  ")];
  if (why !== undefined) blocks.push(`${style.dim(`why it is ${state}`)}\n${escapeBlock(why, "  ")}`);
  for (const pause of pauses) blocks.push(showPause(id, pause, style));
  const facts = { ...(rootId === id ? {} : { rootId }), ...rest, ...ended, ...others };
  return [head, ...blocks, showAny(facts, style)].join("\n");
}

/** The sentence that says why a task ended without success, apart from what else it ended with. */
function splitOutcome(outcome: unknown): { why?: string; outcome?: unknown } {
  if (typeof outcome !== "object" || outcome === null) return { outcome };
  const { reason: found, ...rest } = outcome as { reason?: unknown }; // any object can be looked at so
  const reason = EndReason.safeParse(found);
  return reason.success
    ? { why: toReasonSentence(reason.data), outcome: { ...rest, reason: reason.data } }
    : { outcome };
}

/** What is asked, by whom it is answered, and the command that answers it and no other. */
function showPause(taskId: string, pause: Content["pauses"][number], style: Style): string {
  const { pauseId, asks, question, answerSchema, approver, expiresAt, recorded, present } = pause;
  const told = { ...(asks ? { answer: "ANSWER" } : {}), taskId, pauseId };
  const facts = [
    asks ? "question" : "pause",
    ...(approver === undefined ? [] : [`for ${escapeLine(approver)}`]),
    ...(expiresAt === undefined ? [] : [`until ${toIsoTime(expiresAt)}`]),
    ...(answerSchema === undefined ? [] : [`takes ${escapeLine(JSON.stringify(answerSchema))}`]),
  ];
  const text = question === undefined ? [] : [escapeBlock(question, "  ")];
  const command = `  ${toCommand(asks ? "tasks.answer" : "tasks.resume", told)}`;
  return [style.dim(facts.join("  ")), ...text, ...showSides({ recorded, present }, style), command].join("\n");
}

/** What is recorded and what comes now, one below the other, so that the difference can be seen. */
function showSides({ recorded, present }: Sides, style: Style): string[] {
  const sides = [
    ["recorded", recorded],
    ["now     ", present],
  ] as const;
  return sides.flatMap(([word, side]) => {
    if (side === undefined) return [];
    const { tool, input } = side;
    const part =
      input === undefined ? "no input" : `${input.from > 0 ? "… " : ""}${escapeLine(input.json)}${toRest(input)}`;
    return [`  ${style.dim(word)}  ${tool === undefined ? "" : `${escapeLine(tool)}  `}${part}`];
  });
}

function toRest({ json, chars, from }: Excerpt): string {
  return from + json.length < chars ? ` … ${chars} characters` : "";
}

/** A line for a change, and the whole card when it has ended. */
function showWatched({ task, hasEnded, content }: OperationOutput<"tasks.watch">, style: Style): string {
  if (hasEnded) return showTask(task, content, style);
  const facts = `revision ${task.revision}  epoch ${task.epoch}  steps ${task.stepsRecorded}`;
  const who = escapeLine(whoOf(task));
  return `${toIsoTime(task.updatedAt)}  ${showState(task.state, style)}  ${style.dim(facts)}${who === "" ? "" : `  ${who}`}`;
}

/** Lengths of time are given in milliseconds there; people read them in larger units. */
function showExplanation(explanation: OperationOutput<"tasks.explain">, style: Style): string {
  const { taskId, state, because, allowed, moves } = explanation;
  const readable = (text: string): string =>
    escapeLine(text).replace(/\b(\d+) ms\b/g, (_, ms: string) => toDuration(Number(ms)));
  const lines = [`${style.bold(taskId)} is ${showState(state, style)}. ${readable(because)}`];
  if (moves.length > 0) lines.push(`What moves it: ${moves.map((move) => toVerbs(readable(move))).join(", or ")}.`);
  if (allowed.length > 0) lines.push(`It takes: ${allowed.map((name) => escapeLine(toWords(name))).join(", ")}.`);
  return lines.join("\n");
}

function toVerbs(text: string): string {
  return text.replace(/\b[a-z]+\.[a-zA-Z]+\b/g, (name) => {
    const words = toWords(name);
    return words === name ? name : `\`aionis ${words}\``;
  });
}

function showEvent(event: JournalEvent, style: Style): string {
  const facts = Object.entries(event.facts)
    .filter(([, value]) => value !== undefined && typeof value !== "object")
    .map(([key, value]) => `${key}=${escapeLine(toScalar(key, value))}`);
  const line = [
    String(event.seq).padStart(6),
    style.dim(toIsoTime(event.at)),
    event.taskId,
    style.cyan(event.type.padEnd(18)),
    style.dim(`epoch ${event.epoch}`),
    `by ${escapeLine(event.by)}`,
    style.dim(facts.join(" ")),
  ];
  return line.join("  ").trimEnd();
}

function showVerified({ ok, events, tasks, problems }: OperationOutput<"store.verify">, style: Style): string {
  const counts = `${events} events, ${tasks} tasks`;
  if (ok) return `${style.green("ok")}: ${counts}`;
  return `${style.red("damaged")}: ${counts}, ${problems.length} problems\n${showProblems(problems, style)}`;
}

function showRebuilt({ events, tasks, mended }: OperationOutput<"store.rebuild">, style: Style): string {
  const counts = `${style.green("rebuilt")}: ${events} events, ${tasks} tasks, ${mended.length} mended`;
  return mended.length === 0 ? counts : `${counts}\n${showProblems(mended, style)}`;
}

function showProblems(problems: OperationOutput<"store.verify">["problems"], style: Style): string {
  const rows = problems.map(({ what, table, key, seq, mend }) => [
    `${table ?? ""}`,
    seq === undefined ? escapeLine(key ?? "") : `event ${seq}`,
    mends[mend],
    escapeLine(what),
  ]);
  return toTable(rows, style.columns);
}

const mends = { rebuild: "aionis rebuild", backup: "restore a backup", restart: "start again" } as const;

function isAck(output: unknown): output is Ack {
  return typeof output === "object" && output !== null && "taskId" in output && "seq" in output && "state" in output;
}

interface Page {
  items: readonly unknown[];
  /** Where the next page begins. */
  cursor: string | undefined;
}

/** A list and nothing beside it, but perhaps where the next page begins. */
function toPage(output: unknown): Page | undefined {
  if (typeof output !== "object" || output === null) return undefined;
  const { cursor, ...rest } = output as Record<string, unknown>; // any object can be looked at so
  const [items, ...others] = Object.values(rest);
  if (!Array.isArray(items) || others.length > 0) return undefined;
  return { items, cursor: typeof cursor === "string" ? cursor : undefined };
}

function showPage(name: string, { items, cursor }: Page, style: Style): string {
  if (items.length === 0) return "Nothing.";
  return `${showRows(items, style)}${more(cursor, toWords(name), "cursor", style)}`;
}

/** What a command recorded: the task, where it stands, and what else the reply names. */
function showAck({ taskId, seq, at: _, epoch, state, ...rest }: Ack, style: Style): string {
  const line = `${style.bold(taskId)}  ${showState(state, style)}  ${style.dim(`epoch ${epoch}  event ${seq}`)}`;
  return Object.keys(rest).length === 0 ? line : `${line}\n${showAny(rest, style)}`;
}
