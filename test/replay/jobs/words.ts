// How an agent turns one spelling into another in its head.

const toWords = (text: string): string[] =>
  text
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");

const capitalize = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

export const toPascal = (text: string): string => toWords(text).map(capitalize).join("");
export const toKebab = (text: string): string => toWords(text).join("-");

export function toCamel(text: string): string {
  const pascal = toPascal(text);
  return pascal.charAt(0).toLowerCase() + pascal.slice(1);
}

/** A JSON file as most tools write it. */
export const toJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** A command that succeeds when `expression` holds in the workspace. */
export const holds = (expression: string): string[] => [process.execPath, "-e", `process.exit(${expression} ? 0 : 1)`];

/** The same about what the module at `path` exports, as `it`. */
export const exportHolds = (path: string, expression: string): string[] => [
  process.execPath,
  "-e",
  `import("./${path}").then((it) => process.exit(${expression} ? 0 : 1))`,
];
