// The face of the NATS transport: joining runtimes and workers of other machines through a broker.

export { connectNats, type NatsOptions } from "./connect.ts";
export type { NatsCredentials } from "./credentials.ts";
export { openStream } from "./stream.ts";
export type { NatsTransport } from "./transport.ts";
