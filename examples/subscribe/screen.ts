// Screen
//
// What is seen: a line for each notice, indented by its place in the tree; on a terminal, below the lines, that tree as it stands now.
// Owns: what it writes to its stream.

import { stripVTControlCharacters, styleText } from "node:util";
import type { DelegationNotice, OperationOutput } from "aionis";

export type Tree = OperationOutput<"delegation.tree">["nodes"];

export interface Screen {
  showNotice(notice: DelegationNotice, tree: Tree): void;
  /** Draws the tree anew, where it is seen. */
  showTree(tree: Tree): void;
  warn(text: string): void;
}

type Colour = Parameters<typeof styleText>[0];

const colours: Readonly<Record<string, Colour>> = {
  running: "cyan",
  verifying: "cyan",
  paused: "yellow",
  handoff: "magenta",
  succeeded: "green",
  failed: "red",
  cancelled: "red",
};

export function createScreen(stream: NodeJS.WriteStream): Screen {
  const isLive = stream.isTTY && process.env.TERM !== "dumb";
  let tree: Tree = [];
  let linesBelow = 0;

  const paint = (colour: Colour, text: string): string => styleText(colour, text, { stream });

  function showNotice(notice: DelegationNotice, now: Tree): void {
    tree = now;
    const node = now.find(({ task }) => task.id === notice.childId);
    const seq = paint("dim", `#${notice.seq}`.padStart(6));
    print(`${seq} ${"  ".repeat(node?.level ?? 1)}${describe(notice, node?.task.title)}`);
  }

  function print(text: string): void {
    erase();
    stream.write(`${text}\n`);
    draw();
  }

  function erase(): void {
    if (linesBelow > 0) stream.write(`\u001b[${linesBelow}A\u001b[J`); // up, and clear to the end
    linesBelow = 0;
  }

  function draw(): void {
    if (!isLive) return;
    for (const node of tree.slice(-(stream.rows - 2))) {
      // what has left the screen could not be erased
      const line = toLine(node);
      if (stripVTControlCharacters(line).length >= stream.columns) continue; // nor could a wrapped line
      stream.write(`${line}\n`);
      linesBelow += 1;
    }
  }

  function toLine({ task, level, record }: Tree[number]): string {
    const who = record?.claimedBy === undefined ? "" : ` by ${record.claimedBy}`;
    const state = paint(colours[task.state] ?? "dim", record?.outcome ?? task.state);
    return `${"  ".repeat(level)}${level === 0 ? "" : "└─ "}${task.title ?? task.id}: ${state}${who}`;
  }

  return {
    showNotice,
    showTree(now) {
      tree = now;
      erase();
      draw();
    },
    warn: (text) => (isLive ? print(paint("yellow", text)) : void process.stderr.write(`${text}\n`)),
  };
}

/** The texts may have been erased. */
function describe({ fact, packet, ...notice }: DelegationNotice, title = "a part"): string {
  if (fact === "return")
    return `← ${title}: ${notice.return?.outcome ?? "returned"} ${toFirstLine(notice.return?.summary)}`;
  return `→ ${packet?.from.agent ?? "somebody"} asks ${toTarget(packet?.to)}: ${toFirstLine(packet?.brief)}`;
}

function toTarget(to: unknown): string {
  return typeof to === "object" && to !== null ? Object.entries(to).flat().join(" ") : "anyone";
}

function toFirstLine(text = ""): string {
  return text.split("\n", 1)[0] ?? "";
}
