// The transport folder's face: carrying bytes between subjects, what those bytes and subjects look like, and the bus inside one process.
// It loads no `node:` module, because the client part of the SDK uses it; transports over sockets have faces of their own.

export { onAbort, type Signal } from "./abort.ts";
export { headerCharsMax } from "./bounds.ts";
export { decode, decodeAnswer, encode, encodeAnswer, type Format, formatHeaders, toFormat } from "./codec.ts";
export { Envelope } from "./envelope.ts";
export { createMemoryBus, type MemoryBus, type MemoryBusOptions } from "./memory/bus.ts";
export { Chaos, type ChaosCounts, type ChaosRates } from "./memory/chaos.ts";
export { answerProbes, type EndpointStats } from "./services.ts";
export { createSubjects, matches, parseRpc, parseScope, type Subjects, toAgentHeaders, toOwner } from "./subjects.ts";
export type {
  Headers,
  IncomingRequest,
  Message,
  Reply,
  ReplyMessage,
  RequestOptions,
  Transport,
  TransportState,
} from "./transport.ts";
