import { defineJob } from "./job.ts";

interface Values {
  year: number;
  holder: string;
  first: string;
  second: string;
}

/** What is written is what was read, below a header. */
export const licenseHeader = defineJob<Values>({
  name: "license-header",
  family: "licences",
  rows: {
    1: { year: 2024, holder: "Northwind Tools", first: "src/parse.js", second: "src/print.js" },
    2: { year: 2026, holder: "Ida Krogh", first: "lib/codec.js", second: "lib/frame.js" },
    3: { year: 2025, holder: "Sandbank GmbH", first: "server/main.js", second: "server/routes/health.js" },
    11: { year: 2027, holder: "Otter Works", first: "app/store.js", second: "app/view.js" },
    12: { year: 2023, holder: "Mara Oduya", first: "tools/pack.js", second: "tools/unpack.js" },
    13: { year: 2028, holder: "Lime Street Press", first: "core/a11y.js", second: "core/i18n.js" },
    14: { year: 2022, holder: "Fjordline AS", first: "bin/run.js", second: "bin/stop.js" },
    15: { year: 2029, holder: "Quiet Harbour", first: "web/boot.js", second: "web/worker.js" },
  },
  briefs: [
    ({ year, holder, first, second }) =>
      `Add the licence header to ${first} and ${second}: "Copyright ${year} ${holder}", Apache-2.0.`,
    ({ year, holder, first, second }) =>
      `${first} and ${second} miss the header. Holder is "${holder}", year ${year}, licence as always`,
    ({ year, holder, first, second }) =>
      `please put a copyright header (${year}, "${holder}") on top of ${first} and ${second}`,
    ({ year, holder, first, second }) =>
      `The files ${first} and ${second} need the licence header, year ${year}, holder "${holder}".`,
    ({ year, holder, first, second }) => `header for ${first} and ${second} please: Copyright ${year} "${holder}"`,
    ({ year, holder, first, second }) =>
      `Both ${first} and ${second} lack our licence header; it is "${holder}" and ${year}.`,
  ],
  files: ({ first, second }) => toFiles(first, second, ""),
  async act({ year, holder, first, second }, hands, seed) {
    await hands.run("what licence is it", "head", "-n", "1", "LICENSE");
    const header = toHeader(year, holder);
    for (const path of [first, second]) {
      const text = await hands.read(path);
      if (seed === 2 && path === first) {
        await hands.write("add the header", path, `// Copyright ${year} ${holder}\n${text}`);
        await hands.runFailing("is it complete", "grep", "SPDX", path);
      }
      await hands.write("add the header", path, `${header}${text}`);
    }
    await hands.run("is it complete", "grep", "SPDX", first, second);
  },
  checks: ({ year, holder, first, second }) => ({
    "the first has it": ["grep", "-q", `Copyright ${year} ${holder}`, first],
    "the second has it": ["grep", "-q", `Copyright ${year} ${holder}`, second],
  }),
  expected: ({ year, holder, first, second }) => {
    const { LICENSE: _, ...files } = toFiles(first, second, toHeader(year, holder));
    return files;
  },
  lookAlike: ({ second }, files) => {
    const { [second]: moved = "", ...others } = files;
    return { ...others, [`old/${second}`]: moved };
  },
});

function toHeader(year: number, holder: string): string {
  return `// Copyright ${year} ${holder}\n// SPDX-License-Identifier: Apache-2.0\n\n`;
}

function toFiles(first: string, second: string, header: string) {
  return {
    LICENSE: "Apache License, Version 2.0\n",
    [first]: `${header}"use strict";\n\nexports.first = "${first}";\n`,
    [second]: `${header}exports.second = () => require("./x");\n`,
  } as Record<string, string>;
}
