import { defineJob } from "./job.ts";

interface Values {
  name: string;
  handle: string;
  path: string;
}

export const codeOwner = defineJob<Values>({
  name: "code-owner",
  family: "people",
  rows: {
    1: { name: "Ana Lopes", handle: "@ana-lopes", path: "packages/search" },
    2: { name: "Tomasz Wrona", handle: "@twrona", path: "services/billing" },
    3: { name: "Ines", handle: "@ines_k", path: "docs" },
    11: { name: "Bo Lindqvist", handle: "@bolind", path: "apps/mobile" },
    12: { name: "Chidi Okafor", handle: "@chidi", path: "infra/terraform" },
    13: { name: "Yuki Tanaka", handle: "@yuki-t", path: "packages/codec/src" },
    14: { name: "Mairead O'Shea", handle: "@mairead", path: "tools" },
    15: { name: "Jean-Luc Petit", handle: "@jlpetit", path: "services/mail" },
  },
  briefs: [
    ({ name, handle, path }) => `"${name}" (${handle}) now owns ${path}.`,
    ({ name, handle, path }) => `make ${handle} the code owner of ${path} and list "${name}" with the maintainers`,
    ({ name, handle, path }) => `New maintainer for ${path}: "${name}", ${handle}`,
    ({ name, handle, path }) => `Please make "${name}" (${handle}) owner of ${path}`,
    ({ name, handle, path }) => `${path} gets a new owner: "${name}", handle ${handle}.`,
    ({ name, handle, path }) => `code owner of ${path} is ${handle} from today, her or his name is "${name}"`,
  ],
  files: () => ({ ".github/CODEOWNERS": owners, "MAINTAINERS.md": toMaintainers("") }),
  async act({ name, handle, path }, hands, seed) {
    await hands.run("who owns what", "cat", ".github/CODEOWNERS");
    const text = await hands.read(".github/CODEOWNERS");
    if (seed === 1) await hands.write("add the owner", ".github/CODEOWNERS", `${text}${path} ${handle}\n`); // without slashes
    await hands.write("add the owner", ".github/CODEOWNERS", `${text}/${path}/ ${handle}\n`);
    await hands.read("MAINTAINERS.md");
    const line = `- ${name} (${handle}): ${path}\n`;
    if (seed === 3) await hands.patchInVain("list them", "MAINTAINERS.md", "# Active\n\n# ", line);
    await hands.patch("list them", "MAINTAINERS.md", ["## Active\n\n", `## Active\n\n${line}`]);
    if (seed === 2) await hands.run("look at it", "cat", "MAINTAINERS.md");
  },
  checks: ({ name, handle, path }) => ({
    "it is owned": ["grep", "-qx", `/${path}/ ${handle}`, ".github/CODEOWNERS"],
    "the name is listed": ["grep", "-qF", "-e", `- ${name} (${handle})`, "MAINTAINERS.md"],
  }),
  expected: ({ name, handle, path }) => ({
    ".github/CODEOWNERS": `${owners}/${path}/ ${handle}\n`,
    "MAINTAINERS.md": toMaintainers(`- ${name} (${handle}): ${path}\n`),
  }),
});

const owners = "* @everyone\n/scripts/ @tooling\n";

const toMaintainers = (line: string): string =>
  `# Maintainers\n\n## Active\n\n${line}- Lea (@lea): all\n\n## Past\n\n- Kim (@kim)\n`;
