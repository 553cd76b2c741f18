/** Policies as people write them first, those that do what was meant, and what each says of the same requests. */

import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type { JsonObject } from '../src/objects/json.ts';
import { deployment, pod, tokenSecret, tokenVolume } from './test-cluster.ts';

export type Verdict = 'denied' | 'allowed';

export type FirstCase = {
  readonly title: string;
  readonly object: JsonObject;
  /** A merge patch of what was stored before there was a policy; without it the object is made. */
  readonly patch?: JsonObject;
  readonly naive: Verdict;
  readonly right: Verdict;
};

/** The documents of an example. */
export function readExample(name: string): readonly JsonObject[] {
  const text = readFileSync(`examples/native/${name}.yaml`, 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS() as JsonObject);
}

const WRITTEN = { automountServiceAccountToken: false, volumes: [tokenVolume({ path: 'token' })] };
const MOUNTS = [{ name: 'token', mountPath: '/token' }];
const QUIET = { automountServiceAccountToken: false };
const labelled = { metadata: { labels: { tidy: 'yes' } } };

export const TOKEN_CASES: readonly FirstCase[] = [
  { title: 'a pod that says nothing', object: pod('plain'), naive: 'denied', right: 'denied' },
  { title: 'a pod that opts out', object: pod('quiet', QUIET), naive: 'allowed', right: 'allowed' },
  {
    title: 'a pod that opts out, with a token for the API written by hand',
    object: pod('written', { ...WRITTEN, containers: [{ name: 'app', image: 'a', volumeMounts: MOUNTS }] }),
    naive: 'allowed',
    right: 'denied',
  },
  {
    title: 'the same, mounted by an init container alone',
    object: pod('init', { ...WRITTEN, initContainers: [{ name: 'init', image: 'a', volumeMounts: MOUNTS }] }),
    naive: 'allowed',
    right: 'denied',
  },
  {
    title: 'a pod that opts out, with a token for Vault',
    object: pod('vault', { ...QUIET, volumes: [tokenVolume({ path: 'token', audience: 'vault' })] }),
    naive: 'allowed',
    right: 'allowed',
  },
  {
    title: 'a pod whose service account opts out, so that it has no token',
    object: pod('by-account', { serviceAccountName: 'quiet' }),
    naive: 'denied',
    right: 'allowed',
  },
  {
    title: 'a Deployment whose template says nothing',
    object: deployment('plain'),
    naive: 'allowed',
    right: 'denied',
  },
  {
    title: 'a Deployment that opts out, with a token for the API written by hand',
    object: deployment('written', WRITTEN),
    naive: 'allowed',
    right: 'denied',
  },
  { title: 'a Deployment that opts out', object: deployment('quiet', QUIET), naive: 'allowed', right: 'allowed' },
  {
    title: 'a label on an old pod with a token',
    object: pod('old'),
    patch: labelled,
    naive: 'denied',
    right: 'allowed',
  },
  {
    title: 'the scale of an old Deployment',
    object: deployment('old', { nodeSelector: { runs: 'nowhere' } }),
    patch: { spec: { replicas: 0 } },
    naive: 'allowed',
    right: 'allowed',
  },
];

const SECRET = tokenSecret('old', 'web');
const OTHER_ACCOUNT = { metadata: { annotations: { 'kubernetes.io/service-account.name': 'quiet' } } };

/** `naive` is the policy that is asked about what is made. */
export const SECRET_CASES: readonly FirstCase[] = [
  { title: 'a Secret of the type', object: tokenSecret('new', 'web'), naive: 'denied', right: 'denied' },
  {
    title: 'an old Secret that is given another account, which mints a token for it',
    object: SECRET,
    patch: OTHER_ACCOUNT,
    naive: 'allowed',
    right: 'denied',
  },
  { title: 'a label on an old Secret', object: SECRET, patch: labelled, naive: 'allowed', right: 'allowed' },
];

/** The one that is asked about updates too. */
export const UPDATED_SECRET_CASES: readonly FirstCase[] = SECRET_CASES.map((one) => ({ ...one, naive: 'denied' }));
