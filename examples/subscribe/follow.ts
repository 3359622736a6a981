// Following
//
// The subscription to the delegation records, from the cursor on and without end: whatever breaks it off, it goes on after the last notice that
// was shown. Owns: its connection. Does not own: the cursor's file, and how notices look.

import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, type ConnectOptions, connect, type DelegationNotice, isFailure, type Task } from "aionis";
import type { Cursor } from "./cursor.ts";
import type { Screen, Tree } from "./screen.ts";

export interface Following {
  address: ConnectOptions;
  cursor: Cursor;
  screen: Screen;
  signal: AbortSignal;
}

const retryMs = 1_000;
const refreshMs = 1_000;

/** Follows until `signal` is aborted. @throws AionisError that trying again cannot help, such as a scope that does not exist. */
export async function follow(following: Following): Promise<void> {
  const { screen, signal } = following;
  while (!signal.aborted) {
    try {
      await followOnce(following);
    } catch (error) {
      if (signal.aborted) return;
      if (!isFailure(error) || !error.retryable) throw error;
      screen.warn(`${error.detail} It tries again.`);
      await sleep(retryMs, undefined, { signal }).catch(() => {}); // the loop asks
    }
  }
}

/** Over one connection. */
async function followOnce({ address, cursor, screen, signal }: Following): Promise<void> {
  await using connection = await connect({ ...address, agent: "subscriber" });
  const close = (): void => void connection.close(); // ends the loop below
  signal.addEventListener("abort", close);
  signal.throwIfAborted();
  let rootId: Task["id"] | undefined;
  const timer = setInterval(() => {
    if (rootId !== undefined) readTree(connection, rootId).then(screen.showTree, () => {}); // the subscription tells what is wrong
  }, refreshMs);
  try {
    for await (const notice of connection.delegationRecords.subscribe({ from: cursor.read() + 1 })) {
      rootId = await findRoot(connection, notice);
      screen.showNotice(notice, await readTree(connection, rootId));
      cursor.write(notice.seq); // after it was shown: whoever dies in between shows it again
    }
  } finally {
    clearInterval(timer);
    signal.removeEventListener("abort", close);
  }
}

/** The task at the top of the tree in which the delegation was made. */
async function findRoot({ tasks }: Connection, { parentId }: DelegationNotice): Promise<Task["id"]> {
  const { task } = await tasks.get({ taskId: parentId as Task["id"] }); // a notice says it as text
  return task.rootId;
}

async function readTree({ delegationRecords }: Connection, taskId: Task["id"]): Promise<Tree> {
  const { nodes } = await delegationRecords.tree({ taskId });
  return nodes;
}
