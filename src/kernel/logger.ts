/** Where the library reports what nobody awaits. It never prints by itself. */
export interface Logger {
  log(level: "debug" | "info" | "warn" | "error", message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Drops everything: the default of an embedded runtime. */
export const silentLogger: Logger = { log() {} };
