import { describe, expect, it } from "vitest";
import { cleanRun } from "../../src/playbook/clean.ts";
import { command, failed, patch, read, toRun, write } from "./support.ts";

const clean = (...steps: Parameters<typeof toRun>[2]) => cleanRun(toRun(1, "Do it", steps));
const titles = ({ steps }: ReturnType<typeof clean>) => steps.map(({ title }) => title);

describe("a run without its detours", () => {
  it("has no step that failed, and none that is no tool", () => {
    const cleaned = clean(failed(patch("a", "x", "y")), { name: "think" }, patch("a", "z", "y"));

    expect(titles(cleaned)).toEqual(["patch it"]);
    expect(cleaned.leftOut.map(({ why }) => why)).toEqual([
      "it failed",
      "it is a function of a worker, and no tool that can be run again",
    ]);
  });

  it("has of a test that failed, was fixed and passed, the last time alone", () => {
    const cleaned = clean(command(["npm", "test"], "", 1), patch("a", "x", "y"), command(["npm", "test"]));

    expect(titles(cleaned)).toEqual(["patch it", "npm test"]);
  });

  it("has of a command that was mistyped the one that was meant", () => {
    expect(titles(clean(command(["npm", "run", "biuld"], "", 1), command(["npm", "run", "build"])))).toEqual([
      "npm run build",
    ]);
  });

  it("has nothing twice while nothing changed", () => {
    expect(titles(clean(read("a", "x"), read("a", "x"), patch("a", "x", "y")))).toEqual(["read a", "patch it"]);
  });

  it("has one change where the first was changed again, and none where it was taken back", () => {
    const twice = clean(patch("a", "x", "y"), patch("a", "y", "z"));
    const back = clean(patch("a", "x", "y"), patch("a", "y", "x"), command(["npm", "test"]));

    expect(twice.steps.map(({ input }) => input)).toEqual([{ path: "a", edits: [{ find: "x", replace: "z" }] }]);
    expect(titles(back)).toEqual(["npm test"]);
  });

  it("has the second of two texts of a file that was new", () => {
    const { steps } = clean(write("a", "one"), write("a", "two", false));

    expect(steps).toMatchObject([{ input: { text: "two" }, output: { created: true } }]);
  });

  it("keeps both texts when a command may have used the first", () => {
    expect(titles(clean(write("a", "one"), command(["node", "b"]), write("a", "two", false)))).toHaveLength(3);
  });
});
