// Services
//
// Answers the probes of NATS' services protocol (ADR-32), so that its tools list the runtime and the workers of a system, what they serve
// and how much. It needs only requests and replies, in JSON.

import type { Reply, Transport } from "./transport.ts";

/** What a service says about itself. */
export interface Service {
  /** `A-Z a-z 0-9 _ -` */
  readonly name: string;
  /** Of this one of several with the same name; characters as those of the name. */
  readonly id: string;
  /** A semantic version. */
  readonly version: string;
  readonly description: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly endpoints: readonly Endpoint[];
}

/** Something that a service serves. */
export interface Endpoint {
  readonly name: string;
  readonly subject: string;
  readonly queueGroup: string;
  stats(): EndpointStats;
}

export interface EndpointStats {
  readonly requests: number;
  readonly errors: number;
  /** The latest error's text; empty when there was none. */
  readonly lastError: string;
  readonly processingMs: number;
}

const nanosecondsPerMs = 1_000_000;

/** Answers until the returned function is called. `startedAt` is in wall milliseconds, written as ISO text. */
export function answerProbes(transport: Transport, service: Service, startedAt: string): () => void {
  const { name, id, version, metadata, description, endpoints } = service;
  const head = { name, id, version, metadata };
  const info = endpoints.map((endpoint) => ({ ...toEndpoint(endpoint), metadata: {} }));
  const answers = {
    PING: () => head,
    INFO: () => ({ ...head, description, endpoints: info }),
    STATS: () => ({
      ...head,
      started: startedAt,
      endpoints: endpoints.map((endpoint) => ({ ...toEndpoint(endpoint), ...toStats(endpoint.stats()) })),
    }),
  };
  const stops = Object.entries(answers).flatMap(([verb, answer]) => {
    const type = `io.nats.micro.v1.${verb.toLowerCase()}_response`;
    const handler = (): Reply => ({ payload: Buffer.from(JSON.stringify({ type, ...answer() })) });
    const subjects = [`$SRV.${verb}`, `$SRV.${verb}.${name}`, `$SRV.${verb}.${name}.${id}`];
    return subjects.map((subject) => transport.serve(subject, id, handler)); // a queue group of its own: each service answers
  });
  return () => {
    for (const stop of stops) stop();
  };
}

function toEndpoint({ name, subject, queueGroup }: Endpoint) {
  return { name, subject, queue_group: queueGroup };
}

function toStats({ requests, errors, lastError, processingMs }: EndpointStats) {
  const processingTime = Math.round(processingMs * nanosecondsPerMs);
  return {
    num_requests: requests,
    num_errors: errors,
    last_error: lastError,
    processing_time: processingTime,
    average_processing_time: requests === 0 ? 0 : Math.round(processingTime / requests),
  };
}
