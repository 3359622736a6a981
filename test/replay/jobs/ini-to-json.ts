import { defineJob } from "./job.ts";
import { holds, toJson } from "./words.ts";

interface Values {
  service: string;
  host: string;
  port: number;
}

/** What is written is what a command printed. */
export const iniToJson = defineJob<Values>({
  name: "ini-to-json",
  family: "configuration",
  rows: {
    1: { service: "mailer", host: "smtp.example", port: 2525 },
    2: { service: "search", host: "index.example", port: 9200 },
    3: { service: "billing", host: "pay.example", port: 8443 },
    11: { service: "thumbnails", host: "img.example", port: 7070 },
    12: { service: "geocoder", host: "maps.example", port: 6001 },
    13: { service: "audit-log", host: "trail.example", port: 5140 },
    14: { service: "chat", host: "talk.example", port: 4443 },
    15: { service: "ledger", host: "books.example", port: 3050 },
  },
  briefs: [
    ({ service }) => `Convert config/${service}.ini to JSON; src/${service}.js reads it.`,
    ({ service }) => `the ${service} config should be JSON instead of INI (file, and where it is loaded)`,
    ({ service }) => `Migrate the settings of ${service} from ini to json.`,
    ({ service }) => `Turn the ini file of ${service} into a JSON file, and load that.`,
    ({ service }) => `config of ${service}: ini -> json please`,
    ({ service }) => `Move ${service} over from config/${service}.ini to a JSON config.`,
  ],
  files: ({ service, host, port }) => ({
    [`config/${service}.ini`]: `; ${service}\nhost = ${host}\nport = ${port}\n`,
    [`src/${service}.js`]: toLoader(service, "ini"),
    "scripts/ini-to-json.cjs": converter,
  }),
  async act({ service }, hands, seed) {
    await hands.run("look around", "ls", "config", "scripts");
    const ini = await hands.read(`config/${service}.ini`);
    if (seed === 2) await hands.write("write the JSON", `config/${service}.json`, toJson({ ini }));
    const json = await hands.run("convert", "node", "scripts/ini-to-json.cjs", `config/${service}.ini`);
    await hands.write("write the JSON", `config/${service}.json`, json);
    await hands.read(`src/${service}.js`);
    const [find, replace] = [`config/${service}.ini`, `config/${service}.json`];
    if (seed === 3) await hands.patchInVain("load it", `src/${service}.js`, `"${find}`, `"${replace}`);
    await hands.patch("load it", `src/${service}.js`, [find, replace]);
    await hands.remove("take the old one away", `config/${service}.ini`);
    await hands.run("is it used still", "grep", "-rn", "ini", "src", "config");
  },
  checks: ({ service }) => ({
    "the JSON has a host": holds(`require("./config/${service}.json").host`),
    "it is loaded": ["grep", "-q", `config/${service}.json`, `src/${service}.js`],
  }),
  expected: ({ service, host, port }) => ({
    [`config/${service}.ini`]: null,
    [`config/${service}.json`]: toJson({ host, port: String(port) }),
    [`src/${service}.js`]: toLoader(service, "json"),
  }),
  lookAlike: ({ service, host }, { "scripts/ini-to-json.cjs": script = "" }) => ({
    "scripts/ini-to-json.cjs": script,
    [`config/${service}.yaml`]: `host: ${host}\n`,
    [`src/${service}.js`]: toLoader(service, "yaml"),
  }),
});

const converter = `const lines = require("node:fs").readFileSync(process.argv[2], "utf8").split("\\n");
const pairs = lines.filter((line) => line.includes("=")).map((line) => line.split("=").map((part) => part.trim()));
process.stdout.write(\`\${JSON.stringify(Object.fromEntries(pairs), null, 2)}\\n\`);
`;

function toLoader(service: string, format: string): string {
  return `const load = require("./load");\n\nexports.settings = load(\`\${__dirname}/../config/${service}.${format}\`);\n`;
}
