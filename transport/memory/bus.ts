// The memory bus
//
// Carries messages between the transports of one process: the embedded runtime and its clients, the far side of the local socket,
// and every test. Owns one queue and who is registered for what. Bytes are handed over, not copied.
//
// Invariants:
//   B1. Nothing is delivered inside `publish`, `request` or `drain`: each message waits for a turn of the clock's `defer`.
//   B2. Messages arrive in the order in which they were sent, replies among them. So what a server published before it replied is
//       delivered before the reply. (Chaos alone breaks this.)
//   B3. A request is settled once. Later copies of its reply find it settled and are dropped.
//   B4. A handler's error never reaches the queue: it is logged, and what follows in the same turn is still delivered.

import { AionisError, overloaded } from "../../src/contracts/failures.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import { type Logger, silentLogger } from "../../src/kernel/logger.ts";
import { onAbort, type Signal } from "../abort.ts";
import { checkSize, noHeaders, requestsMax, subscriptionsMax, toRequestFailure } from "../bounds.ts";
import { StateListeners } from "../listeners.ts";
import { checkPattern } from "../subjects.ts";
import type {
  Headers,
  IncomingRequest,
  Message,
  Reply,
  ReplyMessage,
  RequestOptions,
  Transport,
  TransportState,
} from "../transport.ts";
import type { Chaos } from "./chaos.ts";
import { Routes } from "./routes.ts";

/** An in-process bus. Its transports see each other and nothing else. */
export interface MemoryBus {
  /** A new transport on this bus, connected until it is drained. */
  connect(): Transport;
  /**
   * Ends `transport` as the death of its process would: its handlers are not called again, replies it owes are lost, and its own
   * requests never settle, for the program that waits for them is gone. What it had sent before still arrives.
   */
  kill(transport: Transport): void;
}

export interface MemoryBusOptions {
  clock: Clock;
  /** Hears of handlers that throw and of published messages dropped because the queue was full. */
  logger?: Logger;
  /** Faults, for tests. */
  chaos?: Chaos;
}

/** A bus of its own: two buses share nothing. Needs no closing; each transport is drained by who connected it. */
export function createMemoryBus(options: MemoryBusOptions): MemoryBus {
  const bus = new Bus(options.clock, options.logger ?? silentLogger, options.chaos);
  return {
    connect: () => new MemoryTransport(bus),
    kill(transport) {
      if (transport instanceof MemoryTransport) transport.kill();
    },
  };
}

const queueMax = 65_536; // messages sent and not yet delivered: a loop that only publishes never lets the queue run

interface Subscription {
  readonly owner: MemoryTransport;
  readonly handler: (message: Message) => void;
}

interface Server {
  readonly owner: MemoryTransport;
  readonly queueGroup: string;
  readonly handler: (request: IncomingRequest) => Reply | Promise<Reply>;
  lastTurn: number;
}

interface Asked {
  readonly requester: MemoryTransport;
  readonly request: IncomingRequest;
  readonly holdsReply: boolean;
  isSettled: boolean;
  /** Whether it was still waited for. */
  settle(outcome: ReplyMessage | AionisError): boolean;
}

class Bus {
  readonly subscriptions = new Routes<Subscription>();
  readonly servers = new Routes<Server>();
  readonly draining = new Set<MemoryTransport>();
  readonly clock: Clock;
  readonly logger: Logger;
  readonly #chaos: Chaos | undefined;
  #queue: (() => void)[] = [];
  #turn = 0;

  constructor(clock: Clock, logger: Logger, chaos: Chaos | undefined) {
    this.clock = clock;
    this.logger = logger;
    this.#chaos = chaos;
  }

  get isFull(): boolean {
    return this.#queue.length >= queueMax;
  }

