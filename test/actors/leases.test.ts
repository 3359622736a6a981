import { describe, expect, it } from "vitest";
import { createLeases } from "../../actors/index.ts";
import { JumpingClock, scopeName } from "../support/store.ts";
import { taskId } from "../support/tasks.ts";

function setup(leaseMs = 10_000) {
  const clock = new JumpingClock();
  const expired: string[] = [];
  const leases = createLeases({
    clock,
    leaseMs,
    onExpired: ({ taskId: id, epoch }) => void expired.push(`${Number(id.slice(5))}@${epoch}`),
  });
  const claim = (n: number, epoch = 1, agent = "worker-1") => ({ scope: scopeName, taskId: taskId(n), epoch, agent });
  return { clock, leases, expired, claim };
}

describe("leases", () => {
  it("end in the order of their last sign of life", async () => {
    const { clock, leases, expired, claim } = setup();
    for (const n of [1, 2, 3]) {
      leases.grant(claim(n));
      await clock.advance(1_000);
    }
    expect(leases.renew(claim(1))).toBe(true);

    await clock.advance(9_999);
    expect(expired).toEqual(["2@1", "3@1"]);
    await clock.advance(1);

    expect(expired).toEqual(["2@1", "3@1", "1@1"]);
  });

  it("last as long as somebody renews them", async () => {
    const { clock, leases, expired, claim } = setup();
    leases.grant(claim(1));

    for (let beat = 0; beat < 100; beat += 1) {
      await clock.advance(3_000);
      expect(leases.renew(claim(1))).toBe(true);
    }

    expect(expired).toEqual([]);
    expect(clock.pendingTimers).toBe(1);
  });

  it("are renewed by the claim that holds them and by no other (L1)", () => {
    const { leases, claim } = setup();
    leases.grant(claim(1, 2));

    expect(leases.renew(claim(1, 1))).toBe(false);
    expect(leases.renew(claim(1, 3))).toBe(false);
    expect(leases.renew(claim(1, 2, "worker-2"))).toBe(false);
    expect(leases.renew(claim(2, 2))).toBe(false);
    expect(leases.renew({ ...claim(1, 2), scope: "acme/other" })).toBe(false);
    expect(leases.renew(claim(1, 2))).toBe(true);
    leases.grant(claim(1, 3, "worker-2"));
    expect(leases.size()).toBe(1);
  });

  it("do not end after they were dropped", async () => {
    const { clock, leases, expired, claim } = setup();
    leases.grant(claim(1));

    leases.drop(scopeName, taskId(1));
    await clock.advance(60_000);

    expect(expired).toEqual([]);
    expect(leases.size()).toBe(0);
    expect(leases.until(scopeName, taskId(1))).toBeUndefined();
  });

  it("keep to lengths of time: a jump of the wall clock changes nothing but what people are told (L3)", async () => {
    const { clock, leases, expired, claim } = setup();
    leases.grant(claim(1));
    const until = leases.until(scopeName, taskId(1))!;
    expect(until).toBe(clock.now() + 10_000);

    clock.jumpMs = 3_600_000;
    await clock.advance(9_999);
    expect(expired).toEqual([]);
    expect(leases.until(scopeName, taskId(1))).toBe(until + 3_600_000);
    clock.jumpMs = -3_600_000;
    await clock.advance(1);

    expect(expired).toEqual(["1@1"]);
  });

  it("are announced again until they are dropped, because the command may be lost (L5, I10)", async () => {
    const { clock, leases, expired, claim } = setup();
    leases.grant(claim(1));
    leases.grant(claim(2));

    await clock.advance(30_000);
    expect(expired).toEqual(["1@1", "2@1", "1@1", "2@1", "1@1", "2@1"]);
    leases.drop(scopeName, taskId(1));
    leases.drop(scopeName, taskId(2));
    await clock.advance(60_000);

    expect(expired).toHaveLength(6);
    expect(clock.pendingTimers).toBe(0);
  });

  it("of zero length end at once and keep nobody busy", async () => {
    const { clock, leases, expired, claim } = setup(0);
    leases.grant(claim(1));
    const drop = clock.setTimer(0, () => leases.drop(scopeName, taskId(1)));

    await clock.advance(1);

    expect(expired.length).toBeGreaterThan(0);
    drop();
  });

  it("end with the runtime", async () => {
    const { clock, leases, expired, claim } = setup();
    leases.grant(claim(1));

    leases.close();
    leases.close();
    await clock.advance(60_000);

    expect(expired).toEqual([]);
  });
});
