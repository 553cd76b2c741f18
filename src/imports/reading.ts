/** What was understood of a rule of another policy engine, and what was not: nothing of a rule is in neither list. */

import type { JsonPath } from '../objects/json.ts';

/** A check or a mutation of Curfew that does what the rule did. */
export type Claim = {
  readonly id: string;
  readonly does: 'check' | 'mutation';
  /** Where in the policy it was recognised. */
  readonly at: JsonPath;
  /** A few words: what it was recognised by. */
  readonly by: string;
  /** What the rule refuses and Curfew lets pass; each makes it replaced in part. */
  readonly loses: readonly string[];
  /** The same end by other means, and what Curfew refuses on top. */
  readonly differs: readonly string[];
};

/** A part of a rule that nothing stands for. */
export type Unread = { readonly at: JsonPath; readonly why: string };

export type Reading = { readonly claims: readonly Claim[]; readonly unread: readonly Unread[] };

/** Nothing said, nothing missed. */
export const NOTHING: Reading = { claims: [], unread: [] };

export function joinReadings(readings: readonly Reading[]): Reading {
  return {
    claims: readings.flatMap(({ claims }) => claims),
    unread: readings.flatMap(({ unread }) => unread),
  };
}

export function leave(at: JsonPath, why: string): Reading {
  return { claims: [], unread: [{ at, why }] };
}

/** What engines ask of objects, with the check that asks it too. */
const FORMS = {
  tokenSecret: { id: 'long-lived-token-secret', loses: [], differs: [] },
  podOptOut: {
    id: 'pod-automount',
    loses: [],
    differs: [
      'judged by what is mounted: a pod that says nothing passes where its service account opts out or documents why it needs the API, and a hand-written API token is refused too',
    ],
  },
  podNotTrue: {
    id: 'pod-automount',
    loses: [],
    differs: [
      'judged by what is mounted: a pod that says nothing and gets a token is refused too, and one with documented access passes',
    ],
  },
  accountOptOut: {
    id: 'service-account-automount',
    loses: [],
    differs: ['an account with documented access (curfew.dev/api-access) passes'],
  },
  defaultAccount: {
    id: 'default-service-account',
    loses: [],
    differs: ['a pod without an API token may run as default, and bindings of roles to default are refused too'],
  },
  clusterAdmin: {
    id: 'rbac-binding-subjects',
    loses: ['cluster-admin for people and groups of people passes; it is refused to service accounts'],
    differs: ['any role for everybody or for all service accounts is refused too'],
  },
  everybody: {
    id: 'rbac-binding-subjects',
    loses: [],
    differs: ['cluster-admin for a service account, and any role for all service accounts, are refused too'],
  },
} as const satisfies Readonly<Record<string, Pick<Claim, 'id' | 'loses' | 'differs'>>>;

export type Form = keyof typeof FORMS;

export function claim(form: Form, at: JsonPath, by: string): Reading {
  return { claims: [{ ...FORMS[form], does: 'check', at, by }], unread: [] };
}

/** Subjects that nobody is put into, and that rbac-binding-subjects looks for. */
const EVERYBODY: readonly string[] = [
  'system:anonymous',
  'system:unauthenticated',
  'system:authenticated',
  'system:serviceaccounts',
];

/** A binding must not name this subject. */
export function claimSubject(name: string, at: JsonPath): Reading {
  if (EVERYBODY.includes(name)) return claim('everybody', at, `no binding to ${name}`);
  return leave(at, `no check looks for bindings to ${name}`);
}
