import fc from "fast-check";
import { expect, it } from "vitest";
import {
  createSubjects,
  isBlobSubject,
  isInternalSubject,
  toBlobSubject,
  toInboxPrefix,
  toServedSubject,
} from "../../../transport/subjects.ts";
import { flush } from "../../conformance/transport/fabric.ts";
import { describeNats } from "../../support/nats.ts";
import { setup } from "./support.ts";

const awkward = [
  "a",
  "a.b",
  "*",
  ">",
  "a.*",
  "a.>",
  "",
  " ",
  "a b",
  "\r\n",
  "💥",
  "é".repeat(40),
  "x".repeat(10_240),
  "=",
  "==",
  "$SYS",
  "_INBOX",
  "blob",
  "served",
];
const id = fc.oneof(
  { arbitrary: fc.constantFrom(...awkward), weight: 3 },
  fc.string({ unit: "grapheme", maxLength: 80 }),
);

describeNats("subjects on a real server", (binary) => {
  it("reach the subscriber of one task in one scope, and no other, whatever the ids are", async () => {
    const { connect } = await setup({ binary });
    const [alice, bob] = [await connect("alice"), await connect("bob")];
    const address = fc.record({ tenant: id, project: id, taskId: id });
    const toKey = ({ tenant, project, taskId }: { tenant: string; project: string; taskId: string }): string =>
      JSON.stringify([tenant, project, taskId]);

    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(address, { selector: toKey, minLength: 2, maxLength: 8 }), async (addresses) => {
        const heard = addresses.map(() => [] as string[]);
        const stops = addresses.map(({ taskId, ...scope }, index) =>
          bob.subscribe(
            createSubjects(scope).taskPattern(taskId),
            ({ payload }) => void heard[index]?.push(Buffer.from(payload).toString()),
          ),
        );
        await flush(bob);

        for (const { taskId, ...scope } of addresses) {
          alice.publish(createSubjects(scope).task(taskId, "task.claimed"), Buffer.from(toKey({ taskId, ...scope })));
        }
        await flush(alice);
        await flush(bob);

        for (const stop of stops) stop();
        expect(heard).toEqual(addresses.map((one) => [toKey(one)]));
      }),
      { numRuns: 60 },
    );
  });

  it("let a user serve its own blobs and inbox and no other's, by permissions, whatever the agents are", async () => {
    const { connectForeign } = await setup({ binary });
    const [one, two] = [await connectForeign(), await connectForeign()];

    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(id, { minLength: 2, maxLength: 6 }), async (agents) => {
        const heard = agents.map(() => [] as string[]);
        const subscriptions = agents.flatMap((agent, index) => {
          const callback = (_: unknown, message: { string(): string }): void =>
            void heard[index]?.push(message.string());
          const blobs = toBlobSubject(agent, "x").replace(/x$/, "*");
          return [blobs, `${toInboxPrefix(agent)}.>`].map((pattern) => two.subscribe(pattern, { callback }));
        });
        await two.flush();

        for (const agent of agents) {
          one.publish(toBlobSubject(agent, "0123abcd"), `blob ${agent}`);
          one.publish(`${toInboxPrefix(agent)}.r.1`, `inbox ${agent}`);
        }
        await one.flush();
        await two.flush();

        for (const subscription of subscriptions) subscription.unsubscribe();
        expect(heard).toEqual(agents.map((agent) => [`blob ${agent}`, `inbox ${agent}`]));
      }),
      { numRuns: 40 },
    );
  });
});

it("Subjects of the transports among themselves are told apart from those of any scope.", () => {
  fc.assert(
    fc.property(id, id, id, (tenant, project, other) => {
      const subjects = createSubjects({ tenant, project });
      for (const subject of [
        subjects.rpc(other, "tasks.start"),
        subjects.task(other, "claimed"),
        subjects.progress(other),
      ]) {
        expect(isInternalSubject(subject)).toBe(false);
      }
      const internal = [
        toBlobSubject(other, "0123abcd"),
        `${toInboxPrefix(other)}.a.b`,
        toServedSubject(subjects.rpcPattern),
      ];
      expect(internal.map(isInternalSubject)).toEqual([true, true, true]);
    }),
  );
  expect(
    [
      "aionis.v1.blob.a",
      "aionis.v1.blob.a.b.c",
      "aionis.v1.blob.*.b",
      "aionis.v1.blob.a.>",
      "x.aionis.v1.blob.a.b",
    ].some(isBlobSubject),
  ).toBe(false);
});
