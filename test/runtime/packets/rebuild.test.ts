import { describe, expect, it } from "vitest";
import { openStore, rebuildScope } from "../../../actors/index.ts";
import type { Connection } from "../../../sdk/index.ts";
import { limits } from "../../../src/contracts/limits.ts";
import { createRuntime } from "../../../src/embedded.ts";
import { createPorts } from "../../support/store.ts";
import { asBob, createActs, packet, review, scope, setupFolder } from "./support.ts";

describe("a rebuild", () => {
  it("makes the same rows from the journal, and the same answers (I6)", async () => {
    const { place, runtime, close } = await setupFolder();
    const { run, offer, handOver, delegate } = createActs(runtime);
    const parent = await run();
    const parts = [await delegate(parent), await delegate(parent)];
    await runtime.tasks.cancel({ taskId: parts[0]! });
    await runtime.handoff.store({ packet: { ...packet, anchor: "night" }, from: { role: "dev" }, family: "retry" });
    await runtime.handoff.decline({ ...(await offer()), roles: review.roles }, asBob);
    await runtime.handoff.withdraw(await offer({ packet: { ...packet, anchor: "night" } }));
    await runtime.handoff.return({ ...(await handOver()).work, return: { outcome: "blocked" } }, asBob);
    await runtime.handoff.return({ ...(await handOver()).work, return: { outcome: "completed" } }, asBob);
    const read = async ({ handoff, delegation }: Connection) => ({
      handoffs: (await handoff.list()).records,
      delegations: (await delegation.find()).records,
      tree: await delegation.tree({ taskId: parent.taskId }),
    });
    const before = await read(runtime);
    await close();

    const rebuilt = rebuild(`${place.path}/aionis.db`);

    expect(rebuilt.after).toEqual(rebuilt.before);
    expect(rebuilt.before.flatMap(({ packets }) => packets)).toHaveLength(7);
    await using again = await createRuntime({ ...place, agent: "ann" });
    expect(await read(again)).toEqual(before);
    expect((await again.store.verify()).problems).toEqual([]);
  });
});

/** The rows of every task before and after they are made again. */
function rebuild(file: string) {
  const store = openStore(file, { ...createPorts(), durability: "process" });
  try {
    const tasks = store.scope(scope).tasks({ count: limits.pageRows });
    const read = () => tasks.map(({ task }) => store.scope(scope).rowsOf(task));
    const before = read();
    rebuildScope(store, scope);
    return { before, after: read() };
  } finally {
    store.close();
  }
}
