import { describe, expect, it } from "vitest";
import { limits } from "../../../src/contracts/limits.ts";
import type { DelegationRecord } from "../../../src/contracts/packet.ts";
import { asBob, idsOf, packet, setup, type TaskId } from "./support.ts";

describe("lists", () => {
  const targets = ["any", { role: "review" }, { agent: "bob" }] as const;
  const pageSizes = [1, 2, 3, 7, limits.pageRows];

  async function setupMany() {
    const world = await setup();
    const { client } = world;
    for (let index = 0; index < 24; index += 1) {
      const to = targets[index % 3]!;
      const { taskId, packetId } = await client.handoff.store({ packet, to });
      if (index % 4 === 1) await client.handoff.claim({ taskId, packetId, roles: ["review"] }, asBob);
      if (index % 4 === 2) await client.tasks.cancel({ taskId });
    }
    return world;
  }

  it("page without gaps or repeats under every filter", async () => {
    const { client } = await setupMany();
    const all = (await client.handoff.list({ pageSize: limits.pageRows })).records;
    expect(all.map(({ packetId }) => packetId)).toEqual(
      all
        .map(({ packetId }) => packetId)
        .toSorted()
        .toReversed(),
    );
    expect(all).toHaveLength(24);

    for (const status of [undefined, "offered", "claimed", "returned", "expired"] as const) {
      for (const to of [undefined, ...targets]) {
        const filter = { ...(status && { status }), ...(to && { to }) };
        const fits = (record: DelegationRecord): boolean =>
          (status ?? record.status) === record.status && JSON.stringify(to ?? record.to) === JSON.stringify(record.to);
        for (const pageSize of pageSizes) {
          expect(await readAll((cursor) => client.handoff.list({ ...filter, ...cursor, pageSize }))).toEqual(
            all.filter(fits),
          );
        }
      }
    }
  });

  it("keep their place while packets are added", async () => {
    const { client } = await setupMany();
    const before = (await client.handoff.list()).records;

    const seen = await readAll(async (cursor) => {
      await client.handoff.store({ packet });
      return client.handoff.list({ ...cursor, pageSize: 5 });
    });

    expect(seen.slice(1)).toEqual(before); // the first page held one more
  });

  it("keep delegations and handoffs apart, and find what one task delegated", async () => {
    const { client, run, delegate, offer } = await setup();
    const parents = [await run(), await run()];
    const children: TaskId[][] = [[], []];
    for (let index = 0; index < 5; index += 1) {
      for (const [at, parent] of parents.entries()) children[at]!.unshift(await delegate(parent));
    }
    const { packetId } = await offer();

    const page = (filter: { parentId?: TaskId }, pageSize: number) =>
      readAll((cursor) => client.delegation.find({ ...filter, ...cursor, pageSize }));
    for (const pageSize of pageSizes) {
      expect(await page({}, pageSize)).toHaveLength(10);
      for (const [at, { taskId }] of parents.entries()) {
        const records = await page({ parentId: taskId }, pageSize);
        expect(records.map((record) => record.taskId)).toEqual(children[at]);
        expect(records.every(({ kind, parentId }) => kind === "delegation" && parentId === taskId)).toBe(true);
      }
    }
    expect((await client.handoff.list()).records.map((record) => record.packetId)).toEqual([packetId]);
  });

  it("refuse a cursor that they did not give", async () => {
    const { client } = await setup();
    const cursor = `pkt_${"0".repeat(20)}` as const;

    await expect(client.handoff.list({ cursor })).rejects.toMatchObject({ code: "CURSOR_INVALID" });
    await expect(client.delegation.find({ cursor })).rejects.toMatchObject({ code: "CURSOR_INVALID" });
  });
});

describe("delegation.tree", () => {
  it("shows parents before children, the oldest first, with levels and records", async () => {
    const { client, run, delegate } = await setup();
    const root = await run();
    const a = await delegate(root, { count: 2, depth: 2 });
    const b = await delegate(root);
    const { assignment } = await client.tasks.claim({ taskId: a });
    const a1 = await delegate(idsOf(assignment!), { count: 1, depth: 1 });
    const nested = await client.tasks.claim({ taskId: a1 });
    const a2 = await delegate(idsOf(nested.assignment!));
    const c = await delegate(root);
    await client.tasks.cancel({ taskId: b });

    const { nodes, cursor } = await client.delegation.tree({ taskId: root.taskId });

    const seen = nodes.map(({ task, level, record }) => [task.id, level, task.parentId, record?.status]);
    expect(seen).toEqual([
      [root.taskId, 0, undefined, undefined],
      [a, 1, root.taskId, "claimed"],
      [a1, 2, a, "claimed"],
      [a2, 3, a1, "offered"],
      [b, 1, root.taskId, "returned"],
      [c, 1, root.taskId, "offered"],
    ]);
    expect(cursor).toBeUndefined();
    const part = await client.delegation.tree({ taskId: a });
    expect(part.nodes.map(({ task, level }) => [task.id, level])).toEqual([
      [a, 0],
      [a1, 1],
      [a2, 2],
    ]);
  });

  it("comes in pages that together are the whole, whatever their size", async () => {
    const { client, run, delegate } = await setup();
    const root = await run({ budget: { count: 20, depth: 3 } });
    for (let branch = 0; branch < 3; branch += 1) {
      const taskId = await delegate(root, { count: 4, depth: 2 });
      const { assignment } = await client.tasks.claim({ taskId });
      for (let leaf = 0; leaf < branch; leaf += 1) await delegate(idsOf(assignment!));
    }
    const whole = await client.delegation.tree({ taskId: root.taskId });
    expect([whole.nodes.length, whole.cursor]).toEqual([7, undefined]);

    for (let pageSize = 1; pageSize <= 7; pageSize += 1) {
      const pages = [];
      for (let cursor: typeof root.taskId | undefined; ; ) {
        const page = await client.delegation.tree({ taskId: root.taskId, pageSize, ...(cursor && { cursor }) });
        pages.push(page.nodes);
        if (page.cursor === undefined) break;
        cursor = page.cursor;
      }

      expect(pages.flat()).toEqual(whole.nodes);
      expect(pages.length).toBe(Math.ceil(7 / pageSize));
    }
  });

  it("has no page behind a task that is not in it", async () => {
    const { client, run } = await setup();
    const root = await run();
    const other = await run();

    const page = client.delegation.tree({ taskId: root.taskId, cursor: other.taskId });

    await expect(page).rejects.toMatchObject({ code: "CURSOR_INVALID" });
  });

  it("of a task that is not there is refused", async () => {
    const { client } = await setup();

    const tree = client.delegation.tree({ taskId: `task_${"0".repeat(20)}` });

    await expect(tree).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
  });
});

type Page = { records: DelegationRecord[]; cursor?: DelegationRecord["packetId"] | undefined };

async function readAll(read: (cursor: Pick<Page, "cursor">) => Promise<Page>): Promise<DelegationRecord[]> {
  const all: DelegationRecord[] = [];
  for (let page = await read({}); ; page = await read({ cursor: page.cursor })) {
    all.push(...page.records);
    if (page.cursor === undefined) return all;
  }
}
