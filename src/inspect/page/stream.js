// Stream
//
// The messages of the server's WebSocket, which is opened again whenever it closes, later each time until messages come again.

const firstPauseMs = 250;
const longestPauseMs = 5_000;

/** The server says so when trying again would not help, or when there is nothing more to come. */
const finalCodes = { ended: 1000, refusals: 4000 };

/** @typedef {import("../../contracts/inspection.ts").InspectionMessage} Message */
/** @typedef {"connecting" | "live" | "waiting" | "ended"} State */

/**
 * `onAnew` is called before the first message of each connection: what came before is no longer continued.
 * @param {{
 *   url: string,
 *   onAnew: () => void,
 *   onMessage: (message: Message) => void,
 *   onState: (state: State, detail: { reason: string, pauseMs: number }) => void,
 * }} options
 */
export function followStream({ url, onAnew, onMessage, onState }) {
  let pauseMs = firstPauseMs;
  open();

  function open() {
    const socket = new WebSocket(url);
    let isFirst = true;
    socket.onopen = () => onState("live", { reason: "", pauseMs: 0 });
    socket.onmessage = ({ data }) => {
      if (isFirst) onAnew();
      isFirst = false;
      pauseMs = firstPauseMs;
      onMessage(/** @type {Message} */ (JSON.parse(String(data)))); // what our own server sends
    };
    socket.onclose = ({ code, reason }) => {
      if (code === finalCodes.ended || code >= finalCodes.refusals) return onState("ended", { reason, pauseMs: 0 });
      onState("waiting", { reason, pauseMs });
      setTimeout(open, pauseMs);
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    };
  }
}
