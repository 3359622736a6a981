import { describe, expect, it } from "vitest";
import { limits } from "../../src/contracts/limits.ts";
import { PlaybookContent } from "../../src/contracts/playbook.ts";
import { compile, fillFrom, findProblems, renderInput } from "../../src/playbook/index.ts";
import { command, mustCompile, patch, read, toRun, write } from "./support.ts";

const inputs = ({ steps }: PlaybookContent) => steps.map(({ input }) => input);

describe("one run", () => {
  it("has what its brief sets apart as parameters, in every spelling", () => {
    const content = mustCompile(
      toRun(1, "Add the flag `dark-mode` to src/flags.ts", [
        patch("src/flags.ts", "};", '  darkMode: flag("dark-mode"),\n};'),
        command(["node", "src/flags.ts"]),
      ]),
    );

    expect(content.parameters).toMatchObject([
      { name: expect.any(String) as string, type: "path", examples: ["src/flags.ts"] },
      { type: "word", examples: ["dark-mode"] },
    ]);
    const [path, flag] = content.parameters.map(({ name }) => name);
    expect(inputs(content)).toEqual([
      { path: `{{${path}}}`, edits: [{ find: "};", replace: `  {{${flag} | camel}}: flag("{{${flag}}}"),\n};` }] },
      { argv: ["node", `{{${path}}}`] },
    ]);
  });

  it("has its data as parameters, before its brief", () => {
    const data = { advisory: { id: "ADV-7" } };
    const content = mustCompile(toRun(1, "Pin ADV-7", [write("pins.md", "- ADV-7\n")], { data }));

    expect(content.parameters).toMatchObject([{ name: "id", source: { from: "data", path: "advisory.id" } }]);
  });

  it("names what an earlier step gave back, and drops what only looked", () => {
    const content = mustCompile(
      toRun(1, "Add a line to the list", [
        command(["ls"], "list.md\n"),
        read("list.md", "# The list\n\n- one\n- two\n"),
        write("list.md", "# The list\n\n- one\n- two\n- three\n", false),
      ]),
    );

    expect(content.steps.map(({ key }) => key)).toEqual(["read-list-md", "write-it"]);
    expect(inputs(content)[1]).toEqual({ path: "list.md", text: "{{steps.read-list-md.text}}- three\n" });
    expect(content.leftOut).toEqual([{ title: "ls", why: "nothing used what it gave back" }]);
  });

  it("has conditions by what its tools gave back", () => {
    const content = mustCompile(
      toRun(1, "Do it", [
        write("new.md", "x"),
        patch("old.md", "a", "b"),
        command(["npm", "test"], "all passed\n"),
        command(["git", "push"]),
      ]),
    );

    expect(content.steps.map(({ before, after, safety }) => [before, after, safety])).toEqual([
      [[{ kind: "path_not_exists", path: "new.md" }], [], "auto_ok"],
      [[{ kind: "file_exists", path: "old.md" }], [], "auto_ok"],
      [[], [{ kind: "exit_code", code: 0 }], "auto_ok"],
      [[], [{ kind: "exit_code", code: 0 }], "needs_confirm"],
    ]);
  });

  it("is called by its brief, without what is given anew", () => {
    expect(mustCompile(toRun(1, "Set the version to 1.1.0\nsoon", [write("v", "1.1.0")])).title).toBe(
      "Set the version to …",
    );
    expect(mustCompile(toRun(1, "Tidy up", [write("v", "1")])).title).toBe("Tidy up");
  });

  it("asks before what somebody was asked about, whatever looks stand between", () => {
    const steps = [patch("a", "x", "y"), read("a", "y"), command(["git", "tag", "v1"]), command(["npm", "test"])];
    const [first, , third] = toRun(1, "Ship it", steps).steps;
    const asked = (seq = 0) =>
      mustCompile(toRun(1, "Ship it", steps, { answers: [seq] })).steps.map(({ safety }) => safety);

    expect(asked(first?.seq)).toEqual(["auto_ok", "needs_confirm", "auto_ok"]);
    expect(asked(third?.seq)).toEqual(["auto_ok", "auto_ok", "auto_ok"]); // a check needs nobody's word
  });

  it("says what was no step of its own: what asked earlier work, and what others did", () => {
    const steps = [{ name: "guidance", tool: "guidance", output: {} }, patch("a", "x", "y")];
    const { leftOut } = mustCompile(toRun(1, "Do it", steps, { delegated: ["Tell of it"] }));

    expect(leftOut.map(({ title }) => title)).toEqual(["guidance", "Tell of it"]);
  });

  it("checks again before what may not be undone", () => {
    const test = command(["npm", "test"]);
    const done = (...steps: Parameters<typeof toRun>[2]) =>
      mustCompile(toRun(1, "Do it", steps)).steps.map(({ input }) => (input as { argv?: string[] }).argv?.[1]);

    expect(done(patch("a", "x", "y"), test, command(["git", "commit"]), test)).toEqual([
      undefined,
      "test",
      "commit",
      "test",
    ]);
    expect(done(patch("a", "x", "y"), test, patch("b", "x", "y"), test)).toEqual([undefined, undefined, "test"]);
  });

  it("takes what a new value replaces for whatever stands there", () => {
    const content = mustCompile(
      toRun(1, "Raise the timeout of `checkout` to 45s", [
        read("deploy/checkout.yml", "name: checkout\ntimeout: 10s\n"),
        patch("deploy/checkout.yml", "timeout: 10s", "timeout: 45s"),
      ]),
    );

    const [first] = content.steps;
    expect(inputs(content)[1]).toMatchObject({
      edits: [
        {
          find: `timeout: {{steps.${first?.key}.text | between("\\ntimeout: ","\\n")}}`,
          replace: "timeout: {{timeout_2}}",
        },
      ],
    });
  });

  it("counts on from what a step listed", () => {
    const content = mustCompile(
      toRun(1, 'Record the decision "Use SQLite"', [
        command(["ls", "decisions"], "0002-first.md\n0003-second.md\n"),
        write("decisions/0004-use-sqlite.md", "# Use SQLite\n"),
      ]),
    );

    const outputs = { [content.steps[0]?.key ?? ""]: { stdout: "0008-x.md\n0009-second.md\n" } };
    const values = { [content.parameters[0]?.name ?? ""]: "Keep SQLite small" };
    expect(renderInput(inputs(content)[1], { values, outputs })).toEqual({
      path: "decisions/0010-keep-sqlite-small.md",
      text: "# Keep SQLite small\n",
    });
  });

  it("writes names of code as such, also where one word shows no joint", () => {
    const content = mustCompile(
      toRun(1, 'Add the route "seats"', [write("src/seats.ts", 'export const seats = "seats";\n')]),
    );

    expect(inputs(content)).toEqual([
      { path: "src/{{route}}.ts", text: 'export const {{route | camel}} = "{{route}}";\n' },
    ]);
  });
});

