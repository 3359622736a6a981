import { defineJob } from "./job.ts";

interface Values {
  from: number;
  to: number;
  holder: string;
}

/** The README says the same year about something else. */
export const copyrightYear = defineJob<Values>({
  name: "copyright-year",
  family: "licences",
  rows: {
    1: { from: 2023, to: 2024, holder: "Bramble Software" },
    2: { from: 2024, to: 2025, holder: "Hedda Lind" },
    3: { from: 2019, to: 2026, holder: "Copperfield Labs" },
    11: { from: 2025, to: 2027, holder: "The Heron Authors" },
    12: { from: 2021, to: 2022, holder: "Pilot & Daughters" },
    13: { from: 2017, to: 2018, holder: "Oakmoss" },
    14: { from: 2015, to: 2020, holder: "Nils Amsel" },
    15: { from: 2014, to: 2016, holder: "Grey Wharf Ltd" },
  },
  briefs: [
    ({ from, to }) => `Copyright year: ${from} becomes ${to} (LICENSE, README, footer).`,
    ({ from, to }) => `happy new year! please change the copyright from ${from} to ${to} everywhere`,
    ({ from, to }) => `The copyright still says ${from}, it has to say ${to}.`,
    ({ from, to }) => `Update the copyright notices from ${from} to ${to}`,
    ({ from, to }) => `Our copyright lines are of ${from}. Set them to ${to}.`,
    ({ from, to }) => `copyright ${from} -> ${to} please, in all three places`,
  ],
  files: ({ from, holder }) => toFiles(from, from, holder),
  async act({ from, to }, hands, seed) {
    await hands.run("where does it stand", "grep", "-rn", `${from}`, ".");
    await hands.read("LICENSE");
    await hands.patch("the licence", "LICENSE", [`Copyright (c) ${from}`, `Copyright (c) ${to}`]);
    await hands.read("README.md");
    // It is the year of the first release too.
    if (seed === 1) await hands.patchInVain("the README", "README.md", `${from}`, `${to}`);
    await hands.patch("the README", "README.md", [`(c) ${from}`, `(c) ${to}`]);
    if (seed === 3) {
      await hands.patchInVain("the footer", "site/footer.html", `(c) ${from}`, `(c) ${to}`);
      await hands.read("site/footer.html");
    }
    await hands.patch("the footer", "site/footer.html", [`&copy; ${from}`, `&copy; ${to}`]);
    if (seed !== 2) await hands.run("is any left", "grep", "-rn", `${from}`, ".");
  },
  checks: ({ to }) => ({
    "the licence says it": ["grep", "-q", `(c) ${to}`, "LICENSE"],
    "the footer says it": ["grep", "-q", `copy; ${to}`, "site/footer.html"],
  }),
  expected: ({ from, to, holder }) => toFiles(from, to, holder),
  lookAlike: ({ from, holder }, files) => ({
    ...files,
    "README.md": `# Tools\n\n(c) 2011-${from} ${holder}\n`,
  }),
});

function toFiles(since: number, year: number, holder: string) {
  return {
    LICENSE: `MIT License\n\nCopyright (c) ${year} ${holder}\n`,
    "README.md": `# Tools\n\nFirst released in ${since}.\n\n(c) ${year} ${holder}\n`,
    "site/footer.html": `<footer>&copy; ${year} ${holder}</footer>\n`,
  };
}
