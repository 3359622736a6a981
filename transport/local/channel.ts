// A channel
//
// One socket that carries frames, the same for both sides. Owns the socket, what waits to be written, and the end of it.
//
// Invariants:
//   N1. What waits to be written is bounded. A peer that does not read loses published messages first (they are at most once, and
//       counted); when replies and requests fill twice that, the connection is ended, for nothing else may be left out.
//   N2. Bytes that are no frames end the connection. Nothing of the same chunk after them is handled.
//   N3. A peer that reads nothing for a while, though much waits for it, loses the connection: what waits is held for nobody.

import type { Socket } from "node:net";
import type { CancelTimer, Clock } from "../../src/kernel/clock.ts";
import { type Frame, FrameReader } from "./frames.ts";

/** Bytes waiting for one peer, past which published messages to it are dropped. */
const waitingBytesMax = 16 * 1024 * 1024;

/** Bytes waiting for one peer, past which it is watched whether it reads; and how long it may read nothing. */
const watchedBytes = 64 * 1024;
const silentMsMax = 30_000;

const endGraceMs = 1_000; // for a peer that never answers a goodbye

export class Channel {
  /** Handles each frame, in order. Errors that it throws end the channel. */
  onFrame: (frame: Frame) => void = () => {};
  /** Called after what was read was handled. */
  onRead: () => void = () => {};
  /** Called once, when the socket is closed. `error` is why, unless one side just said goodbye. */
  onClose: (error: unknown) => void = () => {};
  readonly #socket: Socket;
  readonly #clock: Pick<Clock, "setTimer" | "defer">;
  readonly #reader = new FrameReader();
  #isCorked = false;
  #cancelWatch: CancelTimer | undefined;
  #error: unknown;

  constructor(socket: Socket, clock: Pick<Clock, "setTimer" | "defer">) {
    this.#socket = socket;
    this.#clock = clock;
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", (error) => {
      this.#error ??= error;
    });
    socket.on("close", () => {
      this.#cancelWatch?.();
      this.onClose(this.#error);
    });
  }

  /**
   * Writes a frame that must arrive; ends the connection when the peer has let twice `waitingBytesMax` wait (N1). Calls `onGone` when the
   * frame is written or lost.
   */
  send(pieces: Uint8Array[], onGone?: () => void): void {
    if (this.#socket.writableLength > 2 * waitingBytesMax) {
      this.destroy(new Error(`the peer does not read: ${this.#socket.writableLength} bytes wait`));
    }
    this.#write(pieces, onGone);
  }

  /** Writes a frame that may be lost. Returns whether it was not (N1). */
  offer(pieces: Uint8Array[]): boolean {
    if (this.isFull) return false;
    this.#write(pieces);
    return true;
  }

  /** Bytes of a frame whose end has not come yet. */
  get unfinishedBytes(): number {
    return this.#reader.bytes;
  }

  get isOpen(): boolean {
    return this.#socket.writable;
  }

  get isFull(): boolean {
    return this.#socket.writableLength > waitingBytesMax;
  }

  /** Writes what waits, says goodbye, and closes even if the peer does not answer. */
  end(): void {
    const cancelTimer = this.#clock.setTimer(endGraceMs, () => this.#socket.destroy());
    this.#socket.once("close", cancelTimer);
    this.#socket.end();
  }

  destroy(error?: unknown): void {
    this.#error ??= error;
    this.#socket.destroy();
  }

  #write(pieces: Uint8Array[], onGone?: () => void): void {
    if (!this.isOpen) return onGone?.(); // closed or closing: `onClose` tells
    this.#watchReading();
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork(); // one system call for all that this turn sends
      this.#clock.defer(() => {
        this.#isCorked = false;
        this.#socket.uncork();
      });
    }
    const last = onGone === undefined ? undefined : pieces.length - 1;
    for (const [index, piece] of pieces.entries())
      this.#socket.write(piece, index === last ? () => onGone?.() : undefined);
  }

  /** N3 */
  #watchReading(): void {
    if (this.#cancelWatch !== undefined || this.#socket.writableLength < watchedBytes) return;
    const read = this.#readByPeer;
    this.#cancelWatch = this.#clock.setTimer(silentMsMax, () => {
      this.#cancelWatch = undefined;
      if (this.#socket.writableLength < watchedBytes || this.#readByPeer > read) return this.#watchReading();
      this.destroy(
        new Error(`the peer has read nothing for ${silentMsMax} ms, and ${this.#socket.writableLength} bytes wait`),
      );
    });
  }

  get #readByPeer(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  #read(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.read(chunk)) this.onFrame(frame);
      this.onRead();
    } catch (error) {
      this.destroy(error); // N2
    }
  }
}
