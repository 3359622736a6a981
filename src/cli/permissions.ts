// Permissions
//
// `aionis nats permissions`: what the NATS users of a scope may do, as a block for the configuration file of nats-server.

import {
  type NatsPermissions,
  toRuntimePermissions,
  toViewerPermissions,
  toWorkerPermissions,
} from "../../sdk/index.ts";
import { fromScopeName } from "../contracts/scope.ts";
import type { AddCommand } from "./process.ts";
import { toJsonLine } from "./text.ts";

export const addPermissions: AddCommand = (program, start) => {
  program
    .command("nats")
    .description("Set up a NATS server.")
    .helpGroup("Processes:")
    .helpCommand(false)
    .showHelpAfterError(false)
    .command("permissions")
    .argument("[agents...]", "the agents of workers and other callers; each is a user of its own")
    .description("Print what the NATS users of a scope may do, for the server's configuration file.")
    .addHelpText("after", helpText)
    .action((agents: string[]) =>
      start(async ({ output, settings: { scope, isJson } }) => {
        await output.print(toPermissions({ scope, agents, isJson }));
        return 0;
      }),
    );
};

const helpText = `
Examples:
  $ aionis nats permissions fixer-1 reviewer-1 --scope acme/billing > users.conf
  $ aionis nats permissions --scope acme/billing --json

The users are the runtime, each agent, and a viewer that reads and follows. Each needs its own key.`;

export interface PermissionsOptions {
  /** `tenant/project` */
  scope: string;
  agents: readonly string[];
  isJson: boolean;
}

/**
 * The users and their permissions, as a block of configuration or as JSON.
 * @throws AionisError `INPUT_INVALID` for a scope that is not `tenant/project`, and for the agents `runtime` and `viewer`.
 */
export function toPermissions({ scope, agents, isJson }: PermissionsOptions): string {
  const users = toUsers(scope, agents);
  return isJson ? toJsonLine({ scope, users }) : toConfiguration(scope, users);
}

interface User extends NatsPermissions {
  /** Who the program says it is; the server knows it by its NKey. */
  readonly agent: string;
}

function toUsers(scopeName: string, agents: readonly string[]): User[] {
  const scope = fromScopeName(scopeName);
  return [
    { agent: "runtime", ...toRuntimePermissions(scope) },
    ...agents.map((agent) => ({ agent, ...toWorkerPermissions(scope, [agent]) })),
    { agent: "viewer", ...toViewerPermissions(scope) },
  ];
}

function toConfiguration(scope: string, users: readonly User[]): string {
  return `# For the configuration file of nats-server: the users of ${toJsonLine(scope)} and what each may do.
# Give each its public NKey, or \`user\` and \`password\` instead; the server does not start before.
authorization {
  users = [
${users.map(toBlock).join("\n")}
  ]
}`;
}

function toBlock({ agent, publish, subscribe, responses }: User): string {
  return `    { # ${toJsonLine(agent)}
      nkey: "${noKey}"
      permissions: {
        publish: { allow: ${toList(publish)} }
        subscribe: { allow: ${toList(subscribe)} }${responses ? "\n        allow_responses: true" : ""}
      }
    }`;
}

/** Not a key, so that a file in which it was left lets nobody in. */
const noKey = "its public NKey";

/** Subjects need no escapes. */
function toList(subjects: readonly string[]): string {
  return `[\n${subjects.map((subject) => `          "${subject}"\n`).join("")}        ]`;
}