  /** Runs `deliver` in a later turn, or as chaos has it. */
  send(deliver: () => void): void {
    if (this.#chaos === undefined) this.enqueue(deliver);
    else this.#chaos.send(() => this.enqueue(deliver));
  }

  enqueue(run: () => void): void {
    if (this.#queue.push(run) === 1) this.clock.defer(() => this.#runTurn()); // B1
  }

  publish(sender: MemoryTransport, message: Message): void {
    const subscriptions = this.subscriptions.find(message.subject);
    if (this.isFull) {
      this.logger.log("warn", "A published message was dropped: too many wait.", {
        subject: message.subject,
        waiting: queueMax,
      });
      return;
    }
    for (const subscription of subscriptions) this.send(() => this.#deliver(sender, subscription, message));
  }

  /** Brings a request to one server of each queue group. The same request may come twice, and after its requester gave up. */
  route(asked: Asked): void {
    const servers = this.#choose(asked.request.subject);
    if (servers.length === 0) {
      asked.settle(new AionisError("TRANSPORT_UNROUTED", `Nobody serves ${asked.request.subject}.`));
    }
    for (const server of servers) {
      if (!this.#isSwallowed(asked.requester, server.owner)) this.#serve(server, asked);
    }
  }

  /** After anything that a drain may wait for. */
  checkDrains(): void {
    for (const transport of this.draining) transport.closeWhenQuiet();
  }

  #runTurn(): void {
    const batch = this.#queue;
    this.#queue = []; // what is sent now waits for the next turn, so that I/O and timers come to run in between
    for (const run of batch) run(); // B2
  }

  #deliver(sender: MemoryTransport, subscription: Subscription, message: Message): void {
    if (!subscription.owner.holds(subscription) || this.#isSwallowed(sender, subscription.owner)) return;
    try {
      const result: unknown = subscription.handler(message);
      if (result instanceof Promise) result.catch((error: unknown) => this.#report(message.subject, error)); // an async handler is allowed by its type
    } catch (error) {
      this.#report(message.subject, error); // B4
    }
  }

  #choose(subject: string): readonly Server[] {
    const servers = this.servers.find(subject);
    if (servers.length < 2) return servers;
    const byGroup = new Map<string, Server>();
    for (const server of servers) {
      const rival = byGroup.get(server.queueGroup);
      if (rival === undefined || server.lastTurn < rival.lastTurn) byGroup.set(server.queueGroup, server);
    }
    const chosen = [...byGroup.values()];
    for (const server of chosen) {
      this.#turn += 1;
      server.lastTurn = this.#turn;
    }
    return chosen;
  }

  #serve(server: Server, asked: Asked): void {
    server.owner.serving.add(asked);
    try {
      const result = server.handler(asked.request);
      if (result instanceof Promise) {
        result.then(
          (reply) => this.#answer(server, asked, reply),
          (error: unknown) => this.#refuse(server, asked, error),
        );
      } else {
        this.#answer(server, asked, result);
      }
    } catch (error) {
      this.#refuse(server, asked, error); // B4
    }
  }

  #answer(server: Server, asked: Asked, reply: Reply): void {
    try {
      const headers = reply.headers ?? noHeaders;
      checkSize(reply.payload, headers);
      const { payload, onGone } = reply;
      const message = { subject: asked.request.subject, payload, headers };
      this.#conclude(server, asked, onGone === undefined ? message : { ...message, onGone });
    } catch (error) {
      reply.onGone?.();
      this.#refuse(server, asked, error);
    }
  }

  #refuse(server: Server, asked: Asked, error: unknown): void {
    const failure = toRequestFailure(error, asked.request.subject);
    if (failure !== error) this.#report(asked.request.subject, error);
    this.#conclude(server, asked, failure);
  }

  #conclude(server: Server, asked: Asked, outcome: ReplyMessage | AionisError): void {
    server.owner.serving.delete(asked);
    const onGone = outcome instanceof AionisError ? undefined : outcome.onGone;
    if (onGone !== undefined && (server.owner.isDead || this.#chaos !== undefined)) onGone(); // chaos may lose and double it
    if (!server.owner.isDead) {
      this.send(() => {
        const isTaken = !this.#isSwallowed(server.owner, asked.requester) && asked.settle(outcome);
        if (onGone !== undefined && this.#chaos === undefined && !(isTaken && asked.holdsReply)) onGone();
      });
    }
    this.checkDrains();
  }

  #isSwallowed(sender: MemoryTransport, receiver: MemoryTransport): boolean {
    return this.#chaos?.swallows(sender, receiver) === true;
  }

  #report(subject: string, error: unknown): void {
    this.logger.log("error", "A message handler threw.", { subject, error });
  }
}

class MemoryTransport implements Transport {
  readonly kind = "memory";
  /** For the bus: what this transport's servers have not answered yet. A doubled request counts once: one answer settles it. */
  readonly serving = new Set<Asked>();
  /** For the bus: whether it was killed. */
  isDead = false;
  readonly #bus: Bus;
  readonly #registered = new Set<Subscription | Server>();
  readonly #listeners: StateListeners;
  readonly #asked = new Set<Asked>();
  #life: "open" | "draining" | "flushed" | "closed" = "open";
  #drained: Promise<void> | undefined;
  #resolveDrained: () => void = () => {};

  constructor(bus: Bus) {
    this.#bus = bus;
    this.#listeners = new StateListeners(bus.logger);
  }

  publish(subject: string, payload: Uint8Array, headers: Headers = noHeaders): void {
    this.#refuseWhenClosed();
    checkSize(payload, headers);
    this.#bus.publish(this, { subject, payload, headers });
  }

  subscribe(pattern: string, handler: (message: Message) => void): () => void {
    const subscription: Subscription = { owner: this, handler };
    return this.#register(this.#bus.subscriptions, pattern, subscription);
  }

