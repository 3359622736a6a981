import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

/** The sequence up to which all was shown, in a file. */
export interface Cursor {
  /** 0 at the very first start. */
  read(): number;
  write(seq: number): void;
}

export function createCursor(file: string): Cursor {
  return {
    read: () => (existsSync(file) ? Number(readFileSync(file, "utf8")) : 0),
    write(seq) {
      writeFileSync(`${file}.new`, `${seq}\n`);
      renameSync(`${file}.new`, file); // so that whoever dies in between leaves the old one whole
    },
  };
}
