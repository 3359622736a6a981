import {
  type OperationInput,
  type OperationOutput,
  type OperationParsed,
  operations,
} from "../contracts/operations/index.ts";
import type { Clock } from "../kernel/clock.ts";
import { unlessAborted } from "../kernel/unless-aborted.ts";

/** What a runtime's own process may read in this way. */
type ReadName = "events.read" | "tasks.list" | "runtime.status";
type Query<Name extends ReadName> = (
  input: OperationParsed<Name>,
) => OperationOutput<Name> | Promise<OperationOutput<Name>>;
type Read<Name extends ReadName> = (
  input?: OperationInput<Name>,
  options?: { signal?: AbortSignal | undefined },
) => Promise<OperationOutput<Name>>;

/** Reads a scope's journal and tasks without a transport, for what is in the runtime's own process and reads much. */
export interface Reader {
  readonly events: { readonly read: Read<"events.read"> };
  readonly tasks: { readonly list: Read<"tasks.list"> };
  readonly runtime: { readonly status: Read<"runtime.status"> };
}

/** The same answers and failures as over a transport. Each read begins in a turn of its own, so that many in a row hold nobody up. */
export function createReader(queries: { [Name in ReadName]: Query<Name> }, clock: Pick<Clock, "defer">): Reader {
  const reading =
    <Name extends ReadName>(name: Name): Read<Name> =>
    async (input, { signal } = {}) => {
      signal?.throwIfAborted();
      const parsed = operations[name].input.parse(input ?? {}) as OperationParsed<Name>; // name and schema are of one entry
      const query: Query<Name> = queries[name];
      await new Promise<void>((resolve) => clock.defer(resolve));
      signal?.throwIfAborted();
      const output = Promise.resolve(query(parsed));
      return await (signal === undefined ? output : unlessAborted(output, signal));
    };
  return {
    events: { read: reading("events.read") },
    tasks: { list: reading("tasks.list") },
    runtime: { status: reading("runtime.status") },
  };
}
