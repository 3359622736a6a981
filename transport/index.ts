// The transport folder's face: carrying bytes between subjects, and what those bytes and subjects look like.

export { headerCharsMax } from "./bounds.ts";
export { decode, encode, type Format, formatHeaders, toFormat } from "./codec.ts";
export { Envelope } from "./envelope.ts";
export { connectLocal, type LocalClientOptions } from "./local/client.ts";
export { type LocalServer, type LocalServerOptions, openLocalServer } from "./local/server.ts";
export { createMemoryBus, type MemoryBus, type MemoryBusOptions } from "./memory/bus.ts";
export { Chaos, type ChaosCounts, type ChaosRates } from "./memory/chaos.ts";
export { createSubjects, matches, parseRpc, type Subjects, toAgentHeaders } from "./subjects.ts";
export type { Headers, IncomingRequest, Message, Reply, Transport, TransportState } from "./transport.ts";
