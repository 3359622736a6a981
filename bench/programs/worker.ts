// Workers, each on a connection of its own: `worker.ts <servers> <role> <concurrency> <agent>…`. The role says what is done with a task.

import { connect, type Handler, type RunContext } from "../../src/index.ts";
import { toMoment } from "../moment.ts";
import { liveWithStarter } from "./life.ts";

const [, , servers = "", role = "", concurrency, ...agents] = process.argv;
const text = "x".repeat(1_400);

/** Of the packet that `take` is handed over with. */
interface Offered {
  data: { offeredAt: number };
}

const handlers: Record<string, Handler> = {
  give: (_task, ctx) => {
    const data: Offered["data"] = { offeredAt: toMoment() };
    return ctx.handoff({ to: { role: "take" }, brief: text, nextAction: "go on", data });
  },
  take: (_task, ctx) => toMoment() - (ctx.packet as Offered).data.offeredAt, // only `give` hands over to it
  begin: async (_task, ctx) => {
    await takeSteps(5, ctx);
    await ctx.handoff({ to: { role: "finish" }, brief: text, nextAction: "go on" });
  },
  finish: (_task, ctx) => takeSteps(5, ctx),
  hang: async (task, ctx) => {
    const startedAt = toMoment();
    if (task.epoch > 1) return startedAt;
    await ctx.step("begin", () => null);
    return new Promise(() => {});
  },
};

const handler = handlers[role];
if (handler === undefined) throw new Error(`There is no role ${role}; there are ${Object.keys(handlers).join(", ")}.`);
const connections = await Promise.all(
  agents.map(async (agent) => {
    const connection = await connect({ scope: "bench/nats", servers, agent });
    connection.worker({ agent, roles: [role], concurrency: Number(concurrency) }, handler);
    return connection;
  }),
);
liveWithStarter(() => Promise.all(connections.map((connection) => connection.close())));

async function takeSteps(count: number, ctx: RunContext): Promise<void> {
  for (let step = 0; step < count; step += 1) await ctx.step("work", () => text.slice(0, 200));
}
