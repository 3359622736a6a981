import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { NatsServerBinary } from "../../scripts/nats-server.ts";
import { failures } from "../../src/contracts/failures.ts";
import { describeNats, startNatsServer } from "../support/nats.ts";
import {
  type Block,
  findMissing,
  listExpected,
  listNpmScripts,
  readBlocks,
  root,
  toGroups,
  Workplace,
} from "./blocks.ts";

const pages = ["README.md", ...globSync("docs/*.md", { cwd: root }).sort()];
const scripts = Object.keys(
  (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: object }).scripts,
);

describe.each(pages)("%s", (page) => {
  const blocks = readBlocks(page);

  it("has at most 150 lines", () => {
    expect(readFileSync(join(root, page), "utf8").trimEnd().split("\n").length).toBeLessThanOrEqual(150);
  });

  it("has blocks of known languages only", () => {
    const unknown = blocks.filter(({ language }) => !["ts", "sh", "json", "text"].includes(language));

    expect(unknown.map(({ line, language }) => `${page}:${line} ${language}`)).toEqual([]);
  });

  it("names only scripts that npm can run, and links only to pages that exist", () => {
    const named = blocks.filter(({ language }) => language === "sh").flatMap(({ text }) => listNpmScripts(text));
    const links = [...readFileSync(join(root, page), "utf8").matchAll(/\]\((?!https?:)([^)#]+)/g)].map(
      ([, path = ""]) => path,
    );

    expect(named.filter((script) => !scripts.includes(script))).toEqual([]);
    expect(links.filter((path) => globSync(join(page, "..", path), { cwd: root }).length === 0)).toEqual([]);
  });

  for (const { text, line } of blocks.filter(({ language }) => language === "json")) {
    it(`line ${line} is JSON`, () => {
      expect(() => JSON.parse(text) as unknown).not.toThrow();
    });
  }

  const run = blocks.filter(({ language }) => language === "ts" || language === "sh");
  const groups = toGroups(run);
  for (const group of groups.filter((blocks) => !needsNats(blocks))) itRuns(group);
  if (groups.some(needsNats)) {
    describeNats(`${page} with a nats-server`, (binary) => {
      for (const group of groups.filter(needsNats)) itRuns(group, binary);
    });
  }
});

function needsNats(group: readonly Block[]): boolean {
  return group.some(({ directives }) => directives.includes("needs-nats"));
}

function itRuns(group: readonly Block[], binary?: NatsServerBinary): void {
  const lines = group.map(({ line }) => line).join(", ");
  it.concurrent(`does what it says in line ${lines}`, async ({ expect: check, onTestFinished }) => {
    using place = new Workplace();
    const nats = binary && (await startNatsServer({ binary, jetstream: true, atEnd: onTestFinished }));
    for (const block of group) {
      const text = nats === undefined ? block.text : block.text.replaceAll("127.0.0.1:4222", `127.0.0.1:${nats.port}`);
      const { code, stdout, stderr } = await place.run({ ...block, text });
      check(code, `line ${block.line} said: ${stderr}`).toBe(0);
      check(findMissing(listExpected(block), stdout), `printed: ${stdout}`).toBeUndefined();
    }
  });
}

describe("all pages", () => {
  it("have programs that the compiler accepts", () => {
    const folder = mkdtempSync(join(tmpdir(), "aionis-docs-types-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    mkdirSync(join(folder, "programs"));
    for (const page of pages) {
      for (const { text, line } of readBlocks(page).filter(({ language }) => language === "ts")) {
        writeFileSync(join(folder, "programs", `${page.replaceAll("/", "-")}-${line}.mts`), text);
      }
    }
    const paths = {
      aionis: [join(root, "src/index.ts")],
      ...Object.fromEntries(["machines", "testing"].map((name) => [`aionis/${name}`, [join(root, `src/${name}.ts`)]])),
      ...Object.fromEntries(["sdk", "transport"].map((name) => [`aionis/${name}`, [join(root, name, "index.ts")]])),
    };
    const compilerOptions = { paths, typeRoots: [join(root, "node_modules/@types")], noUnusedLocals: false };
    const config = { extends: join(root, "tsconfig.json"), compilerOptions, include: ["programs"] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));

    const { stdout } = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder], {
      encoding: "utf8",
      cwd: folder,
    });

    expect(stdout.split("\n").filter((line) => line.startsWith("programs/"))).toEqual([]);
  });
});

describe("docs/failures.md", () => {
  const text = readFileSync(join(root, "docs/failures.md"), "utf8");
  const rows = [...text.matchAll(/^\| `([A-Z_]+)` \| (\d+) \| (yes|no) \| (.+) \|$/gm)];

  it("has one line for every failure of the table, and no other", () => {
    expect(rows.map(([, code]) => code).sort()).toEqual(Object.keys(failures).sort());
  });

  it("gives the status and the retry decision of the table", () => {
    const written = Object.fromEntries(
      rows.map(([, code, status, retry]) => [code, { status: Number(status), retry }]),
    );
    const true_ = Object.entries(failures).map(([code, { status, retryable }]) => [
      code,
      { status, retry: retryable ? "yes" : "no" },
    ]);

    expect(written).toEqual(Object.fromEntries(true_));
  });
});

describe("the runner of blocks", () => {
  it("finds a line that was promised and not printed, in order, with … for anything", () => {
    expect(findMissing(["a", "task_… start"], "a\nother\ntask_1 start\n")).toBeUndefined();
    expect(findMissing(["b", "a"], "a\nb\n")).toBe("a");
    expect(findMissing(["a.b"], "axb\n")).toBe("a.b");
  });

  it("sees what a program fails with", async () => {
    using place = new Workplace();

    const ran = await place.run({ language: "ts", text: "throw new Error('so')", line: 1, directives: [] });

    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("Error: so");
  });

  it("names the scripts of npm commands and runs none of them", async () => {
    using place = new Workplace();
    const text = "npm ci && npm run demo\nnpm test\necho ran";

    const ran = await place.run({ language: "sh", text, line: 1, directives: [] });

    expect(listNpmScripts(text)).toEqual(["demo", "test"]);
    expect(ran).toMatchObject({ code: 0, stdout: "ran\n" });
  });

  it("serves the folder to a block that needs a runtime", async () => {
    using place = new Workplace();
    const text = "aionis status --json; ls .aionis/runtime.sock";

    const ran = await place.run({ language: "sh", text, line: 1, directives: ["needs-runtime"] });

    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toMatch(/"state":"ready".*\n\.aionis\/runtime.sock\n$/);
  });
});
