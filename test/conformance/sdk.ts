// What the SDK promises
//
// One suite for every way to reach a runtime: the client's verbs, claims that wait, and workers with all that a handler may do. It runs on
// the machine's clock with real stores; nothing sleeps, every wait is for an event or an answer and has a deadline.

import { describe } from "vitest";
import { describeBlocked } from "./sdk/blocked.ts";
import { describeBranches } from "./sdk/branches.ts";
import { describeChangedCode } from "./sdk/changed-code.ts";
import { describeChangedParts } from "./sdk/changed-parts.ts";
import { describeChecks } from "./sdk/checks.ts";
import { describeClaims } from "./sdk/claims.ts";
import { describeDelegation } from "./sdk/delegation.ts";
import { describeEndings } from "./sdk/endings.ts";
import { describeEnds } from "./sdk/ends.ts";
import { createSetup, type OpenSdk } from "./sdk/fabric.ts";
import { describeGivingUp } from "./sdk/giving-up.ts";
import { describeHandoff } from "./sdk/handoff.ts";
import { describeHostRuns } from "./sdk/host-runs.ts";
import { describeLargeValues } from "./sdk/large-values.ts";
import { describeLessons } from "./sdk/lessons.ts";
import { describeMemory } from "./sdk/memory.ts";
import { describeOnce } from "./sdk/once.ts";
import { describeOverload } from "./sdk/overload.ts";
import { describePause } from "./sdk/pause.ts";
import { describePlaybooks } from "./sdk/playbooks.ts";
import { describeQuestions } from "./sdk/questions.ts";
import { describeReplays } from "./sdk/replays.ts";
import { describeSessions } from "./sdk/sessions.ts";
import { describeStages } from "./sdk/stages.ts";
import { describeSteps } from "./sdk/steps.ts";
import { describeTaskStart } from "./sdk/task-start.ts";
import { describeTexts } from "./sdk/texts.ts";
import { describeVerbs } from "./sdk/verbs.ts";
import { describeWorker } from "./sdk/worker.ts";

const isEverywhere = process.env.AIONIS_TEST_EVERYWHERE === "1";

/**
 * What every transport's SDK promises. Each one's test file calls this. What a worker makes of a handler in its own process is tried on the
 * reference alone, and with AIONIS_TEST_EVERYWHERE=1 on every transport: it calls the verbs of the other suites, and nothing else of one.
 */
export function describeSdk(name: string, open: OpenSdk, { isReference = false } = {}): void {
  const setup = createSetup(open);
  describe(`${name} SDK`, () => {
    describeVerbs(setup);
    describeClaims(setup);
    describeWorker(setup);
    describeSteps(setup);
    describeLargeValues(setup);
    describeOnce(setup);
    describePause(setup);
    describeQuestions(setup);
    describeDelegation(setup);
    describeHandoff(setup);
    describeChecks(setup);
    describeTaskStart(setup);
    describeLessons(setup);
    describeMemory(setup);
    describePlaybooks(setup);
    describeHostRuns(setup);
    describeSessions(setup);
    describeTexts(setup);
    describeStages(setup);
    describeGivingUp(setup);
    describeOverload(setup);
    describeEndings(setup);
    describeBlocked(setup);
    if (!isReference && !isEverywhere) return;

    describeEnds(setup);
    describeBranches(setup);
    describeChangedCode(setup);
    describeChangedParts(setup);
    describeReplays(setup);
  });
}
