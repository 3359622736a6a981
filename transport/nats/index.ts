// The face of the NATS transport: joining runtimes and workers of other machines through a broker.

export { connectNats } from "./connect.ts";
export type { NatsCredentials, NatsOptions, NatsTransport } from "./options.ts";
export { openStream } from "./stream.ts";
