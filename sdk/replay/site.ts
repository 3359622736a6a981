// Site
//
// Where a replay works: the worker's workspace, a folder in it, or a copy of that. The copy stands in the system's folder for temporary
// files under the name of the replay's task, so that a run that starts over goes on in it. It is closed to other users, and has files, folders
// and links alone: a store that stands in the workspace is left out, as are sockets and the like.

import { existsSync, lstatSync, realpathSync } from "node:fs";
import { cp, mkdir, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { isFailure } from "../../src/contracts/failures.ts";
import type { ReplayData } from "../../src/contracts/playbook.ts";
import { isHeldFile, isHeldFolder } from "../../src/kernel/held-stores.ts";
import { holdsStore, isStoreName } from "../../src/kernel/store-folder.ts";
import type { RunContext } from "../context.ts";
import { inWorkspace } from "../tools/workspace.ts";
import { Aborted } from "./broken.ts";

/** A folder to work in. */
export interface Site {
  readonly folder: string;
  /** Takes a copy away. */
  leave(): Promise<void>;
}

const nothingToDo = async (): Promise<void> => {};

/** @throws Aborted when there is no such folder in `workspace`, or the copy is on another machine. */
export async function openSite(ctx: RunContext, taskId: string, data: ReplayData, workspace: string): Promise<Site> {
  const folder = await findFolder(workspace, data.workspace);
  if (!data.inCopy || data.mode === "simulate") return { folder, leave: nothingToDo };
  const copy = join(realpathSync(tmpdir()), `aionis-replay-${taskId}`);
  await copyOnce(ctx, realpathSync(folder), copy);
  if (!existsSync(copy)) throw new Aborted(`The copy that the replay worked in is not on this machine: ${copy}.`);
  return { folder: copy, leave: () => rm(copy, { recursive: true, force: true, maxRetries: 3 }) };
}

/** Links stay links: one that leads out of the workspace leads out of the copy, where the tools refuse it too. */
async function copyOnce(ctx: RunContext, folder: string, copy: string): Promise<void> {
  const earlier = (await ctx.history()).some(({ name, status }) => name === copyStep && status === "succeeded");
  if (earlier) return;
  await ctx.step(copyStep, async () => {
    await rm(copy, { recursive: true, force: true }); // half a copy of a run that died
    try {
      await copyPrivately(folder, copy);
    } catch (error) {
      await rm(copy, { recursive: true, force: true });
      throw error;
    }
  });
}

/** The copy's folder is private before anything is in it; the modes of what is in it are those of the workspace. */
async function copyPrivately(folder: string, copy: string): Promise<void> {
  await mkdir(copy, { mode: 0o700 });
  for (const name of await readdir(folder)) {
    const options = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true, filter: isPartOfCopy };
    await cp(join(folder, name), join(copy, name), options);
  }
}

function isPartOfCopy(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return false; // it has gone meanwhile
  if (stats.isDirectory()) return !isHeldFolder(stats) && !holdsStore(path);
  if (!stats.isFile()) return stats.isSymbolicLink();
  return !isStoreFile(path) && !(stats.nlink > 1 && isHeldFile(stats));
}

/** The workspace may hold a store among its own files. */
function isStoreFile(path: string): boolean {
  return isStoreName(basename(path)) && holdsStore(dirname(path));
}

const copyStep = "copy the workspace";

async function findFolder(workspace: string, path: string | undefined): Promise<string> {
  if (path === undefined) return workspace;
  try {
    const found = await inWorkspace(workspace, path, {}, (place) =>
      place?.stats?.isDirectory() === true ? realpathSync(place.path) : undefined,
    );
    if (found !== undefined) return found;
  } catch (error) {
    if (!isFailure(error)) throw error;
    throw new Aborted(error.detail);
  }
  throw new Aborted(`There is no folder "${path}" in this worker's workspace.`);
}
