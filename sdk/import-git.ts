// Import of a git history
//
// Reads a repository of this machine and hands what it holds to a runtime, wherever that is. Owns: batches, and what makes repeating them
// harmless. Does not own: what counts as an episode, and which part of the history is left (src/import).
//
// Invariants:
//   G1. A batch and how far the history is taken over with it are one command, whose id is made from both: sent again after a crash, or by
//       two imports at once, it takes effect once.
//   G2. Only one batch is held, whatever the length of the history.

import { limits } from "../src/contracts/limits.ts";
import type { OperationInput, OperationOutput } from "../src/contracts/operations/index.ts";
import {
  type GitEpisode,
  type GitPart,
  identifyGitHistory,
  type LeftOut,
  planGitImport,
  readGitHistory,
  toCursorText,
} from "../src/import/index.ts";
import { sha256, toHex } from "../src/kernel/digest.ts";
import type { CallOptions, Client } from "./client.ts";

export interface GitImportOptions extends Pick<CallOptions, "timeoutMs" | "signal"> {
  /** Only what was committed from then on, in milliseconds since 1970. */
  since?: number;
  /** Only the newest so many commits. What is older stays out: later imports go forward. */
  max?: number;
  /** Called for each commit that was read. */
  onProgress?: (progress: GitImportProgress) => void;
}

export interface GitImportProgress {
  /** How many commits there are to read. */
  commits: number;
  /** How many of them were read. */
  read: number;
  /** How many episodes stand in the journal by now. */
  episodes: number;
}

/** What one import took over. */
export interface GitImport {
  /** The name of the history, the same for every clone. */
  source: string;
  episodes: number;
  /** Commits that are no episodes, by the reason. */
  leftOut: Partial<Record<LeftOut, number>>;
  /** Commits that were read. */
  commits: number;
  /** The commit up to which the history is taken over now. */
  head: string;
  /** Whether the clone's history is cut off: what it lacks was not read. */
  isShallow: boolean;
  /** Whether everything had been taken over before. */
  upToDate: boolean;
  /** The last event of the import, for `minPosition`: what it holds counts when learning has come there. */
  seq?: number;
}

type Batch = OperationInput<"memory.import">["episodes"];

const batchChars = 500_000; // in UTF-8, half of what one event holds
const atMax = 253_402_300_799_999; // the year 9999: a commit can bear any time, also one that no calendar has
const idChars = 32;

/**
 * Takes over what the history of the repository at `folder` holds beyond earlier imports. What was taken over stays when it fails or is given up.
 * @throws AionisError `INPUT_INVALID` with the fact `reason` when there is no repository, no commit, or nothing left of a history that was
 *   rewritten; `GIT_UNUSABLE`; the signal's reason; else what the operations fail with.
 */
export async function importGit(
  { memory }: Pick<Client, "memory">,
  folder: string,
  { since, max, onProgress, ...call }: GitImportOptions = {},
): Promise<GitImport> {
  const { signal } = call;
  const { source, head, isShallow } = await identifyGitHistory({ folder, signal });
  const before = await memory.imports({ source }, call);
  const plan = await planGitImport({ folder, head, since, max, signal }, before.cursor);
  const progress: GitImportProgress = { commits: plan.commits, read: 0, episodes: 0 };
  const leftOut: GitImport["leftOut"] = {};
  let seq = before.seq;

  const onCommit = (outcome: "episode" | LeftOut): void => {
    progress.read += 1;
    if (outcome !== "episode") leftOut[outcome] = (leftOut[outcome] ?? 0) + 1;
    onProgress?.({ ...progress });
  };
  const send = async (episodes: Batch, cursor: string): Promise<void> => {
    const content = { source, cursor, episodes };
    const commandId = `import/${toHex(sha256(JSON.stringify(content))).slice(0, idChars)}`; // G1
    const ack: OperationOutput<"memory.import"> = await memory.import({ commandId, ...content }, call);
    seq = ack.seq;
    progress.episodes += episodes.length;
    onProgress?.({ ...progress });
  };

  if (plan.parts.length > 0) {
    let batch: Batch = [];
    let chars = 0;
    let cursor = head;
    for await (const { part, episode } of readParts(plan.parts, onCommit)) {
      const imported = toImported(episode);
      const size = sizeOf(imported);
      if (batch.length === limits.episodes || (batch.length > 0 && chars + size > batchChars)) {
        await send(batch, cursor);
        batch = []; // G2
        chars = 0;
      }
      batch.push(imported);
      chars += size;
      cursor = toCursorText({ head: part.head, underWay: { after: part.after, last: episode.id } });
    }
    await send(batch, head);
  }
  const { read: commits, episodes } = progress;
  const upToDate = plan.parts.length === 0;
  return { source, episodes, leftOut, commits, head, isShallow, upToDate, ...(seq === undefined ? {} : { seq }) };
}

async function* readParts(
  parts: readonly GitPart[],
  onCommit: (outcome: "episode" | LeftOut) => void,
): AsyncGenerator<{ part: GitPart; episode: GitEpisode }> {
  for (const part of parts) {
    for await (const episode of readGitHistory({ ...part, onCommit })) yield { part, episode };
  }
}

function toImported({ at, goal, files }: GitEpisode): Batch[number] {
  return { at: Math.min(Math.max(at, 0), atMax), goal, files };
}

function sizeOf({ goal, files }: Batch[number]): number {
  return files.reduce((sum, file) => sum + file.length, goal.length);
}