describe("several runs", () => {
  const bump = (number: number, goal: string, from: string, to: string) =>
    toRun(
      number,
      goal,
      [
        command(["node", "-p", "require('./package.json').version"], `${from}\n`),
        patch("package.json", `"version": "${from}"`, `"version": "${to}"`),
        command(["npm", "test"], `> ledger@${to} test\nall tests passed\n`),
      ],
      { checks: [{ name: "it is bumped", command: ["grep", "-q", to, "package.json"], required: true }] },
    );
  const runs = [
    bump(1, "Bump it to 1.5.0", "1.4.2", "1.5.0"),
    bump(2, "set version 0.9.9 please", "0.9.1", "0.9.9"),
    bump(3, "New: 4.0.0", "3.0.0", "4.0.0"),
  ];

  it("have a parameter where their briefs differ, and a slot where a step said it", () => {
    const content = mustCompile(...runs);

    expect(content.parameters).toEqual([
      { name: "version", type: "version", source: { from: "brief" }, examples: ["1.5.0", "0.9.9", "4.0.0"] },
    ]);
    expect(inputs(content)[1]).toEqual({
      path: "package.json",
      edits: [{ find: expect.stringContaining(" | trim}}") as string, replace: '"version": "{{version}}"' }],
    });
    expect(content.checks).toEqual([
      { name: "it is bumped", command: ["grep", "-q", "{{version}}", "package.json"], required: true },
    ]);
    expect(content.steps[2]?.after).toEqual([
      { kind: "exit_code", code: 0 },
      { kind: "output_matches", pattern: "all tests passed" },
    ]);
  });

  it("render to what each of them did", () => {
    const { steps } = mustCompile(...runs);

    for (const run of runs) {
      const outputs = Object.fromEntries(steps.map(({ key }, index) => [key, run.steps[index]?.output]));
      const values = { version: /\d+\.\d+\.\d+/.exec(run.goal)?.[0] };
      expect(steps.map(({ input }) => renderInput(input, { values, outputs }))).toEqual(
        run.steps.map(({ input }) => input),
      );
    }
  });

  it("have one parameter for a name of several words, which stands in other texts too", () => {
    const note = (number: number, goal: string, who: string, year: string) =>
      toRun(number, goal, [write(`notes/${year}_${who.split(" ").join("-").toLowerCase()}.md`, `// ${year} ${who}\n`)]);
    const content = mustCompile(
      note(1, "It is of 2024, by Bramble Soft", "Bramble Soft", "2024"),
      note(2, "a note for Hedda Lind (2023)", "Hedda Lind", "2023"),
      note(3, "Copper Labs Ltd wants a note, 2025", "Copper Labs Ltd", "2025"),
    );

    expect(content.parameters.map(({ examples }) => examples)).toEqual([
      ["2024", "2023", "2025"],
      ["Bramble Soft", "Hedda Lind", "Copper Labs Ltd"],
    ]);
    const [year, who] = content.parameters.map(({ name }) => name);
    expect(inputs(content)).toEqual([
      { path: `notes/{{${year}}}_{{${who} | slug}}.md`, text: `// {{${year}}} {{${who}}}\n` },
    ]);
  });

  it("ask for what nothing says", () => {
    const content = mustCompile(
      toRun(1, "Write the note", [write("note.md", "Owner: Anna\n")]),
      toRun(2, "Write the note, please", [write("note.md", "Owner: Bert\n")]),
    );

    expect(content.parameters).toEqual([
      { name: "owner", type: "word", source: { from: "asked" }, examples: ["Anna", "Bert"] },
    ]);
    expect(inputs(content)).toEqual([{ path: "note.md", text: "Owner: {{owner}}\n" }]);
  });

  it("have a branch where one alone was asked for more", () => {
    const step = (name: string) => write(`src/${name}.ts`, `export const it = "${name}";\n`);
    const content = mustCompile(
      toRun(1, "Add the part `left-pad`", [step("left-pad")]),
      toRun(2, "Add the part `is-odd`, with a note in `docs/odd.md`", [
        step("is-odd"),
        patch("docs/odd.md", "# Notes\n", "# Notes\n\nis-odd\n"),
      ]),
      toRun(3, "Add the part `to-text`", [step("to-text")]),
    );

    const [, note] = content.steps;
    expect(note?.when).toEqual({
      kind: "given",
      parameter: content.parameters.find(({ examples }) => examples.includes("docs/odd.md"))?.name,
    });
  });

  it("leave out what one of them did for no reason that they tell", () => {
    const step = patch("a.md", "x", "y");
    const content = mustCompile(
      toRun(1, "Do it", [step]),
      toRun(2, "Do it", [step, command(["npm", "install"])]),
      toRun(3, "Do it", [step]),
    );

    expect(content.steps).toHaveLength(1);
    expect(content.leftOut).toEqual([{ title: "npm install", why: "only 1 of 3 runs did it, and nothing says when" }]);
  });

  it("are the same playbook whenever they are compiled, within the contract and without problems (C1)", () => {
    const content = mustCompile(...runs);

    expect(mustCompile(...structuredClone(runs))).toEqual(content);
    expect(PlaybookContent.parse(content)).toEqual(content);
    expect(findProblems(content)).toEqual([]);
    expect(fillFrom(content, { text: "It should be 2.8.0" })).toEqual({ version: "2.8.0" });
  });
});