  serve(pattern: string, queueGroup: string, handler: Server["handler"]): () => void {
    const server: Server = { owner: this, queueGroup, handler, lastTurn: 0 };
    return this.#register(this.#bus.servers, pattern, server);
  }

  async request(subject: string, payload: Uint8Array, options: RequestOptions): Promise<ReplyMessage> {
    const { timeoutMs, headers = noHeaders, signal, holdsReply = false } = options;
    this.#refuseWhenClosed();
    signal?.throwIfAborted();
    checkSize(payload, headers);
    this.#bus.servers.find(subject); // refuses what is no subject; who serves it is asked again on arrival
    if (this.#asked.size >= requestsMax || this.#bus.isFull) {
      throw overloaded(`${this.#asked.size} requests wait for replies; the limit is ${requestsMax}.`);
    }
    return await this.#ask({ subject, payload, headers, timeoutMs }, { signal, holdsReply });
  }

  state(): TransportState {
    return this.#life === "closed" ? "closed" : "connected";
  }

  onState(listener: (state: TransportState) => void): () => void {
    return this.#listeners.add(listener);
  }

  drain(): Promise<void> {
    this.#drained ??= this.#startDrain();
    return this.#drained;
  }

  /** For the bus: whether a registration still stands. */
  holds(entry: Subscription): boolean {
    return this.#registered.has(entry);
  }

  /** For the bus: ends a drain once nothing is in flight that anybody waits for. */
  closeWhenQuiet(): void {
    if (this.#life !== "flushed" || this.#asked.size > 0) return;
    for (const asked of this.serving) if (!asked.isSettled) return;
    this.#end();
    this.#listeners.tell("closed");
    this.#bus.enqueue(this.#resolveDrained); // a turn later: who waited for a reply goes on before who waited for the drain
  }

  /** For the bus: see `MemoryBus.kill`. */
  kill(): void {
    this.isDead = true;
    this.#leaveRoutes();
    this.#end();
  }

  #ask(
    message: Omit<IncomingRequest, "isWanted">,
    { signal, holdsReply }: { signal: Signal | undefined; holdsReply: boolean },
  ): Promise<ReplyMessage> {
    return new Promise((resolve, reject) => {
      const request = { ...message, isWanted: () => !asked.isSettled && !this.isDead && this.#life === "open" };
      const end = (tell: () => void): boolean => {
        if (asked.isSettled) return false; // B3
        asked.isSettled = true;
        cancelTimer();
        forgetSignal();
        this.#asked.delete(asked);
        if (this.isDead) return false;
        tell();
        this.#bus.checkDrains();
        return true;
      };
      const settle = (outcome: ReplyMessage | AionisError): boolean => {
        return end(() => (outcome instanceof AionisError ? reject(outcome) : resolve(outcome)));
      };
      const asked: Asked = { requester: this, request, holdsReply, isSettled: false, settle };
      const cancelTimer = this.#bus.clock.setTimer(request.timeoutMs, () => {
        settle(
          new AionisError("TRANSPORT_TIMEOUT", `No reply from ${request.subject} within ${request.timeoutMs} ms.`),
        );
      });
      const forgetSignal = onAbort(signal, () => void end(() => reject(signal?.reason)));
      this.#asked.add(asked);
      this.#bus.send(() => this.#bus.route(asked));
    });
  }

  #register<Entry extends Subscription | Server>(routes: Routes<Entry>, pattern: string, entry: Entry): () => void {
    this.#refuseWhenClosed();
    checkPattern(pattern);
    if (this.#registered.size >= subscriptionsMax) {
      throw overloaded(`The transport has ${subscriptionsMax} subscriptions, which is the limit.`);
    }
    this.#registered.add(entry);
    routes.add(pattern, entry);
    return () => {
      this.#registered.delete(entry);
      routes.remove(entry);
    };
  }

  #startDrain(): Promise<void> {
    if (this.#life === "closed") return Promise.resolve();
    this.#life = "draining";
    this.#leaveRoutes();
    this.#bus.draining.add(this);
    this.#bus.enqueue(() => {
      if (this.#life === "draining") this.#life = "flushed"; // what was sent to its subscribers before has been delivered (B2)
      this.closeWhenQuiet();
    });
    return new Promise((resolve) => {
      this.#resolveDrained = resolve;
    });
  }

  #leaveRoutes(): void {
    for (const entry of this.#registered) {
      if ("queueGroup" in entry) this.#bus.servers.remove(entry);
      else this.#bus.subscriptions.remove(entry);
    }
  }

  #end(): void {
    this.#life = "closed";
    this.#registered.clear();
    this.#bus.draining.delete(this);
  }

  #refuseWhenClosed(): void {
    if (this.#life !== "open") throw new AionisError("TRANSPORT_CLOSED", "This runtime or connection has been closed.");
  }
}
