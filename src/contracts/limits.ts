/**
 * Every bound of the product, by name. A schema, queue, cache or list that needs a number takes it from here,
 * so that a reader finds what is too much in one place. Characters are UTF-16 units, as `string.length` counts them.
 */
export const limits = {
  /** One message on a transport, encoded. Larger payloads are refused with `MESSAGE_TOO_LARGE`. */
  messageBytes: 16 * 1024 * 1024,
  /** How deep a decoded message may nest. */
  messageDepth: 48,
  /** How many values (keys, items, scalars) one message may hold. */
  messageValues: 200_000,
  /** The same of an answer: what was taken with a message comes back some levels deeper, and with others on one page. */
  answerDepth: 64,
  answerValues: 4_000_000,
  /** Texts and data of one event, encoded. An assignment holds up to three of them, and must fit into a message. */
  bodyBytes: 3 * 1024 * 1024,
  /** Texts and data of one page of events or steps; a page holds at least one of them, and is encoded in one go. */
  pageBytes: 1024 * 1024,
  /** Texts and data of one run that is read as a whole. */
  runBytes: 4 * 1024 * 1024,
  /** How much a question about changed code shows of each of two inputs, as JSON. */
  excerptChars: 2_000,
  /** The answer to one question, encoded. */
  answerBytes: 16 * 1024,
  /** Bodies over this size are kept as payload blobs, apart from the journal's tables. */
  payloadInlineBytes: 64 * 1024,

  /** Ids that callers choose: agents, roles, command ids. */
  idChars: 256,
  /** Tenant or project of a scope. */
  scopePartChars: 128,
  /** Short labels: kinds, families, names of steps, tools and checks. */
  nameChars: 200,
  /** One line for people: titles, reasons, summaries. */
  lineChars: 4_000,
  /** Long text: briefs, next actions, outputs. A handoff text of 1 MB fits. */
  textChars: 1_100_000,
  /** A path inside a workspace. */
  pathChars: 1_024,
  /** JSON that a caller hands in as data, encoded. */
  dataChars: 2_000_000,

  /** Files, facts, notes and the like in one packet or task. */
  listItems: 500,
  /** Words of one command's argv. */
  argvItems: 200,
  /** Checks of one task. */
  checks: 32,
  /** Roles of one worker. */
  roles: 32,

  /** Handoffs of one task, after which `HANDOFF_LIMIT` refuses another. */
  handoffsPerTask: 32,
  /** Pauses within one stage of a task, after which `PAUSE_LIMIT` refuses another. */
  pausesPerStage: 100,
  /** Pauses of one task that are open at once, one a branch of its handler; another is refused with `PAUSE_LIMIT`. */
  pausesOpen: 32,
  /** What the runtime remembers of which agent saw which task with a pause; what was seen longest ago is forgotten first. */
  looks: 10_000,
  /** Open delegated children of one task. */
  childrenOpen: 64,
  /** Depth of a delegation tree. */
  delegationDepth: 8,
  /** Attempts that a task may ask for. */
  attempts: 1_000,
  /** How long a handler may clean up after its run has ended, unless its worker says otherwise. */
  runGraceMs: 5_000,
  /** The longest wait, deadline or expiry, in milliseconds (one year). */
  waitMs: 365 * 24 * 3_600_000,

  /** Commands waiting for their turn; one more is refused with `OVERLOADED`. */
  commandQueue: 4_096,
  /** Calls waiting to be taken up by a runtime; a caller may have as many as are still free for others. One more is `OVERLOADED`. */
  callsQueued: 4_096,
  /** Bytes of calls at one runtime that wait, are worked on or are being answered, unless it is given another bound; then `OVERLOADED`. */
  callBytes: 64 * 1024 * 1024,
  /** Bytes of large answers that one caller has not taken yet, past which none of its calls is taken up. */
  callerAnswerBytes: 16 * 1024 * 1024,
  /** From so many bytes on an answer is counted there. */
  largeAnswerBytes: 16 * 1024,
  /** Calls of one client that wait to be sent, and their bytes; an agent may have as many as are still free for others. */
  clientCalls: 131_072,
  clientCallBytes: 128 * 1024 * 1024,
  /** Calls of one client on their way that are answered as soon as they can be, and those that may wait at the runtime. */
  clientCallsSent: 1_024,
  clientCallsHeld: 3_072,
  /** Calls that take long and are worked on at once, a slice of one after a slice of the other; callers whose calls wait, and calls of each that may in any case. */
  worksBegun: 16,
  worksWaiting: 1_024,
  partyWorksWaiting: 8,
  /** Rows, or events, of which one part of such a work looks at no more; and the bytes of bodies, after which a part ends. */
  partRows: 128,
  partBytes: 256 * 1024,
  /** Parts of one page that is looked for among events that are no part of it: then the page ends, and says where to go on. */
  pageParts: 64,
  /** How far along the journal one part looks for events of some types. */
  partSequences: 1_024,
  /** Commands that share one commit. */
  commandsPerTurn: 64,
  /** Events after which a task's snapshot is written again. */
  eventsPerSnapshot: 64,
  /** Live task actors kept in memory; the least recently used are let go. */
  liveTasks: 4_096,
  /** Due timers that are queued at once. */
  timersPerSweep: 256,
  /** The longest that one call waits for something to happen; a client asks again. */
  callWaitMs: 30_000,
  /** Calls that wait at one runtime, for claims and for changes each. */
  callsWaiting: 10_000,
  /** Live actors that one process shows to viewers of inspection; the first ones are let go. */
  inspectedActors: 500,
  /** Messages about them that wait to be sent, and what these hold as JSON; the oldest are dropped. */
  inspectionMessages: 1_000,
  inspectionChars: 8 * 1024 * 1024,
  /** Viewers that one process remembers; the one not heard for longest is let go. */
  inspectionViewers: 32,
  /** Actors that one viewer follows; the first ones are let go. */
  viewedActors: 20_000,
  /** WebSockets that look at one server of the inspection. */
  viewers: 8,
  /** What may wait to be sent to one of them, before nothing more is read for it. */
  viewerBufferBytes: 1024 * 1024,
  /** Messages of live actors that wait for one of them; the oldest are dropped. */
  viewerMessages: 1_000,
  /** A question to what was learned, in characters; of one that is longer only so much is read. */
  queryChars: 200_000,
  /** The text of one lesson: a brief is kept up to here. */
  lessonTextChars: 20_000,
  /** Files, steps and errors that one lesson keeps of one run. */
  lessonFiles: 40,
  lessonSteps: 40,
  lessonErrors: 10,
  /** Lessons that one call names. */
  lessonsNamed: 50,
  /** Paths of a checkout that one question brings along. */
  treeFiles: 20_000,
  /** Episodes of one imported event. */
  episodes: 200,
  /** Paths that one answer names and a client looks at in a checkout. */
  pathsLooked: 100,
  /** An answer of task start, encoded as JSON, unless more is asked for; and its text for a model. */
  guidanceBytes: 4_000,
  promptChars: 1_200,
  /** Vectors of an embedding provider that are kept in memory; the first ones are let go. */
  vectors: 10_000,
  /** Answers that were shown and are remembered, and for how long: the oldest are forgotten. */
  receipts: 5_000,
  receiptMs: 30 * 24 * 3_600_000,
  /** The longest that a question waits for learning to come to a position. */
  learnWaitMs: 10_000,
  /** Runs that one playbook is compiled from; its steps, their conditions, and its parameters. */
  playbookSources: 8,
  playbookSteps: 100,
  playbookConditions: 20,
  playbookParameters: 40,
  /** Steps of one run that are read to compile it. */
  runSteps: 500,
  /** A text file that a tool reads or writes. */
  toolFileBytes: 1024 * 1024,
  /** Edits of one patch of a file. */
  toolEdits: 100,
  /** Rows of one page of a list or of the journal. */
  pageRows: 500,
} as const;
