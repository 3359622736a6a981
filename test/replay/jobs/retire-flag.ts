import { defineJob } from "./job.ts";
import { toJson, toPascal } from "./words.ts";

interface Values {
  flag: string;
  page: string;
}

export const retireFlag = defineJob<Values>({
  name: "retire-flag",
  family: "flags",
  rows: {
    1: { flag: "new-checkout", page: "src/pages/cart.js" },
    2: { flag: "fast-search", page: "src/pages/results.js" },
    3: { flag: "dark-header", page: "src/layout/top.js" },
    11: { flag: "split-billing", page: "src/pages/invoice.js" },
    12: { flag: "live-map", page: "src/widgets/map.js" },
    13: { flag: "inline-edit", page: "src/pages/table.js" },
    14: { flag: "two-factor", page: "src/account/login.js" },
    15: { flag: "lazy-images", page: "src/media/gallery.js" },
  },
  briefs: [
    ({ flag, page }) => `Retire the feature flag ${flag}, it is on for everybody. It is asked in ${page}.`,
    ({ flag, page }) => `please remove flag \`${flag}\` and the old code path (${page})`,
    ({ flag, page }) => `${flag} is done: delete the flag, what is legacy, and the switch in ${page}`,
    ({ flag, page }) => `The flag ${flag} can go. Clean up ${page} and delete the legacy file.`,
    ({ flag, page }) => `remove the feature flag ${flag} (used by ${page})`,
    ({ flag, page }) => `In ${page} the flag \`${flag}\` is always on now; retire it.`,
  ],
  files: ({ flag, page }) => toFiles(flag, page),
  async act({ flag, page }, hands, seed) {
    const name = toPascal(flag);
    await hands.run("where is it asked", "grep", "-rn", flag, "flags.json", "src");
    await hands.read(page);
    const choice = `isOn("${flag}") ? render${name}() : renderOld${name}()`;
    if (seed === 3) await hands.patchInVain("take the switch out", page, `if (isOn("${flag}"))`, "if (true)");
    await hands.patch("take the switch out", page, [choice, `render${name}()`]);
    if (seed === 1) await hands.run("what is left", "grep", "-rn", flag, "flags.json", "src");
    await hands.remove("delete the old path", `src/legacy/${flag}.js`);
    await hands.read("flags.json");
    await hands.patch("delete the flag", "flags.json", [`  "${flag}": true,\n`, ""]);
    await hands.run("is it valid", "node", "-e", "JSON.parse(fs.readFileSync('flags.json', 'utf8'))");
  },
  checks: ({ flag, page }) => ({
    "the flag is gone": ["sh", "-c", `! grep -q '"${flag}"' flags.json`],
    "nobody asks": ["sh", "-c", `grep -q 'render${toPascal(flag)}()' ${page} && ! grep -q 'isOn' ${page}`],
  }),
  expected: ({ flag, page }) => ({
    "flags.json": toJson({ base: true, "quiet-mode": false }),
    [page]: toPage(`render${toPascal(flag)}()`),
    [`src/legacy/${flag}.js`]: null,
  }),
  lookAlike: ({ flag, page }, files) => ({
    ...files,
    [page]: `exports.view = () => withFlag("${flag}", render${toPascal(flag)}, isOn);\n`,
  }),
});

function toFiles(flag: string, page: string): Record<string, string> {
  const name = toPascal(flag);
  return {
    "flags.json": toJson({ base: true, [flag]: true, "quiet-mode": false }),
    [page]: toPage(`isOn("${flag}") ? render${name}() : renderOld${name}()`),
    [`src/legacy/${flag}.js`]: `exports.renderOld${name} = () => "old";\n`,
  };
}

const toPage = (choice: string): string => `exports.view = () => {\n  return ${choice};\n};\n`;
