// A tool of XState's: prints every message that the receiver of @statelyai/inspect gives it, a line each.

import { createWebSocketReceiver } from "@statelyai/inspect";

const [server = ""] = process.argv.slice(2);
createWebSocketReceiver({ server }).subscribe((message) => console.log(JSON.stringify(message)));
process.stdin.on("end", () => process.exit()).resume();
