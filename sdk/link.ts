// Link
//
// What a worker says and hears beside its calls: live output, notices that a task of its was ended from outside, and the probes of NATS'
// services protocol. All of it may be lost, and nothing depends on it: a notice only makes the worker ask at once what it would have
// heard at its next heartbeat.

import { fromScopeName } from "../src/contracts/scope.ts";
import type { Clock } from "../src/kernel/clock.ts";
import type { Ids } from "../src/kernel/ids.ts";
import { toUtcTime } from "../src/kernel/iso-time.ts";
import type { Logger } from "../src/kernel/logger.ts";
import { readVersion } from "../src/kernel/version.ts";
import {
  answerProbes,
  createSubjects,
  decode,
  type EndpointStats,
  encode,
  type Transport,
} from "../transport/index.ts";

export interface WorkerLink {
  /** Sends live output that nobody must receive. */
  publishProgress(taskId: string, agent: string, data: unknown): void;
  /** Calls `hear` with a task that may have been ended from outside, until the returned function is called. */
  hearNotices(agent: string, hear: (taskId: string) => void): () => void;
  /** Lists the worker among a NATS server's services until the returned function is called. */
  announce(worker: { agent: string; roles: readonly string[] }, stats: () => EndpointStats): () => void;
}

export interface LinkOptions {
  transport: Transport;
  /** `tenant/project` */
  scope: string;
  clock: Pick<Clock, "now">;
  ids: Ids;
  logger: Logger;
}

/** The link of all workers on one connection. */
export function createWorkerLink({ transport, scope, clock, ids, logger }: LinkOptions): WorkerLink {
  const subjects = createSubjects(fromScopeName(scope));

  return {
    publishProgress(taskId, agent, data) {
      try {
        transport.publish(subjects.progress(taskId), encode({ taskId, agent, at: clock.now(), data }));
      } catch (error) {
        logger.log("warn", "progress was not sent", { taskId, error: String(error) }); // nobody must receive it
      }
    },
    hearNotices: (agent, hear) =>
      transport.subscribe(subjects.control(agent), ({ payload }) => {
        const notice: unknown = decode(payload);
        if (typeof notice === "object" && notice !== null && "taskId" in notice) hear(String(notice.taskId));
      }),
    announce({ agent, roles }, stats) {
      if (transport.kind !== "nats") return () => {};
      const service = {
        name: "aionis-worker",
        id: ids.next("worker"),
        version: readVersion(),
        description: `${agent}, a worker of ${scope}`,
        metadata: { scope, agent, roles: roles.join(",") },
        endpoints: [{ name: "tasks", subject: subjects.control(agent), queueGroup: "worker", stats }],
      };
      return answerProbes(transport, service, toUtcTime(clock.now()));
    },
  };
}
