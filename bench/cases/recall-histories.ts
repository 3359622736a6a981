// Histories: finished tasks, oldest first, from files of one JSON object a line or from a checkout's commits.

import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { type GitEpisode, listFilesAt, readGitHistory } from "../../src/import/index.ts";
import { bounds } from "../../src/recall/bounds.ts";
import type { RecallEpisode } from "../../src/recall/index.ts";

/** A finished task. */
export interface PastTask extends RecallEpisode {
  /** The files that the project held before; without one, only what a history tells is known. */
  listTree?: () => Promise<readonly string[]>;
}

export interface History {
  name: string;
  tasks: readonly PastTask[];
}

/** A file of one JSON object a line with `at` in seconds, `goal` and `files`. */
export function readHistoryFile(file: string): History {
  const lines = readFileSync(file, "utf8").split("\n");
  const tasks = lines.flatMap((line) => (line.trim() === "" ? [] : [JSON.parse(line) as RecallEpisode])); // the caller names it as a history
  return { name: basename(file, ".jsonl"), tasks };
}

/** The commits of a checkout's branch, without robots, merges and the like, as the runtime imports them. */
export async function readCheckout(folder: string): Promise<History> {
  const tasks: PastTask[] = [];
  for await (const { id, at, goal, files, renames } of readGitHistory({ folder })) {
    tasks.push({
      ...{ goal, files, renames, at: Math.floor(at / 1_000), source: "import" },
      listTree: () => listBefore(folder, id),
    });
  }
  return { name: basename(resolve(folder)), tasks };
}

/** What a history alone knows of the same tasks: no trees and no renames. */
export function forgetCheckout({ name, tasks }: History): History {
  return { name, tasks: tasks.map(({ goal, at, files, source }) => ({ goal, at, files, source })) };
}

/** Without the bodies of the messages, which were written after the work. */
export function forgetBodies({ name, tasks }: History): History {
  return { name, tasks: tasks.map((task) => ({ ...task, goal: task.goal.split(/ — |\n/, 1)[0] ?? "" })) };
}

async function listBefore(folder: string, id: GitEpisode["id"]): Promise<readonly string[]> {
  try {
    return (await listFilesAt({ folder, commit: `${id}^`, filesMax: bounds.treeFiles })).files;
  } catch {
    return []; // the first commit has none before it
  }
}
