import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { AionisError } from "../contracts/failures.ts";
import { giveToFolderOwner } from "./private-files.ts";

/** A small file that is replaced as a whole, or not at all. */
export interface MarkFile {
  /** The text, or nothing when there is no such file. @throws AionisError `STORE_FAILED` */
  read(): Promise<string | undefined>;
  /** Resolves when the new text would survive a power failure. */
  write(text: string): Promise<void>;
}

/** A file at `path`, written beside it, synced, and moved into place. */
export function createMarkFile(path: string): MarkFile {
  return {
    async read() {
      try {
        return await readFile(path, "utf8");
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException; // fs rejects with errno errors
        if (code === "ENOENT") return undefined;
        throw new AionisError(
          "STORE_FAILED",
          `${path} cannot be read (${code}); see to it that it can, or remove it.`,
          {
            cause: error,
          },
        );
      }
    },
    async write(text) {
      const beside = `${path}.new`;
      await writeAndSync(beside, text);
      giveToFolderOwner(beside);
      await rename(beside, path);
      await syncFolder(dirname(path));
    },
  };
}

async function writeAndSync(path: string, text: string): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
