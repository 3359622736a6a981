// With AIONIS_TEST_EVERYWHERE=1 one server is the newest, too; else the newest stands in the cluster only.

import { describe } from "vitest";
import { describeNats, describeNatsOnEach, startNatsServer } from "../../support/nats.ts";
import { startNatsCluster } from "../../support/nats-cluster.ts";
import { describeFaults } from "./faults.ts";

const newest = process.env.AIONIS_TEST_EVERYWHERE === "1";

describe.concurrent("processes over NATS", () => {
  describeNatsOnEach(
    "on one server",
    (binary) => {
      describeFaults({
        start: async (options) => [await startNatsServer({ ...options, binary, jetstream: true })],
        roles: ["keeps the mirror"],
      });
    },
    { newest },
  );

  describeNats("on a cluster of three", (binary) => {
    describeFaults({
      start: (options) => startNatsCluster({ ...options, binary }),
      roles: ["keeps the mirror", "serves the runtime"],
      replicas: 3,
    });
  });
});
