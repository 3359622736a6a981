// Site
//
// Where a replay works: the worker's workspace, a folder in it, or a copy of that. The copy stands in the system's folder for temporary
// files under the name of the replay's task, so that a run that starts over goes on in it.

import { existsSync, realpathSync } from "node:fs";
import { cp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isFailure } from "../../src/contracts/failures.ts";
import type { ReplayData } from "../../src/contracts/playbook.ts";
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
  await copyOnce(ctx, folder, copy);
  if (!existsSync(copy)) throw new Aborted(`The copy that the replay worked in is not on this machine: ${copy}.`);
  return { folder: copy, leave: () => rm(copy, { recursive: true, force: true, maxRetries: 3 }) };
}

/** Links stay links: one that leads out of the workspace leads out of the copy, where the tools refuse it too. */
async function copyOnce(ctx: RunContext, folder: string, copy: string): Promise<void> {
  const earlier = (await ctx.history()).some(({ name, status }) => name === copyStep && status === "succeeded");
  if (earlier) return;
  await ctx.step(copyStep, async () => {
    await rm(copy, { recursive: true, force: true }); // half a copy of a run that died
    await cp(folder, copy, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  });
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
