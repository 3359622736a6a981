import { unlinkSync } from "node:fs";
import { z } from "zod";
import { limits } from "../../src/contracts/limits.ts";
import { FilePath } from "../../src/contracts/values.ts";
import { defineTool } from "./define.ts";
import { applyEdits } from "./edits.ts";
import { readText, refuseOthers, replaceText } from "./text-file.ts";
import type { Tool } from "./tool.ts";
import { inWorkspace } from "./workspace.ts";

const FileText = z
  .string()
  .refine((text) => text.isWellFormed(), { error: "it holds half of a surrogate pair" })
  .refine((text) => Buffer.byteLength(text) <= limits.toolFileBytes, { error: `over ${limits.toolFileBytes} bytes` });

const Edit = z
  .strictObject({ find: FileText.min(1), replace: FileText, all: z.boolean().optional() })
  .refine(({ find, replace }) => find !== replace, { error: "it changes nothing" });

/** What the file tools have in common: no path leaves the workspace, and each can be done again. */
const common = { safety: "auto_ok", idempotent: true } as const;

/** Gives the text of a file. One that is binary, or over `limits.toolFileBytes`, is refused. */
export const fileRead: Tool<{ path: string }, { text: string; bytes: number }> = defineTool({
  ...common,
  name: "file.read",
  input: z.strictObject({ path: FilePath }),
  files: ({ path }) => [path],
  execute: ({ path }, { workspace }) => inWorkspace(workspace, path, {}, (place) => readText(place, path)),
});

/** Writes a whole file, and the folders that it needs. A file that was there keeps its mode. */
export const fileWrite: Tool<{ path: string; text: string }, { created: boolean; bytes: number }> = defineTool({
  ...common,
  name: "file.write",
  input: z.strictObject({ path: FilePath, text: FileText }),
  files: ({ path }) => [path],
  execute: ({ path, text }, { workspace }) =>
    inWorkspace(workspace, path, { makesFolders: true }, async (place) => {
      if (place !== undefined) await replaceText(place, path, text); // with its folders made it is there
      return { created: place?.stats === undefined, bytes: Buffer.byteLength(text) };
    }),
});

/** Replaces pieces of a file, all or none; done again, it changes nothing. See `edits.ts`. */
export const filePatch: Tool<{ path: string; edits: z.infer<typeof Edit>[] }, { edits: number }> = defineTool({
  ...common,
  name: "file.patch",
  input: z.strictObject({ path: FilePath, edits: z.array(Edit).min(1).max(limits.toolEdits) }),
  files: ({ path }) => [path],
  execute: ({ path, edits }, { workspace }) =>
    inWorkspace(workspace, path, {}, async (place) => {
      const { text } = await readText(place, path);
      const edited = applyEdits(text, edits);
      if (place !== undefined && edited !== text) await replaceText(place, path, edited); // it was just read
      return { edits: edits.length };
    }),
});

/** Removes a file, or a link; what a link leads to stays. What is not there is gone already. */
export const fileDelete: Tool<{ path: string }, { existed: boolean }> = defineTool({
  ...common,
  name: "file.delete",
  input: z.strictObject({ path: FilePath }),
  files: ({ path }) => [path],
  async execute({ path }, { workspace }) {
    await inWorkspace(workspace, path, {}, () => {}); // a link that leads out is refused, as everywhere
    return await inWorkspace(workspace, path, { stopsAtLink: true }, (place) => {
      if (place?.stats === undefined) return { existed: false };
      if (!place.stats.isSymbolicLink()) refuseOthers(place.stats, path);
      unlinkSync(place.path);
      return { existed: true };
    });
  },
});
