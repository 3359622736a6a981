import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { ended, forever, gate, journal, reached, type Setup, start, within } from "./fabric.ts";

export function describeSteps(setup: Setup): void {
  describe("steps", () => {
    it("that succeeded are not run again after the handler threw", async () => {
      const { client, work } = await setup();
      const ran: string[] = [];
      work({}, async (task, ctx) => {
        const first = await ctx.step("first", () => {
          ran.push("first");
          return { value: 1 };
        });
        if (task.attempt === 1) throw new Error("between");
        const second = await ctx.step("second", () => {
          ran.push("second");
          return 2;
        });
        return [first, second];
      });

      const { outcome } = await ended(client, await start(client));

      expect(outcome).toMatchObject({ data: [{ value: 1 }, 2] });
      expect(ran).toEqual(["first", "second"]);
    });

    it("that succeeded are not run again after a pause", async () => {
      const { client, work } = await setup();
      let runs = 0;
      work({}, async (_task, ctx) => {
        const output = await ctx.step("count", () => {
          runs += 1;
          return runs;
        });
        await ctx.pause();
        return output;
      });
      const taskId = await start(client);
      await reached(client, taskId, "paused");

      await client.tasks.resume({ taskId });

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: 1 });
      expect(runs).toBe(1);
    });

    it("that succeeded are not run again after the worker and the runtime were gone", async () => {
      const { client, fabric, work } = await setup({ leaseMs: 200 });
      const inside = gate();
      const worker = work({ agent: "before" }, async (_task, ctx) => {
        await ctx.step("first", () => "before");
        inside.open();
        await forever();
      });
      const taskId = await start(client);
      await within(inside.promise, "the first step");
      void worker.stop();

      await fabric.restart();
      const later = await fabric.connect();
      work({ agent: "after" }, async (_task, ctx) => [await ctx.step("first", () => "after")], later);

      expect((await ended(later, taskId)).outcome).toMatchObject({ data: ["before"] });
    });

    it("of one name are told apart by their order", async () => {
      const { client, work } = await setup();
      let runs = 0;
      work({}, async (task, ctx) => {
        const outputs: number[] = [];
        for (const index of [0, 1, 2]) {
          outputs.push(
            await ctx.step("read", () => {
              runs += 1;
              return index * 10;
            }),
          );
        }
        if (task.attempt === 1) throw new Error("once more");
        return outputs;
      });

      const taskId = await start(client);

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: [0, 10, 20] });
      expect(runs).toBe(3);
      const { steps } = await client.tasks.steps({ taskId });
      expect(steps.map(({ name, ordinal }) => `${name}#${ordinal}`)).toEqual(["read#0", "read#1", "read#2"]);
    });

    it("may run side by side", async () => {
      const { client, work } = await setup();
      const ran: number[] = [];
      work({}, async (task, ctx) => {
        const outputs = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            ctx.step("part", { key: String(index) }, async () => {
              await new Promise(setImmediate);
              ran.push(index);
              return index;
            }),
          ),
        );
        if (task.attempt === 1) throw new Error("once more");
        return outputs;
      });

      const { outcome } = await ended(client, await start(client));

      expect(outcome).toMatchObject({ data: Array.from({ length: 20 }, (_, index) => index) });
      expect(ran).toHaveLength(20);
    });

    it("that threw are recorded, thrown to the handler, and run again on the next try under the same key", async () => {
      const { client, work } = await setup();
      const keys: string[] = [];
      work({}, async (task, ctx) => {
        return await ctx.step("call", ({ key }) => {
          keys.push(key);
          if (task.attempt === 1) throw new Error("connection reset");
          return "answered";
        });
      });

      const taskId = await start(client);

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: "answered" });
      expect(keys).toHaveLength(2);
      expect(new Set(keys).size).toBe(1);
      expect(await journal(client, taskId, "step.failed")).toMatchObject([{ body: { error: "connection reset" } }]);
    });

    it("have keys of their own", async () => {
      const { client, work } = await setup();
      const keys: string[] = [];
      work({}, async (_task, ctx) => {
        for (const name of ["a", "a", "b"]) await ctx.step(name, ({ key }) => void keys.push(key));
      });

      await Promise.all([await start(client), await start(client)].map((taskId) => ended(client, taskId)));

      expect(new Set(keys).size).toBe(6);
    });

    it("that threw what the handler catches do not end the run", async () => {
      const { client, work } = await setup();
      work({}, async (_task, ctx) => {
        const tried = await ctx.step("first way", () => Promise.reject(new Error("blocked"))).catch(String);
        return [tried, await ctx.step("second way", () => "through")];
      });

      const { task, outcome } = await ended(client, await start(client));

      expect(task.attempt).toBe(1);
      expect(outcome).toMatchObject({ data: ["Error: blocked", "through"] });
    });

    it("give the handler what was recorded, the first time as every later time", async () => {
      const { client, work } = await setup();
      const seen: unknown[] = [];
      work({}, async (task, ctx) => {
        seen.push(await ctx.step("read", () => ({ kept: "ä🧵\r\n", left: undefined, list: [1.5, undefined, null] })));
        seen.push(await ctx.step("nothing", () => undefined));
        if (task.attempt === 1) throw new Error("once more");
      });

      await ended(client, await start(client));

      expect(seen.slice(2)).toEqual(seen.slice(0, 2));
      expect(seen[0]).toStrictEqual({ kept: "ä🧵\r\n", list: [1.5, null, null] });
    });

    it("are refused with an option that there is not, and with a question whose answer has no schema", async () => {
      const { client, work } = await setup();
      const options = { timeoutMs: 50 } as object;
      const schema = { type: "boolean" } as unknown as z.ZodBoolean; // as a program without types may give it
      const refused: string[] = [];
      const note = (error: unknown) => refused.push(String(error));
      work({}, async (_task, ctx) => {
        await ctx.step("wait", options, () => refused.push("ran")).catch(note);
        await ctx.pause({ question: "Good?", answer: schema }).catch(note);
        return "done";
      });

      await ended(client, await start(client));

      expect(refused).toEqual([
        expect.stringContaining("ctx.step: timeoutMs: there is no such option."),
        expect.stringMatching(/ctx\.pause: answer is .*: expected a schema of zod 4, such as z\.boolean\(\)\./),
      ]);
    });

    it("keep a long output character for character", async () => {
      const { client, work } = await setup();
      const text = "Zeile 𝔘 \u0000\t".repeat(100_000);
      let isSame = false;
      work({}, async (task, ctx) => {
        const output = await ctx.step("log", () => text);
        if (task.attempt === 1) throw new Error("once more");
        isSame = output === text;
      });

      await ended(client, await start(client));

      expect(isSame).toBe(true);
    });

    it("that could not be recorded are not run", async () => {
      const { client, work } = await setup();
      let ran = false;
      work({}, async (_task, ctx) => {
        await ctx.step("x".repeat(1_000), () => {
          ran = true;
        });
      });

      const { task, outcome } = await ended(client, await start(client));

      expect({ ran, state: task.state, attempt: task.attempt }).toEqual({ ran: false, state: "failed", attempt: 1 });
      expect(outcome).toMatchObject({ error: expect.stringContaining("INPUT_INVALID") });
    });

    it("give back dates and the like as JSON has them, the first time as every later time", async () => {
      const { client, work } = await setup();
      const seen: unknown[] = [];
      work({}, async (task, ctx) => {
        const row = await ctx.step("read", () => ({
          at: new Date(0),
          link: new URL("https://a.example/"),
          none: undefined,
        }));
        seen.push(row.at satisfies string, row);
        if (task.attempt === 1) throw new Error("between");
      });

      await ended(client, await start(client));

      const row = { at: "1970-01-01T00:00:00.000Z", link: "https://a.example/" };
      expect(seen).toStrictEqual([row.at, row, row.at, row]);
    });

    it("keep any key as data, in outputs, inputs and the task's own data", async () => {
      const { client, work } = await setup();
      const data: unknown = JSON.parse('{"constructor":[12],"__proto__":{"hot":1},"toString":"x"}');
      work({}, (task, ctx) => ctx.step("index", { input: { data } }, () => ({ given: task.data, own: data })));

      const { outcome } = await ended(client, await start(client, { data }));

      const back: unknown = Reflect.get(outcome as object, "data"); // what the handler returned
      expect(JSON.stringify(back)).toBe(JSON.stringify({ given: data, own: data }));
    });

    it.each<[string, () => unknown, RegExp]>([
      ["a Map", () => ({ rows: [{ counts: new Map() }] }), /The output of step read: rows\.0\.counts is a Map/],
      ["a BigInt", () => ({ id: 5n }), /id is a BigInt/],
      ["what is no number", () => [1, Number.NaN], /1 is NaN/],
    ])("whose output is %s say where it stands and what to do", async (_, work, says) => {
      const { client, work: startWork } = await setup();
      let caught: unknown;
      startWork({}, async (_task, ctx) => {
        await ctx.step("read", work).catch((error: unknown) => {
          caught = error;
        });
      });

      await ended(client, await start(client));

      expect(caught).toMatchObject({ code: "VALUE_INVALID", detail: expect.stringMatching(says) });
    });

    it.each<[string, unknown, unknown[], number]>([
      ["with the output that the answer gives", { output: { id: "5" } }, [{ id: "5" }], 1],
      ["without an output", "done", [null], 1],
      ["by running it again with corrected code", "again", [{ id: "6" }], 2],
    ])(
      "whose output cannot be stored are not repeated: the task waits and goes on %s",
      async (_, answer, data, runs) => {
        const { client, work } = await setup();
        let charged = 0;
        const charge =
          (id: () => unknown): Parameters<typeof work>[1] =>
          async (_task, ctx) => {
            const output = await ctx.step("charge", () => {
              charged += 1;
              return { id: id() };
            });
            return [output];
          };
        const old = work(
          { agent: "old" },
          charge(() => 5n),
        );
        const taskId = await start(client);
        await reached(client, taskId, "paused");
        const { content } = await client.tasks.get({ taskId });
        await old.drain();
        work(
          { agent: "corrected" },
          charge(() => "6"),
        );

        await client.tasks.answer({ taskId, pauseId: content.pauses[0]!.pauseId, answer });

        expect(content.pauses[0]?.question).toMatch(/The output of step charge: id is a BigInt.* The step was done/s);
        expect((await ended(client, taskId)).outcome).toMatchObject({ data });
        expect(charged).toBe(runs);
      },
    );
  });

  describe("commands as steps", () => {
    it("run once, and a non-zero exit code is a result", async () => {
      const { client, work } = await setup();
      const script = "console.log('out'); console.error('err'); process.exitCode = 3";
      work({}, async (task, ctx) => {
        const result = await ctx.run("tests", [process.execPath, "-e", `${script}; console.log(Date.now())`]);
        if (task.attempt === 1) throw new Error(result.stdout);
        return result;
      });

      const taskId = await start(client);
      const { outcome } = await ended(client, taskId);

      expect(outcome).toMatchObject({ data: { exitCode: 3, stderr: "err\n", ended: "exit" } });
      const [failed] = await journal(client, taskId, "task.failed");
      expect(failed?.body?.error).toContain((outcome as { data: { stdout: string } }).data.stdout.trim());
      expect((await client.tasks.steps({ taskId })).steps).toMatchObject([{ name: "tests", tool: "command" }]);
    });

    it("are the same commands in another worker's folder", async () => {
      const { client, work } = await setup();
      const inside = gate();
      const handler =
        (hangs: boolean): Parameters<typeof work>[1] =>
        async (_task, ctx) => {
          const { stdout } = await ctx.run("where", [process.execPath, "-p", "process.cwd()"]);
          inside.open();
          return hangs ? await forever() : stdout.trim();
        };
      const first = work({ agent: "one", cwd: "/" }, handler(true));
      const taskId = await start(client);
      await within(inside.promise, "the command");
      await first.drain({ timeoutMs: 1 });

      work({ agent: "two", cwd: tmpdir() }, handler(false));

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: "/" });
    });

    it.each([
      ["does not exist", "/nowhere/at/all", /its folder \/nowhere\/at\/all does not exist/],
      ["is no folder", process.execPath, /its folder \S+ is no folder/],
    ])("whose folder %s say so by its name", async (_, cwd, says) => {
      const { client, work } = await setup();
      work({}, async (_task, ctx) => (await ctx.run("list", [process.execPath, "-v"], { cwd })).stderr);

      const { outcome } = await ended(client, await start(client));

      expect(outcome).toMatchObject({ data: expect.stringMatching(says) });
    });

    it.each([
      [
        "a text",
        "ls -l" as unknown as string[],
        {},
        /The command of step list is a list of a program and its arguments/,
      ],
      ["an empty list", [], {}, /The command of step list is a list/],
      ["an option that there is not", ["ls"], { timeoutMs: 50 }, /ctx\.run: timeoutMs: there is no such option\./],
      [
        "a length of time that is none",
        ["ls"],
        { timeout: Number.NaN },
        /ctx\.run: timeout is NaN: expected milliseconds/,
      ],
    ])("that are %s are refused before anything runs", async (_, argv, options, says) => {
      const { client, work } = await setup();
      work({}, (_task, ctx) => ctx.run("list", argv, options as object));

      const { outcome } = await ended(client, await start(client));

      expect(outcome).toMatchObject({ error: expect.stringMatching(says) });
    });

    it("that another task's limits stop say why they ended", async () => {
      const { client, work } = await setup();
      work({}, (_task, ctx) =>
        ctx.run("hang", [process.execPath, "-e", "setInterval(() => {}, 1000)"], { timeout: 50 }),
      );

      const { outcome } = await ended(client, await start(client));

      expect(outcome).toMatchObject({ data: { ended: "timeout", exitCode: null } });
    });

    it("use the worker's own way to run commands", async () => {
      const { client, work } = await setup();
      const argvs: (readonly string[])[] = [];
      const result = {
        exitCode: 0,
        stdout: "fake",
        stderr: "",
        truncated: false,
        ended: "exit" as const,
        durationMs: 1,
      };
      const exec = {
        isolation: "bubblewrap" as const,
        run: (command: { argv: readonly string[] }) => {
          argvs.push(command.argv);
          return Promise.resolve(result);
        },
      };
      work({ exec }, (_task, ctx) => ctx.run("build", ["make", "all; rm -rf /"]));

      expect((await ended(client, await start(client))).outcome).toMatchObject({ data: { stdout: "fake" } });
      expect(argvs).toEqual([["make", "all; rm -rf /"]]);
    });
  });
}
