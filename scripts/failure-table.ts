/**
 * What is seen when something breaks: the one table from which docs/failures.md is made, and to which each test compares
 * what it saw (`expectFailure` in test/failure-rows.ts).
 */

export type Failure = {
  /** What breaks. */
  readonly what: string;
  /** What Curfew does about it. */
  readonly does: string;
  /** What is printed to whoever asks for something meanwhile, whole; empty if he notices nothing. */
  readonly user: string;
  /** Parts of the log that tell of it. */
  readonly log: readonly string[];
  /** Series that grow, as they begin in `/metrics`. */
  readonly metrics: readonly string[];
  /** The first line of `/readyz` meanwhile, or `no answer`. */
  readonly readyz: string;
  /** The test that sees it: file and words of its name. */
  readonly heldBy: readonly [string, string];
};

const SERVER = 'test/server/failures.test.ts';
const CLUSTER = 'e2e/failures.test.ts';

export const FAILURES = {
  'api-server-restart': {
    what: 'The API server is started again',
    does: 'The index keeps what it knows, and lists and watches anew as soon as the API server is back. No replica is started again or becomes unready.',
    user: '',
    log: ['index lost the API server, will try again', 'index hears the API server again'],
    metrics: ['curfew_index_errors_total{resource="namespaces"}'],
    readyz: 'ready',
    heldBy: [CLUSTER, 'The API server is started again'],
  },
  'etcd-pause': {
    what: 'etcd stands still for a moment',
    does: 'The API server answers no reads. What the index knows of service account and namespace decides on a new pod; where they were changed within the last four minutes, they are waited for for 1.5 s first. The pod itself waits in the API server until etcd goes on.',
    user: 'Warning: curfew inject-token: of service account NAMESPACE/web only what it said a moment ago is known: it could not be read: no answer within 1500 ms',
    log: [],
    metrics: ['curfew_live_reads_total{outcome="unknown"}'],
    readyz: 'ready',
    heldBy: [CLUSTER, 'etcd stands still for a moment'],
  },
  'slow-api': {
    what: 'The API server does not answer what Curfew asks it',
    does: 'Lookups end after 0.5 s, those for a new pod after 1.5 s, and the rules decide by what is known. A pod of an account that nobody has heard of is refused, with the advice to try again, as its controller does; checks that cannot know warn and never deny.',
    user: [
      'Error from server (Forbidden): error when creating "STDIN": admission webhook "pods.curfew.dev" denied the request: ',
      'Pod NAMESPACE/web: 1 problem',
      '',
      '  inject-token at /spec/serviceAccountName',
      '    service account NAMESPACE/new: it could not be read: no answer within 1500 ms; it may ask for a token, without which the pod would start',
      '    Fix: try again',
      '    More: curfew explain inject-token',
    ].join('\n'),
    log: [],
    metrics: ['curfew_live_reads_total{outcome="unknown"}'],
    readyz: 'ready',
    heldBy: ['e2e/lagging-index.test.ts', 'a pod of an account that nobody has seen is denied'],
  },
  'replica-hangs': {
    what: 'A replica hangs',
    does: 'Half of the calls go to it. The API server waits three seconds, then the failure policy applies: pods are refused, a Deployment is admitted. The readiness probe takes the replica out, and the liveness probe has the kubelet start it again.',
    user: 'Error from server (InternalError): error when creating "STDIN": Internal error occurred: failed calling webhook "pods.curfew.dev": failed to call webhook: Post "https://SERVICE/mutate/pods?timeout=3s": context deadline exceeded',
    log: [],
    metrics: [],
    readyz: 'no answer',
    heldBy: [CLUSTER, 'A replica hangs'],
  },
  'replica-killed': {
    what: 'A replica is killed (SIGKILL, out of memory, a lost node)',
    does: 'Calls that it was judging fail at once, and the failure policy applies to them. The next ones go to the other replica.',
    user: 'Error from server (InternalError): error when creating "STDIN": Internal error occurred: failed calling webhook "pods.curfew.dev": failed to call webhook: Post "https://SERVICE/mutate/pods?timeout=3s": EOF',
    log: [],
    metrics: [],
    readyz: 'no answer',
    heldBy: [CLUSTER, 'A replica is killed'],
  },
  'watch-cut': {
    what: 'The watches of the index are cut',
    does: 'The index keeps what it knows and watches again from there, half a second later at first, then up to 30 s. What changes meanwhile reaches new pods all the same, whose account and namespace are read live.',
    user: '',
    log: ['index lost the API server, will try again'],
    metrics: ['curfew_index_errors_total{resource="namespaces"}'],
    readyz: 'ready',
    heldBy: [SERVER, 'The watches of the index are cut'],
  },
  'watch-expired': {
    what: 'A watch is answered 410 Gone',
    does: 'The resource is listed anew. Until the new list is complete the old one answers.',
    user: '',
    log: [],
    metrics: [],
    readyz: 'ready',
    heldBy: [SERVER, 'A watch is answered 410 Gone'],
  },
  'clock-jump': {
    what: 'The clock of the node jumps',
    does: 'Deadlines, memories and silences go by a clock that does not jump. Ends of exemptions go by the new time at once, and a certificate that has ended by it is replaced within ten seconds.',
    user: '',
    log: [],
    metrics: [],
    readyz: 'ready',
    heldBy: [SERVER, 'The clock of the node jumps'],
  },
  'full-disk': {
    what: 'The disk is full, or nobody reads the log any more',
    does: 'Reviews are judged without a log. The first 64 KiB that cannot be written are kept until they can, what comes after them is given up and counted. The server writes nothing else.',
    user: '',
    log: [],
    metrics: ['curfew_log_lines_lost_total'],
    readyz: 'ready',
    heldBy: [SERVER, 'The disk is full'],
  },
  'memory-limit': {
    what: 'More comes at once than fits into the memory limit',
    does: 'The bodies of all reviews that arrive or are judged may hold 32 MiB together (`server.maxBodyBytesInFlight`). What does not fit is refused before it is read, and the API server tries again a second later, within its timeout. The process is not killed.',
    user: 'CURFEW_E_OVERLOADED: too many reviews at once: server.maxBodyBytesInFlight is 33554432',
    log: ['"code":"CURFEW_E_OVERLOADED"'],
    metrics: ['curfew_faults_total{entry="/validate/review",code="CURFEW_E_OVERLOADED"}'],
    readyz: 'ready',
    heldBy: [SERVER, 'More comes at once than fits into the memory limit'],
  },
  overload: {
    what: 'More reviews come than a replica can judge',
    does: 'A review that has waited for so long that its answer may come too late is refused at once, unread, so that the others are answered in time: of entries that fail open after half of the time, of those that fail closed at its end. Each is answered before the API server gives up. The replica stays ready, and judges all again as soon as the load falls.',
    user: 'CURFEW_E_LATE: the review may have waited for N ms before Curfew came to it',
    log: ['"code":"CURFEW_E_LATE"', 'more within 10 s, left out here'],
    metrics: ['curfew_faults_total{entry="/validate/review",code="CURFEW_E_LATE"}', 'curfew_review_wait_seconds_sum'],
    readyz: 'ready',
    heldBy: ['test/server/overload.test.ts', 'Several times the load that a replica can judge'],
  },
  'huge-object': {
    what: 'An object as large as one may be holds up the event loop',
    does: 'It is judged. Others wait meanwhile: for up to ten times what it takes to parse it, and up to eighty times for a Role of tens of thousands of rules, which `npm run bench` measures.',
    user: '',
    log: [],
    metrics: [],
    readyz: 'ready',
    heldBy: [SERVER, 'An object as large as one may be'],
  },
  sigterm: {
    what: 'SIGTERM in the middle of 200 requests',
    does: 'All are answered, and those that still come for `server.drainSeconds`. Each answer asks for the next connection to be opened elsewhere. Then the process ends with 0.',
    user: '',
    log: ['stopping: no longer ready, still answering', '"msg":"stopped"'],
    metrics: [],
    readyz: '[-] not stopping: the server is stopping',
    heldBy: [SERVER, 'SIGTERM in the middle of 200 requests'],
  },
} as const satisfies Record<string, Failure>;

export type FailureId = keyof typeof FAILURES;
