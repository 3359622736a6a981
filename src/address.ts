import type { NatsAddress } from "../sdk/index.ts";

/** Where a runtime serves. (Apart from what serves there: declarations of the package name no driver.) */
export interface RuntimeAddress extends NatsAddress {
  /** Whether the journal is mirrored into a stream where the server has JetStream; true if absent. */
  mirror?: boolean;
}
