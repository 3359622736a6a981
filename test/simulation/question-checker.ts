// Questions
//
// Reads a journal as a stranger would, and says which ends of pauses belong to no open pause, and which answers reached another question
// than that which their author read (I14). The programs of a run say in each answer which question it is for.

import type { EventHeader } from "../../src/contracts/events.ts";
import type { StoredEvent } from "../../src/kernel/store.ts";
import { isEnding } from "./history.ts";

/** An answer as the programs of a run give it. */
export interface Answer {
  /** The question that its author read. */
  to: string;
}

export function toAnswer(question: string | undefined): Answer {
  return { to: question ?? "" };
}

/** The open pauses of a task, each with its question. */
type Open = Map<string, string>;

const closing: ReadonlySet<EventHeader["type"]> = new Set(["handoff.offered", "handoff.returned", "task.completed"]);

export function checkQuestions(
  events: readonly EventHeader[],
  journal: readonly Pick<StoredEvent, "body">[],
): string[] {
  const open = new Map<string, Open>();
  const asked = new Set<string>();
  return events.flatMap((event, index) => {
    const ofTask = open.get(event.taskId) ?? new Map<string, string>();
    open.set(event.taskId, ofTask);
    return checkEvent(event, { ofTask, asked, body: JSON.parse(journal[index]?.body ?? "{}") as Body });
  });
}

interface Body {
  question?: string;
  answer?: Partial<Answer>;
}

function checkEvent(event: EventHeader, { ofTask, asked, body }: { ofTask: Open; asked: Set<string>; body: Body }) {
  const at = `event ${event.seq} (${event.type}) of ${event.taskId}`;
  switch (event.type) {
    case "task.paused": {
      const { pauseId, withdrawn } = event.facts;
      for (const id of withdrawn) ofTask.delete(id);
      const isAgain = asked.has(pauseId);
      asked.add(pauseId);
      ofTask.set(pauseId, body.question ?? "");
      return isAgain ? [`I14: ${at} opens ${pauseId} again`] : [];
    }
    case "task.rested":
      for (const id of event.facts.withdrawn) ofTask.delete(id);
      return [];
    case "task.answered":
    case "task.resumed":
    case "pause.expired":
      return checkEnd(event, at, ofTask, body);
    default:
      if (isEnding(event) || closing.has(event.type)) ofTask.clear();
      return [];
  }
}

function checkEnd(
  { type, facts }: EventHeader<"task.answered" | "task.resumed" | "pause.expired">,
  at: string,
  ofTask: Open,
  { answer }: Body,
): string[] {
  const question = ofTask.get(facts.pauseId);
  if (question === undefined) return [`I14: ${at} ends ${facts.pauseId}, which is not open`];
  ofTask.delete(facts.pauseId);
  const isMisled = type === "task.answered" && typeof answer?.to === "string" && answer.to !== question;
  return isMisled ? [`I14: ${at} answers "${question}" with what was said to "${answer.to}"`] : [];
}
