import { defineJob } from "./job.ts";
import { exportHolds, toCamel } from "./words.ts";

interface Values {
  name: string;
  fallback: string;
}

export const envVariable = defineJob<Values>({
  name: "env-variable",
  family: "configuration",
  rows: {
    1: { name: "PAYMENT_TIMEOUT_MS", fallback: "5000" },
    2: { name: "SEARCH_URL", fallback: "https://search.example/api" },
    3: { name: "LOG_FORMAT", fallback: "json" },
    11: { name: "CACHE_TTL_SECONDS", fallback: "300" },
    12: { name: "MAIL_FROM", fallback: "desk@post.example" },
    13: { name: "UPLOAD_DIR", fallback: "./var/uploads" },
    14: { name: "METRICS_PREFIX", fallback: "tern" },
    15: { name: "QUEUE_HOST", fallback: "queue.internal.example" },
  },
  briefs: [
    ({ name, fallback }) => `We need a new environment variable ${name}, default ${fallback}: .env.example and config.`,
    ({ name, fallback }) => `add the env var \`${name}\` (default \`${fallback}\`) to the config and to .env.example`,
    ({ name, fallback }) => `The setting ${name} should be configurable by environment; default: ${fallback}`,
    ({ name, fallback }) => `Introduce an environment variable ${name} with the default ${fallback}`,
    ({ name, fallback }) => `Please add \`${name}\` to .env.example and the config schema, default \`${fallback}\`.`,
    ({ name, fallback }) => `new env variable: ${name}, default: ${fallback}`,
  ],
  files: () => ({ ".env.example": "# Settings\nPORT=8080\n", "src/config.mjs": toConfig("") }),
  async act({ name, fallback }, hands, seed) {
    await hands.run("where are settings", "grep", "-rn", "PORT", ".env.example", "src");
    const example = await hands.read(".env.example");
    await hands.write("name it in the example", ".env.example", `${example}${name}=${fallback}\n`);
    await hands.read("src/config.mjs");
    const marker = "  // New settings go above.\n";
    const setting = `  ${toCamel(name)}: setting("${name}", "${fallback}"),\n`;
    if (seed === 3)
      await hands.patchInVain("add the setting", "src/config.mjs", marker.toLowerCase(), setting + marker);
    await hands.patch("add the setting", "src/config.mjs", [marker, setting + marker]);
    await hands.run("does it load", "node", "src/config.mjs");
  },
  checks: ({ name, fallback }) => ({
    "the config has it": exportHolds("src/config.mjs", `it.config.${toCamel(name)} === "${fallback}"`),
    "the example names it": ["grep", "-q", `${name}=${fallback}`, ".env.example"],
  }),
  expected: ({ name, fallback }) => ({
    ".env.example": `# Settings\nPORT=8080\n${name}=${fallback}\n`,
    "src/config.mjs": toConfig(`  ${toCamel(name)}: setting("${name}", "${fallback}"),\n`),
  }),
  lookAlike: (_, { ".env.example": example = "" }) => ({
    ".env.example": example,
    "src/config.mjs":
      'import settings from "./config.json" with { type: "json" };\n\nexport const config = settings;\n',
    "src/config.json": '{ "port": "8080" }\n',
  }),
});

function toConfig(setting: string): string {
  return `const setting = (name, fallback) => process.env[name] ?? fallback;

export const config = {
  port: setting("PORT", "8080"),
${setting}  // New settings go above.
};
`;
}
