// View
//
// The journal as it grows, for people: a line for each event that matters, and on a terminal a live list of the tasks below. Owns: what it
// writes to its stream. Does not own: what happens.

import { stripVTControlCharacters, styleText } from "node:util";
import type { JournalEvent, TaskState } from "aionis";
import { readTestResults } from "./test-results.ts";
import { stateAfter } from "./timeline.ts";

export type Colour = "bold" | "dim" | "red" | "green" | "yellow" | "cyan" | "magenta";

export interface View {
  /** Shows an event, if it says something to people. */
  show(event: JournalEvent): void;
  /** Shows what the demo itself does to the others. */
  note(text: string): void;
  /** Colours `text` if the stream shows colours (NO_COLOR is respected). */
  paint(colour: Colour, text: string): string;
  /** Writes lines as they are. */
  print(text: string): void;
  /** Takes the live list away. Safe to call twice. */
  close(): void;
}

const spinner = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";
const spinMs = 80;

export const stateColours: Readonly<Partial<Record<TaskState | "lost", Colour>>> = {
  running: "cyan",
  verifying: "cyan",
  paused: "yellow",
  handoff: "magenta",
  succeeded: "green",
  lost: "red",
  failed: "red",
  cancelled: "red",
};

/** A view on `stream`; it is live when that is a terminal. */
export function createView(stream: NodeJS.WriteStream): View {
  let isLive = stream.isTTY && process.env.TERM !== "dumb";
  const tasks = new Map<string, { kind: string; branch: string; state: TaskState; who: string; steps: number }>();
  let startedAt: number | undefined;
  let linesBelow = 0;
  let turn = 0;
  const timer = isLive ? setInterval(redraw, spinMs).unref() : undefined;

  const paint = (colour: Colour, text: string): string => styleText(colour, text, { stream });

  function show(event: JournalEvent): void {
    startedAt ??= event.at;
    const { taskId, facts } = event;
    const branch = facts.parentId === undefined ? "" : "└─ ";
    const task = tasks.get(taskId) ?? { kind: String(facts.kind), branch, state: "start", who: "", steps: 0 };
    const state = stateAfter(event);
    tasks.set(taskId, task);
    if (state !== undefined) Object.assign(task, { state, who: state === "running" ? event.by : "" });
    if (event.type === "handoff.claimed") task.steps = 0; // a stage begins
    if (event.type === "step.succeeded") task.steps += 1;
    const text = describe(event, task.steps);
    if (text !== undefined) write(event.at - startedAt, task.kind, state, text);
  }

  function note(text: string): void {
    write(Date.now() - (startedAt ?? Date.now()), "demo", undefined, paint("red", text));
  }

  function write(ms: number, label: string, state: TaskState | undefined, text: string): void {
    const time = paint("dim", `${(ms / 1000).toFixed(2).padStart(6)}s`);
    print(`${time}  ${label.padEnd(10)} ${toState(state, 10)} ${text}`);
  }

  function toState(state: TaskState | undefined, width: number): string {
    const text = (state ?? "").padEnd(width);
    const colour = state === undefined ? undefined : stateColours[state];
    return colour === undefined ? text : paint(colour, text);
  }

  function print(text: string): void {
    erase();
    stream.write(`${text}\n`);
    if (isLive) draw();
  }

  function redraw(): void {
    turn += 1;
    erase();
    draw();
  }

  function erase(): void {
    if (linesBelow > 0) stream.write(`\u001b[${linesBelow}A\u001b[J`); // up, and clear to the end
    linesBelow = 0;
  }

  function draw(): void {
    for (const { kind, branch, state, who } of tasks.values()) {
      const mark = state === "succeeded" ? "✔" : (spinner[turn % spinner.length] ?? "");
      const line = `${paint(stateColours[state] ?? "dim", mark)} ${`${branch}${kind}`.padEnd(13)} ${toState(state, 10)} ${who}`;
      if (stripVTControlCharacters(line).length >= stream.columns) continue; // a wrapped line could not be erased
      stream.write(`${line}\n`);
      linesBelow += 1;
    }
  }

  function close(): void {
    clearInterval(timer);
    erase();
    isLive = false;
  }

  return { show, note, paint, print, close };
}

/** An event in words; undefined for those that another line already tells of. `steps` are recorded in the task's stage. */
function describe({ type, by, epoch, facts, body = {} }: JournalEvent, steps: number): string | undefined {
  switch (type) {
    case "task.created":
      if (facts.kind === "memory") return undefined; // what is learned tells of itself
      return facts.parentId === undefined ? String(body.brief) : undefined; // else the delegation tells of it
    case "task.claimed":
    case "handoff.claimed":
      return `${by} takes it (epoch ${epoch})${steps === 0 ? "" : ` and goes on after ${toCount(steps, "recorded step")}`}`;
    case "step.begun": // it ends soon, or its worker has died
      return undefined;
    case "step.succeeded":
      return `  ${by}: ${String(facts.name)}${toResult(facts.name, body.output)}`;
    case "step.failed":
      return `  ${by}: ${String(facts.name)} failed: ${String(body.error)}`;
    case "handoff.offered":
      return `${by} hands over to ${toTarget(facts.to)}: ${toPacket(body).nextAction}`;
    case "delegation.sent":
      return `${by} delegates to ${toTarget(facts.to)}: ${toPacket(body).nextAction}`;
    case "delegation.returned":
      return `what was delegated came back: ${String(facts.outcome)}`;
    case "lease.expired":
      return "no heartbeat: the lease ran out, its recorded steps stay";
    case "task.paused":
      return `${by} asks: ${String(body.question)}`;
    case "lesson.observed":
      return `learned how this is done: "${String(toContent(body).goal)}"`;
    case "task.answered":
      return `${by} answers: ${JSON.stringify(body.answer)}`;
    case "task.completed":
      return facts.next === "verifying" ? `${by} says it is done; the check runs` : `${by} is done`;
    case "checks.passed":
      return "the check passed: verified";
    default:
      return `${type} by ${by}`;
  }
}

function toResult(name: unknown, output: unknown): string {
  const printed = (output as { stdout?: string } | undefined)?.stdout ?? ""; // there in what a command gives
  if (name !== "tests") return printed === "" ? "" : `: ${printed.trim().split("\n")[0]}`;
  const { passed, failed } = readTestResults(printed);
  return `: ${passed} passed, ${failed} failed`;
}

/** `1 step`, `2 steps`. */
export function toCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function toTarget(to: unknown): string {
  return typeof to === "object" && to !== null ? Object.entries(to).flat().join(" ") : String(to);
}

function toContent(body: NonNullable<JournalEvent["body"]>): { goal?: unknown } {
  return (body.content ?? {}) as { goal?: unknown }; // of a lesson's event
}

function toPacket(body: NonNullable<JournalEvent["body"]>): { nextAction: string } {
  return body.packet as { nextAction: string }; // every agent of the demo writes one
}
