import { globSync, readFileSync } from "node:fs";

/** The texts of the page's files by their names. In the build they are a part of this module, which a bundle takes with it. */
export function readPageTexts(): Readonly<Record<string, string>> {
  const folder = new URL("./page/", import.meta.url);
  const names = ["html", "css", "js", "svg"].flatMap((type) => globSync(`*.${type}`, { cwd: folder }));
  return Object.fromEntries(names.map((name) => [name, readFileSync(new URL(name, folder), "utf8")]));
}
