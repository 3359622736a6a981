// Commits as git prints them
//
// Makes commits of what `git diff-tree` writes, chunk by chunk. Owns: the format and its bounds. A token longer than its bound is cut while
// it is read, and of a commit's files only the first are kept: a message or a list of any size costs no more than that.
//
// Texts between NULs: the fields of `commitFormat`, then each file's status and its name (two names, if it was renamed). No text can hold a
// NUL, and a status never looks like a commit's hash, so that nothing in a message or a name can pass for something else.

import { AionisError } from "../contracts/failures.ts";
import { limits } from "../contracts/limits.ts";

/** A commit before anything is made of it. Bytes that are not UTF-8 have become U+FFFD. */
export interface RawCommit {
  id: string;
  /** Milliseconds. When it was committed, not when it was first written: histories are in that order. */
  at: number;
  /** Without parents: the first of a history, or where a shallow clone was cut off. */
  isRoot: boolean;
  authorName: string;
  authorEmail: string;
  title: string;
  body: string;
  changes: readonly FileChange[];
  /** Whether it changed more files than are kept here. */
  hasMoreChanges: boolean;
}

export interface FileChange {
  path: string;
  /** What the file was called before. */
  from?: string | undefined;
}

/** For `git diff-tree --format`. */
export const commitFormat = "--format=%H%x00%ct%x00%P%x00%an%x00%ae%x00%s%x00%b%x00";

export interface CommitParser {
  /** The commits that are complete with this chunk. */
  push(chunk: Buffer): RawCommit[];
  /** The last commit. */
  end(): RawCommit[];
}

const fieldsOfHeader = 7;
const tokenBytes = 16 * 1_024;
/** Of one commit. Lock files and the like are among them, so they are more than an episode may have. */
const changesMax = 64;

export function createCommitParser(): CommitParser {
  let header: string[] = [];
  let change: { names: number; paths: string[] } | undefined;
  let commit: (RawCommit & { changes: FileChange[] }) | undefined;
  let complete: RawCommit[] = [];

  const endCommit = (): void => {
    if (commit !== undefined) complete.push(commit);
    commit = undefined;
  };
  const beginChange = (token: string): void => {
    const status = token.trimStart(); // a newline stands between a commit and its first file
    if (status === "") return;
    if (/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(status)) {
      endCommit();
      header = [status];
    } else if (/^[A-Z]\d*$/.test(status)) change = { names: /^[RC]/.test(status) ? 2 : 1, paths: [] };
    else
      throw new AionisError("RUNTIME_FAULT", `git wrote ${JSON.stringify(status.slice(0, 40))} for a file's status.`);
  };
  const tokens = createTokens(tokenBytes, (token) => {
    if (header.length > 0) {
      header.push(token);
      if (header.length < fieldsOfHeader) return;
      commit = toCommit(header);
      header = [];
    } else if (change !== undefined) {
      change.paths.push(token);
      if (change.paths.length < change.names) return;
      if (commit !== undefined) addChange(commit, change.paths);
      change = undefined;
    } else beginChange(token);
  });
  const taken = (): RawCommit[] => {
    const commits = complete;
    complete = [];
    return commits;
  };

  return {
    push(chunk) {
      tokens.push(chunk);
      return taken();
    },
    end() {
      endCommit();
      return taken();
    },
  };
}

/** Texts that each end with a NUL. Of one that is longer, the first `bytesMax` bytes are handed on. */
export function createTokens(bytesMax: number, onToken: (token: string) => void): { push(chunk: Buffer): void } {
  let parts: Buffer[] = [];
  let room = bytesMax;
  const keep = (part: Buffer): void => {
    if (room === 0 || part.length === 0) return;
    const kept = part.subarray(0, room);
    parts.push(kept);
    room -= kept.length;
  };
  return {
    push(chunk) {
      let from = 0;
      for (let to = chunk.indexOf(0); to !== -1; to = chunk.indexOf(0, from)) {
        keep(chunk.subarray(from, to));
        const [first] = parts;
        const whole = parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
        parts = [];
        room = bytesMax;
        from = to + 1;
        onToken(whole.toString("utf8"));
      }
      keep(chunk.subarray(from));
    },
  };
}

function toCommit(header: readonly string[]): RawCommit & { changes: FileChange[] } {
  const [id = "", seconds, parents, authorName = "", authorEmail = "", title = "", body = ""] = header;
  const at = Number(seconds) * 1_000;
  const isRoot = parents === "";
  return { id, at, isRoot, authorName, authorEmail, title, body, changes: [], hasMoreChanges: false };
}

function addChange(commit: RawCommit & { changes: FileChange[] }, paths: readonly string[]): void {
  const [first = "", second] = paths;
  if (commit.changes.length === changesMax) commit.hasMoreChanges = true;
  // A name beyond what a path may have cannot be kept whole, and half a name is another file's.
  else if (paths.every((path) => path.length <= limits.pathChars)) {
    commit.changes.push(second === undefined ? { path: first } : { path: second, from: first });
  }
}
