// Actors: what lives and writes. Everything that a runtime is composed of.

export { decodeBody, decodeHeader, toJournalEvent, toJournalHeader } from "./events.ts";
export { toReceipt, toStepReceipt } from "./facts.ts";
export { createLearner, type Learner } from "./learner.ts";
export { createLeases, type Leases } from "./leases.ts";
export { findMoves } from "./lesson-moves.ts";
export { checkMark, createHighWaterMark } from "./mark.ts";
export { createOutbox, type Outbox } from "./outbox.ts";
export { type Committed, createPersistence, type Desk, type Persistence, type WaitingClaim } from "./persistence.ts";
export type { Recorded, Submission } from "./plan.ts";
export { type Progress, rebuildInParts, rebuildScope, verifyInParts, verifyScope } from "./refold.ts";
export { openStore } from "./store/open.ts";
export { createTimers, type Timers } from "./timers.ts";
