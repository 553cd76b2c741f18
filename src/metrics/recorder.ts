/**
 * What Curfew counts. The server, the index and the certificates know this interface; `prometheus.ts` knows
 * a metrics library. Every label value comes from a table in code or from the configuration, never from a
 * request.
 */

export type Decision = 'deny' | 'would_deny' | 'warn' | 'audit' | 'undecided' | 'exempt';

export type EvaluationRecord = {
  readonly check: string;
  readonly mode: 'enforce' | 'warn' | 'audit';
  readonly decision: Decision;
  readonly operation: string;
  /** Resource as in the table of webhook entries: `pods`, `deployments.apps`. */
  readonly resource: string;
};

export type MutationRecord = {
  readonly mutation: string;
  /** `deny`: what was asked for cannot be made; `stand_back`: it was left to a foreign webhook. */
  readonly decision: 'mutate' | 'would_mutate' | 'deny' | 'would_deny' | 'stand_back';
  readonly operation: string;
  readonly resource: string;
};

export type ReviewRecord = {
  readonly entry: string;
  readonly outcome: 'allowed' | 'denied' | 'fault';
  /** From the last byte of the request read to the answer handed over, in seconds. */
  readonly seconds: number;
};

export type CallerProblem = 'no_certificate' | 'untrusted' | 'expired' | 'name';

export type IndexResource =
  | 'namespaces'
  | 'serviceaccounts'
  | 'secrets'
  | 'mutatingwebhookconfigurations'
  | 'endpointslices';

export type ExemptionEnd = {
  readonly name: string;
  /** The first moment at which it no longer works, in ms since the epoch. */
  readonly end: number;
};

/** Of a certificate, in ms since the epoch. */
export type Life = { readonly notBefore: number; readonly notAfter: number };

export type Recorder = {
  review(record: ReviewRecord): void;
  /** A request came to its turn, after it may have waited for so many seconds. */
  wait(seconds: number): void;
  evaluation(record: EvaluationRecord): void;
  mutation(record: MutationRecord): void;
  /** An exemption, by its name in the configuration, removed what a check found. */
  exemption(record: { readonly exemption: string; readonly check: string }): void;
  /** All exemptions of the configuration in force that end. */
  exemptionEnds(ends: readonly ExemptionEnd[]): void;
  fault(record: { readonly entry: string; readonly code: string }): void;
  /** Somebody called without the certificate of an API server, where that is asked for. */
  unauthenticatedCall(record: { readonly reason: CallerProblem; readonly decision: 'refuse' | 'would_refuse' }): void;
  /** The configuration file changed: the new version is in force, or was refused and the old one stays. */
  configurationReload(outcome: 'accepted' | 'refused'): void;
  /** The configuration file was looked at: what is in it is in force, or is not valid. */
  configurationCurrent(isCurrent: boolean): void;
  /** A list or watch of the index ended in an error and will be tried again. */
  indexError(resource: IndexResource): void;
  /** The index heard from the API server (list, event or bookmark) at this time, in ms of the monotonic clock. */
  indexContact(resource: IndexResource, at: number): void;
  indexSize(resource: IndexResource, entries: number): void;
  /** How many foreign webhooks serve the scheme of each preset that can stand back; undefined if nobody knows. */
  foreignWebhooks(counts: ReadonlyMap<string, number> | undefined): void;
  /** A lookup went to the API server, or would have if there were not too many. */
  liveRead(outcome: 'found' | 'absent' | 'unknown'): void;
  /** Another replica was told of a change before it was let in, and confirmed it or did not. */
  changeTold(outcome: 'confirmed' | 'missed'): void;
  /** Of the serving certificate now in use. */
  certificateLife(life: Life): void;
  /** Of the CA that signs now. */
  authorityLife(life: Life): void;
  /** Where the serving certificate comes from; said once. */
  certificateSource(source: string): void;
  /** So many lines of the log could not be written, and were given up. */
  logLinesLost(lines: number): void;
  /** Whether every entry was found with its rules and CA bundle. */
  webhooksPublished(isPublished: boolean): void;
  /**
   * What came of telling the owner of a refused pod: an Event was made or counted, held back to be told with the next one,
   * dropped because too many wait, or not taken by the API server.
   */
  ownerEvent(outcome: 'written' | 'held' | 'dropped' | 'failed'): void;
};

/** Counts nothing. */
export function createSilentRecorder(): Recorder {
  const ignore = () => undefined;
  return {
    review: ignore,
    wait: ignore,
    evaluation: ignore,
    mutation: ignore,
    exemption: ignore,
    exemptionEnds: ignore,
    fault: ignore,
    unauthenticatedCall: ignore,
    configurationReload: ignore,
    configurationCurrent: ignore,
    indexError: ignore,
    indexContact: ignore,
    indexSize: ignore,
    foreignWebhooks: ignore,
    liveRead: ignore,
    changeTold: ignore,
    certificateLife: ignore,
    authorityLife: ignore,
    certificateSource: ignore,
    logLinesLost: ignore,
    webhooksPublished: ignore,
    ownerEvent: ignore,
  };
}
