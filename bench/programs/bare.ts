// The bare pieces that a runtime over NATS is made of, with nothing of ours round them: `bare.ts <servers> <folder>`.

import { mkdirSync } from "node:fs";
import { connect, type Msg } from "@nats-io/transport-node";
import { openRaw } from "../measure.ts";
import { toMoment } from "../moment.ts";
import { liveWithStarter } from "./life.ts";

const [, , servers = "", folder = ""] = process.argv;
const connection = await connect({ servers });
mkdirSync(folder, { recursive: true });
const raw = openRaw(folder);
let asked: Msg[] = [];

serve("bare.echo", (message) => message.respond(message.data));
serve("bare.age", (message) => message.respond(String(toMoment() - Number(message.string()))));
serve("bare.commit", (message) => {
  if (asked.length === 0) setImmediate(commit);
  asked.push(message);
});
liveWithStarter(async () => {
  await connection.close();
  raw.close();
});

function serve(subject: string, answer: (message: Msg) => void): void {
  connection.subscribe(subject, {
    callback(error, message) {
      if (error !== null) throw error;
      answer(message);
    },
  });
}

/** What has come together is committed together, as the runtime does it. */
function commit(): void {
  const messages = asked;
  asked = [];
  raw.commitSteps(messages.map(({ data }) => data.length));
  for (const message of messages) message.respond(message.data);
}
