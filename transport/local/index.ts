// The face of the local transport: joining a runtime of another process through a Unix domain socket.

export { connectLocal } from "./client.ts";
export { findDeadHolder } from "./dead-holder.ts";
export { type LocalServer, openLocalServer } from "./server.ts";
