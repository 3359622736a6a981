// Bells under any order of commands and pauses between them.

import fc from "fast-check";
import { expect, it } from "vitest";
import { toTargetKey } from "../../../machines/index.ts";
import type { Target } from "../../../src/contracts/values.ts";
import { decode } from "../../../transport/index.ts";
import { againMs, type Bell, packet, setup, subjects } from "./support.ts";

it("Bells ring only where something can be claimed, and within 15 s wherever something can (D2, D3)", async () => {
  const targets: Target[] = ["any", { role: "r" }, { role: "s" }, { agent: "a" }, { agent: "b" }];
  const target = fc.constantFrom(...targets);
  const move = fc.oneof(
    fc.record({ kind: fc.constant("start"), to: target, inMs: fc.constantFrom(0, 0, 9_000, 40_000) }),
    fc.record({ kind: fc.constantFrom("claim", "offer", "fail", "pause", "resume", "cancel"), to: target }),
    fc.record({ kind: fc.constant("pass"), to: target, inMs: fc.integer({ min: 1, max: 25_000 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 10, maxLength: 30 }), async (moves) => {
      const { clock, time, client, rows, heard, transport, now, close } = await setup();
      const { tasks, handoff } = client;
      const publish = transport.publish.bind(transport);
      const wrong: Bell[] = [];
      transport.publish = (subject, payload, headers) => {
        const bell = decode(payload, "json") as Bell;
        const { claimables } = rows.rowsOf(rows.task(bell.taskId)!.task);
        const isTrue = claimables.some((one) => one.target === toTargetKey(bell.to) && one.from <= clock.now());
        if (!isTrue || subject !== subjects.bell(bell.to)) wrong.push(bell);
        publish(subject, payload, headers);
      };
      const since = new Map<Target, number>(); // from when on something was seen to be claimable, without a break
      const look = (): void => {
        for (const to of targets) {
          const isThere = rows.nextClaimable([toTargetKey(to)], time.now()) !== undefined;
          if (!isThere) since.delete(to);
          else if (!since.has(to)) since.set(to, clock.mono());
          const last = heard.findLast(({ subject }) => subject === subjects.bell(to))?.ms ?? -Infinity;
          const silentMs = clock.mono() - Math.max(last, since.get(to) ?? Infinity);
          expect(silentMs, `${toTargetKey(to)} at ${clock.mono()}`).toBeLessThanOrEqual(againMs);
        }
      };

      for (const { kind, to, ...rest } of moves) {
        const inMs = "inMs" in rest ? rest.inMs : 0;
        const [running] = (await now(tasks.list({ states: ["running"], pageSize: 1 }))).tasks;
        const [paused] = (await now(tasks.list({ states: ["paused"], pageSize: 1 }))).tasks;
        const mine = running?.state === "running" ? { taskId: running.id, epoch: running.epoch } : undefined;
        if (kind === "start") await now(tasks.start({ brief: "x", to, claimableAt: clock.now() + inMs }));
        if (kind === "pass") await clock.advance(inMs);
        if (kind === "claim") await now(tasks.claim({ roles: ["r", "s"] }));
        if (kind === "offer" && mine) await now(handoff.offer({ ...mine, to, packet }));
        if (kind === "fail" && mine) await now(tasks.fail({ ...mine, error: "x" }));
        if (kind === "pause" && mine) await now(tasks.pause(mine));
        if (kind === "cancel" && mine) await now(tasks.cancel({ taskId: mine.taskId }));
        if (kind === "resume" && paused) await now(tasks.resume({ taskId: paused.id }));
        look();
      }

      await close();
      expect(wrong).toEqual([]);
    }),
    { numRuns: 60 },
  );
}, 60_000);
