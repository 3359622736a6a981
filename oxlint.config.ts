// The lint rules that need types, and the rule that nothing but src/kernel reads the clock or makes random values.
// oxlint asks TypeScript's own checker; what needs no types is biome's (biome.jsonc).

import { defineConfig } from "oxlint";

const message = "Time and randomness come through the ports of src/kernel, so that tests and the simulation own them.";

const globals = ["Date", "Temporal", "performance", "setTimeout", "setInterval", "setImmediate", "queueMicrotask"];

const properties = [
  { object: "Math", property: "random" },
  { object: "process", property: "hrtime" },
  { object: "process", property: "uptime" },
  { object: "AbortSignal", property: "timeout" },
  { object: "crypto", property: "randomUUID" },
  { object: "crypto", property: "getRandomValues" },
  ...[...globals, "crypto"].flatMap((property) => [
    { object: "globalThis", property },
    { object: "global", property },
  ]),
];

const random = ["randomBytes", "randomFill", "randomFillSync", "randomInt", "randomUUID", "randomUUIDv7"];
const modules = [
  // `default` is the whole module under another name; a namespace import is refused for the same reason.
  { name: "node:crypto", importNames: ["default", "webcrypto", "pseudoRandomBytes", "getRandomValues", ...random] },
  { name: "node:process", importNames: ["default", "hrtime", "uptime"] },
  { name: "node:timers" },
  { name: "node:timers/promises" },
  { name: "node:perf_hooks" },
];

export default defineConfig({
  plugins: ["typescript"],
  options: { typeAware: true, denyWarnings: true },
  categories: { correctness: "off" }, // biome's recommended rules
  rules: {
    "typescript/await-thenable": "error",
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": "error",
    "typescript/no-unsafe-argument": "error",
    "typescript/no-unsafe-assignment": "error",
    "typescript/no-unsafe-call": "error",
    "typescript/no-unsafe-member-access": "error",
    "typescript/no-unsafe-return": "error",
    "typescript/only-throw-error": "error",
    "typescript/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    "no-restricted-globals": ["error", ...globals.map((name) => ({ name, message }))],
    "no-restricted-properties": ["error", ...properties.map((entry) => ({ ...entry, message }))],
    "no-restricted-imports": ["error", { paths: modules.map((entry) => ({ ...entry, message })) }],
  },
  overrides: [
    {
      files: ["src/kernel/**", "test/**", "bench/**", "examples/**", "scripts/**", "bin/**"],
      rules: { "no-restricted-globals": "off", "no-restricted-properties": "off", "no-restricted-imports": "off" },
    },
    {
      files: ["src/inspect/page/**"], // runs in a browser, with its clock
      rules: { "no-restricted-globals": "off" },
    },
    {
      files: ["**/*.mjs", "test/**"], // no types to go by; vitest's matchers are typed `any`
      rules: {
        "typescript/no-unsafe-argument": "off",
        "typescript/no-unsafe-assignment": "off",
        "typescript/no-unsafe-call": "off",
        "typescript/no-unsafe-member-access": "off",
        "typescript/no-unsafe-return": "off",
      },
    },
  ],
});
