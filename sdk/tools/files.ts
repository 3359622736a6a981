import { unlinkSync } from "node:fs";
import { z } from "zod";
import { limits } from "../../src/contracts/limits.ts";
import { FilePath } from "../../src/contracts/values.ts";
import { defineTool } from "./define.ts";
import { applyEdits } from "./edits.ts";
import { readText, refuseOthers, replaceText } from "./text-file.ts";
import type { Tool } from "./tool.ts";
import { inWorkspace, type PlaceOptions } from "./workspace.ts";

const FileText = z
  .string()
  .refine((text) => text.isWellFormed(), { error: "it holds half of a surrogate pair" })
  .refine((text) => Buffer.byteLength(text) <= limits.toolFileBytes, { error: `over ${limits.toolFileBytes} bytes` });

const Edit = z
  .strictObject({ find: FileText.min(1), replace: FileText, all: z.boolean().optional() })
  .refine(({ find, replace }) => find !== replace, { error: "it changes nothing" });

/** The tools for text files of the workspace. No path leaves it, and each can be done again. */
export interface FileTools {
  /** Gives the text of a file. One that is binary, or over `limits.toolFileBytes`, is refused. */
  read: Tool<{ path: string }, { text: string; bytes: number }>;
  /** Writes a whole file, and the folders that it needs. A file that was there keeps its mode. */
  write: Tool<{ path: string; text: string }, { created: boolean; bytes: number }>;
  /** Replaces pieces of a file, all or none; done again, it changes nothing, and says so. See `edits.ts`. */
  patch: Tool<{ path: string; edits: z.infer<typeof Edit>[] }, { edits: number; changed: boolean }>;
  /** Removes a file, or a link; what a link leads to stays. What is not there is gone already. */
  delete: Tool<{ path: string }, { existed: boolean }>;
}

const common = { safety: "auto_ok", idempotent: true } as const;

export function createFileTools(options: Pick<PlaceOptions, "usesDescriptors"> = {}): FileTools {
  return { read: read(options), write: write(options), patch: patch(options), delete: remove(options) };
}

function read(options: PlaceOptions): FileTools["read"] {
  const look: FileTools["read"]["execute"] = ({ path }, { workspace }) =>
    inWorkspace(workspace, path, options, (place) => readText(place, path));
  return defineTool({
    ...common,
    name: "file.read",
    input: z.strictObject({ path: FilePath }),
    files: ({ path }) => [path],
    execute: look,
    dryRun: look,
  });
}

function write(options: PlaceOptions): FileTools["write"] {
  return defineTool({
    ...common,
    name: "file.write",
    input: z.strictObject({ path: FilePath, text: FileText }),
    files: ({ path }) => [path],
    execute: ({ path, text }, { workspace }) =>
      inWorkspace(workspace, path, { ...options, makesFolders: true }, async (place) => {
        if (place !== undefined) await replaceText(place, path, text); // with its folders made it is there
        return { created: place?.stats === undefined, bytes: Buffer.byteLength(text) };
      }),
    dryRun: ({ path, text }, { workspace }) =>
      inWorkspace(workspace, path, options, (place) => {
        refuseOthers(place?.stats, path);
        return { created: place?.stats === undefined, bytes: Buffer.byteLength(text) };
      }),
  });
}

function patch(options: PlaceOptions): FileTools["patch"] {
  return defineTool({
    ...common,
    name: "file.patch",
    input: z.strictObject({ path: FilePath, edits: z.array(Edit).min(1).max(limits.toolEdits) }),
    files: ({ path }) => [path],
    execute: ({ path, edits }, { workspace }) =>
      inWorkspace(workspace, path, options, async (place) => {
        const { text } = await readText(place, path);
        const edited = applyEdits(text, edits);
        if (place !== undefined && edited !== text) await replaceText(place, path, edited); // it was just read
        return { edits: edits.length, changed: edited !== text };
      }),
    dryRun: ({ path, edits }, { workspace }) =>
      inWorkspace(workspace, path, options, async (place) => {
        const { text } = await readText(place, path);
        return { edits: edits.length, changed: applyEdits(text, edits) !== text };
      }),
  });
}

function remove(options: PlaceOptions): FileTools["delete"] {
  const stopping = { ...options, stopsAtLink: true };
  return defineTool({
    ...common,
    name: "file.delete",
    input: z.strictObject({ path: FilePath }),
    files: ({ path }) => [path],
    async execute({ path }, { workspace }) {
      await inWorkspace(workspace, path, options, () => {}); // a link that leads out is refused, as everywhere
      return await inWorkspace(workspace, path, stopping, (place) => {
        if (place?.stats === undefined) return { existed: false };
        if (!place.stats.isSymbolicLink()) refuseOthers(place.stats, path);
        unlinkSync(place.path);
        return { existed: true };
      });
    },
    async dryRun({ path }, { workspace }) {
      await inWorkspace(workspace, path, options, () => {});
      return await inWorkspace(workspace, path, stopping, (place) => {
        if (place?.stats?.isSymbolicLink() === false) refuseOthers(place.stats, path);
        return { existed: place?.stats !== undefined };
      });
    },
  });
}
