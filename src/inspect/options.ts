/** How a runtime shows itself. (Apart from what serves it: declarations of the package name neither a driver nor a server.) */
export interface InspectorOptions {
  /** The port of 127.0.0.1; one that is free if absent or 0. */
  port?: number;
  /** The inspector that the page can open; `https://stately.ai/inspect` if absent. It must be https, or on this machine. */
  statelyUrl?: string;
}
