/**
 * Every fault: what kept Curfew from doing its work, with the HTTP status it is answered with. A fault is never a
 * verdict. Any status but 2xx makes the API server apply the entry's failure policy and count it, and the sentence
 * reaches the user (`failed calling webhook "…": failed to call webhook: CURFEW_E_…: …`). Codes are never reused.
 */

export type FaultRow = {
  readonly status: number;
  /** What happened, as a sentence without a full stop; `%s` is replaced by the particulars. */
  readonly message: string;
  /** What the operator does about it. */
  readonly remedy: string;
};

export const FAULTS = {
  CURFEW_E_CALLER: {
    status: 401,
    message: 'the caller has not shown the certificate of an API server',
    remedy:
      'If it is an API server, its admission configuration lacks the client certificate, or callerAuthentication has not its CA or its name: curfew_unauthenticated_calls_total and the log say which. docs/guides/caller-authentication.md.',
  },
  CURFEW_E_PATH: {
    status: 404,
    message: 'no webhook entry has this path',
    remedy: 'Compare the paths in the webhook configurations with the table of entries; render the chart again.',
  },
  CURFEW_E_METHOD: {
    status: 405,
    message: 'webhook entries are called by POST',
    remedy: 'Something other than an API server calls this port: keep it away by a NetworkPolicy.',
  },
  CURFEW_E_CONTENT_TYPE: {
    status: 415,
    message: 'the content type must be application/json',
    remedy: 'Something other than an API server calls this port: keep it away by a NetworkPolicy.',
  },
  CURFEW_E_BODY_TOO_LARGE: {
    status: 413,
    message: 'the review is larger than %s bytes',
    remedy:
      'Raise server.bodyLimitBytes if such objects are expected; the default is larger than any object etcd stores.',
  },
  CURFEW_E_TOO_MANY_VALUES: {
    status: 413,
    message: 'the review holds more than %s values',
    remedy:
      'No object that etcd stores comes near it. If such objects are expected, raise server.maxBodyBytesInFlight together with the memory.',
  },
  CURFEW_E_NOT_JSON: {
    status: 400,
    message: 'the body is not JSON',
    remedy: 'Something other than an API server calls this port, or a proxy changes the body.',
  },
  CURFEW_E_NOT_A_REVIEW: {
    status: 400,
    message: 'the body is not an AdmissionReview of admission.k8s.io/v1: %s',
    remedy: 'The webhook configuration must list v1 in admissionReviewVersions; render the chart again.',
  },
  CURFEW_E_OVERLOADED: {
    status: 429,
    message: 'too many reviews at once: %s',
    remedy:
      'The API server tries again within the timeout. If it lasts, add replicas or CPU, or raise the limit together with the memory.',
  },
  CURFEW_E_LATE: {
    status: 500,
    message: 'the review may have waited for %s ms before Curfew came to it',
    remedy:
      'More reviews come than this replica can judge in time: add replicas or CPU. Those of entries that fail open are given up first.',
  },
  CURFEW_E_DEADLINE: {
    status: 500,
    message: 'the review could not be judged within %s ms',
    remedy: 'Look at curfew_review_duration_seconds and at the latency of the API server as Curfew sees it.',
  },
  CURFEW_E_BODY_TIMEOUT: {
    status: 408,
    message: 'the body did not arrive within %s ms',
    remedy: 'No API server waits as long. Something else calls this port: keep it away by a NetworkPolicy.',
  },
  CURFEW_E_CLIENT_GONE: {
    status: 400,
    message: 'the request ended before its body was read',
    remedy: 'The API server gave up or the connection broke; look at its log and at the network between.',
  },
  CURFEW_E_INTERNAL: {
    status: 500,
    message: 'Curfew made a mistake of its own',
    remedy: 'Look for this code in the log, where the stack is, and report it.',
  },
} as const satisfies Record<string, FaultRow>;

export type FaultCode = keyof typeof FAULTS;

/** A coded error. Its message holds nothing of the request but what `particulars` says. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;
  readonly status: number;

  constructor(code: FaultCode, particulars = '', options?: ErrorOptions) {
    const row: FaultRow = FAULTS[code];
    super(`${code}: ${row.message.replace('%s', () => particulars)}`, options);
    this.code = code;
    this.status = row.status;
  }
}

/** The fault that anything thrown amounts to: faults stay what they are, all else is our own mistake. */
export function toFault(cause: unknown): Fault {
  return cause instanceof Fault ? cause : new Fault('CURFEW_E_INTERNAL', '', { cause });
}
