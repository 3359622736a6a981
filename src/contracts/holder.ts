import { z } from "zod";

/** The process that holds a store, as it says so in a note beside the store's file. */
export const Holder = z.object({
  /** Made anew for each time that a store is held. */
  token: z.string().min(1).max(100),
  pid: z.int().positive(),
  /** When the process started, as its system counts; tells it from a later process with the same id. Empty where it is not known. */
  startedAt: z.string().max(100),
  /** Which start of the machine it belongs to. Empty where it is not known. */
  boot: z.string().max(100),
  /** The space in which its process id counts: containers have their own. Empty where there are none. */
  pidSpace: z.string().max(100),
  host: z.string().max(300),
  /** The inode of the socket on which it listens; null while there is none. */
  socket: z.number().nullable(),
  /** Why it listens on no socket and never will. */
  withoutSocket: z.string().max(500).optional(),
});
export type Holder = z.infer<typeof Holder>;