describe("what is refused (C2)", () => {
  const many = Array.from({ length: limits.playbookSteps + 1 }, (_, index) => command(["node", `step-${index}.js`]));
  const places = Array.from({ length: limits.playbookParameters + 1 }, (_, index) => `key${index}`);
  let deep: unknown = "x";
  for (let depth = 0; depth < 100_000; depth++) deep = [deep];

  it.each([
    ["no runs", [], "there are none"],
    [
      "more than are read",
      Array.from({ length: limits.playbookSources + 1 }, (_, index) => toRun(index, "Do it", [])),
      "over",
    ],
    [
      "runs without a step that can be run again",
      [toRun(1, "Do it", [{ name: "think" }])],
      "no step of theirs can be run again",
    ],
    ["too many steps", [toRun(1, "Do it", many)], "over 100 steps"],
    [
      "too many differences",
      [1, 2].map((run) =>
        toRun(
          run,
          "Do it",
          places
            .map((key) => write(`${key}.md`, `is: ${key} v${run}x\n`))
            .map((step, index) => ({
              ...step,
              name: `write ${index}`,
              input: { path: `${places[index]}.md`, text: `at ${index}: ${run}${index}q\n` },
            })),
        ),
      ),
      "over 40 places",
    ],
    ["data that are nested too deep", [toRun(1, "Do it", [write("a", "x")], { data: deep })], "too deep"],
  ])("%s", (_, runs, why) => {
    expect(compile(runs)).toMatchObject({ kind: "refused", why: expect.stringContaining(why) as string });
  });
});

