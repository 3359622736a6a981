// The typed client, and how to reach a runtime with it.

export type { CallOptions, Client } from "./client.ts";
export { type ConnectOptions, connect, toDefaultScope, toSocketPath } from "./connect.ts";
export { type Connection, createConnection } from "./connection.ts";
