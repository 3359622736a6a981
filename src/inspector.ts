// Inspector
//
// The inspection's server of a runtime in this process: what its journal says, and the live actors of every process that is connected to it.

import { once } from "node:events";
import type { Transport } from "../transport/index.ts";
import { openFeed } from "./inspect/index.ts";
import { createLiveInspection } from "./inspect/live.ts";
import type { InspectorOptions } from "./inspect/options.ts";
import type { InspectionServer } from "./inspect/server.ts";
import type { Clock } from "./kernel/clock.ts";
import type { Logger } from "./kernel/logger.ts";
import type { Random } from "./kernel/random.ts";
import type { Reader } from "./runtime/reader.ts";

export interface RuntimeToInspect extends InspectorOptions {
  reader: Reader;
  /** Where processes are that show live actors; stays the caller's. */
  transports: readonly Transport[];
  /** `tenant/project` */
  scope: string;
  clock: Clock;
  random: Random;
  logger: Logger;
}

/** Serves the inspection until it is closed. @throws AionisError `TRANSPORT_IN_USE`, `INPUT_INVALID` as `openInspectionServer`. */
export async function openInspector(options: RuntimeToInspect): Promise<InspectionServer> {
  const { reader, clock } = options;
  const { openInspectionServer } = await import("./inspect/server.ts"); // most runtimes need no server
  return await openInspectionServer({
    ...options,
    source: {
      openFeed: (signal) => openFeed(reader, { clock, signal }),
      async watchLive(tell, signal) {
        const live = createLiveInspection({ ...options, onMessage: tell });
        await once(signal, "abort");
        live.close();
      },
    },
  });
}