describe("hostile runs", () => {
  it.each([
    ["braces", "{{".repeat(10_000)],
    ["quotes", '"a '.repeat(6_000)],
    ["one letter", "a".repeat(20_000)],
    ["halves of pairs", "\ud800 ".repeat(5_000)],
    ["transforms", '{{a | between("'.repeat(1_000)],
  ])("come to playbooks that render to what was done: %s", (_, text) => {
    const runs = [1, 2].map((number) => toRun(number, text, [write("a/b.txt", `${text} nm-${number}\n`)]));
    const content = mustCompile(...runs);

    expect(findProblems(content)).toEqual([]);
    const [parameter] = content.parameters;
    const values = parameter === undefined ? {} : { [parameter.name]: parameter.examples[1] };
    expect(renderInput(content.steps[0]?.input, { values, outputs: {} })).toEqual(runs[1]?.steps[0]?.input);
  });

  it("change no object that others have", () => {
    const evil = JSON.parse('{"__proto__":{"polluted":"yes-1"},"constructor":{"prototype":{"x":"abc-1"}}}') as object;
    const content = mustCompile(
      toRun(1, "Use yes-1", [{ name: "use", tool: "own", input: evil, output: evil }], { data: evil }),
    );

    expect(content.steps[0]?.tool).toBe("own");
    expect("polluted" in {}).toBe(false);
  });
});

describe("several runs that differ in structure", () => {
  const edit = (find: string, replace: string) => ({ find, replace });
  const patchWith = (...edits: object[]) => ({
    name: "patch",
    tool: "file.patch",
    input: { path: "a", edits },
    output: {},
  });

  it("give the list that most of them have", () => {
    const content = mustCompile(
      toRun(1, "Call it ONE", [patchWith(edit("import", "import ONE"), edit("x", "ONE"))]),
      toRun(2, "Call it TWO", [patchWith(edit("x", "TWO"))]),
      toRun(3, "Call it SIX", [patchWith(edit("import", "import SIX"), edit("x", "SIX"))]),
    );
    const [name] = content.parameters.map((each) => each.name);

    expect(inputs(content)).toEqual([
      { path: "a", edits: [edit("import", `import {{${name}}}`), edit("x", `{{${name}}}`)] },
    ]);
  });

  it("ask for a list of which no two have the same length, as JSON that becomes one", () => {
    const lists = [[edit("a", "b")], [edit("a", "c"), edit("d", "e")], []];
    const content = mustCompile(...lists.map((edits, index) => toRun(index + 1, "Mend it", [patchWith(...edits)])));
    const [parameter] = content.parameters;
    if (parameter === undefined) throw new Error("there is no parameter");

    const values = { [parameter.name]: JSON.stringify(lists[1]) };

    expect(parameter).toMatchObject({ type: "json", source: { from: "asked" } });
    expect(renderInput(content.steps[0]?.input, { values, outputs: {} })).toEqual({ path: "a", edits: lists[1] });
  });
});
