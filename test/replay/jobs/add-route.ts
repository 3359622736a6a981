import { defineJob } from "./job.ts";
import { exportHolds, toCamel } from "./words.ts";

interface Values {
  route: string;
  /** What an answer is called. */
  item: string;
}

/** Two new files from the shape of others, and a list that names them. */
export const addRoute = defineJob<Values>({
  name: "add-route",
  family: "server",
  rows: {
    1: { route: "invoices", item: "invoice" },
    2: { route: "credit-notes", item: "credit note" },
    3: { route: "parcels", item: "shipped parcel" },
    11: { route: "seats", item: "seat" },
    12: { route: "price-lists", item: "price list" },
    13: { route: "lodgers", item: "lodger" },
    14: { route: "opening-hours", item: "opening hour" },
    15: { route: "ferries", item: "ferry" },
  },
  briefs: [
    ({ route, item }) => `Add a route /${route} like the others, with a test. It answers with "no ${item}" for now.`,
    ({ route, item }) => `we need GET /${route} (stub: "no ${item}") and a test for it`,
    ({ route, item }) =>
      `New endpoint /${route}: handler, registration and test. Until there is data it says "no ${item}".`,
    ({ route, item }) => `Please create the endpoint /${route} with a test; the stub says "no ${item}".`,
    ({ route, item }) => `add route /${route}, answer "no ${item}", test included`,
    ({ route, item }) => `A handler for /${route} is wanted, made like the health route. Its answer is "no ${item}".`,
  ],
  files: () => toFiles(),
  async act({ route, item }, hands, seed) {
    await hands.run("which routes are there", "ls", "src/routes");
    await hands.read("src/routes/health.mjs");
    await hands.read("src/routes/index.mjs");
    if (seed === 1) {
      const draft = toRoute(route, item).replace("export const", "const");
      await hands.write("write the handler", `src/routes/${route}.mjs`, draft);
    }
    if (seed !== 1) await hands.write("write the handler", `src/routes/${route}.mjs`, toRoute(route, item));
    await hands.write("write the test", `test/${route}.test.mjs`, toTest(route, item));
    await hands.patch(
      "register it",
      "src/routes/index.mjs",
      ["\n\nexport const routes", `\n${toImport(route)}\n\nexport const routes`],
      ["\n];", `\n  ${toCamel(route)},\n];`],
    );
    if (seed === 1) {
      await hands.runFailing("test", "node", `test/${route}.test.mjs`);
      await hands.write("write the handler", `src/routes/${route}.mjs`, toRoute(route, item));
    }
    await hands.run("test", "node", `test/${route}.test.mjs`);
  },
  checks: ({ route, item }) => ({
    "the test passes": [process.execPath, `test/${route}.test.mjs`],
    "it is registered": exportHolds(
      "src/routes/index.mjs",
      `it.routes.some(({ path, handle }) => path === "/${route}" && handle() === "no ${item}")`,
    ),
  }),
  expected: ({ route, item }) => ({
    ...toFiles(`\n${toImport(route)}`, `\n  ${toCamel(route)},`),
    [`src/routes/${route}.mjs`]: toRoute(route, item),
    [`test/${route}.test.mjs`]: toTest(route, item),
  }),
});

function toFiles(imported = "", registered = ""): Record<string, string> {
  return {
    "src/routes/health.mjs": toRoute("health", "problem"),
    "src/routes/index.mjs": `${toImport("health")}${imported}\n\nexport const routes = [\n  health,${registered}\n];\n`,
  };
}

const toImport = (route: string): string => `import { ${toCamel(route)} } from "./${route}.mjs";`;

function toRoute(route: string, item: string): string {
  return `export const ${toCamel(route)} = {
  path: "/${route}",
  handle: () => "no ${item}",
};
`;
}

function toTest(route: string, item: string): string {
  return `import assert from "node:assert/strict";
import { ${toCamel(route)} } from "../src/routes/${route}.mjs";

assert.equal(${toCamel(route)}.handle(), "no ${item}");
`;
}
