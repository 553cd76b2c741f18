/**
 * The CA that all replicas share, in one named Secret. Whoever comes first makes it; everybody uses what is stored.
 *
 * The Secret is created by server-side apply, which needs `create` and `patch` with resourceNames only (a plain create
 * cannot be limited to a name), without force and under a field manager of its own: of two replicas that start at once
 * the second gets a conflict, and reads the first one's CA. A CA that cannot be used is replaced by an update that
 * carries the resourceVersion, with the same end; so is one that has lived two thirds of its life. Beside it the Secret
 * keeps the certificates of those it replaced (`authorities.ts`), and whoever serves a leaf of a CA that is in neither
 * place, because somebody overwrote or deleted the Secret, adds it there.
 */

import type { KubeClient, KubeResponse } from '../kube/api.ts';
import { type Clock, computeBackoff, runWithDeadline } from '../kube/clock.ts';
import type { KubeLog } from '../kube/log.ts';
import { describeError, describeResponseBriefly } from '../kube/sentences.ts';
import { asString, isObject, type JsonObject, member, valueAt } from '../objects/json.ts';
import { type Authorities, isDue, isTrusted, keepPrevious } from './authorities.ts';
import { type CertificateAuthority, issueCertificateAuthority } from './issue.ts';
import { createAuthorityName } from './self-made.ts';
import { DEFAULT_LEAF_LIFETIME_MS } from './signing.ts';
import { readSecret, toSecretData, withoutOurKeys } from './stored-authorities.ts';

const DEFAULT_LIFETIME_MS = 10 * 365 * 24 * 3600_000;
const MAX_ATTEMPTS = 6;
/** In place of a status when no answer came. */
const UNREACHABLE = 0;
const REQUEST_DEADLINE_MS = 10_000;
const BACKOFF = { firstMs: 200, longestMs: 5000 };

export type SecretStoreOptions = {
  readonly client: KubeClient;
  readonly namespace: string;
  /** Name of the Secret. */
  readonly name: string;
  /** Name of the Deployment in the same namespace with which a new Secret goes: the garbage collector removes it. */
  readonly ownerDeployment?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Of a new CA, in ms. */
  readonly lifetimeMs?: number;
  /** Of leaves, in ms: so long a CA is trusted after it was replaced. */
  readonly leafLifetimeMs?: number;
  readonly clock: Clock;
  readonly log: KubeLog;
  readonly signal: AbortSignal;
};

/** What one try found: the CAs, or the reason to look again. */
type Attempt =
  | { readonly state: 'stored'; readonly authorities: Authorities }
  | { readonly state: 'again'; readonly why: string };

/**
 * The CAs that the Secret holds, made or renewed first if need be. Rejects with a sentence if that cannot be done.
 *
 * @param inUse - PEM certificate of the CA whose leaf the caller serves now: it stays trusted
 */
export async function loadOrCreateAuthorities(options: SecretStoreOptions, inUse?: string): Promise<Authorities> {
  const { clock, signal } = options;
  let why = '';
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const found = await tryOnce(options, inUse);
    if (found.state === 'stored') return found.authorities;
    why = found.why;
    signal.throwIfAborted();
    await clock.sleep(computeBackoff(attempt, BACKOFF, clock), signal);
  }
  throw new Error(`${describeSecret(options)} holds no usable CA after ${MAX_ATTEMPTS} attempts: ${why}.`);
}

async function tryOnce(options: SecretStoreOptions, inUse: string | undefined): Promise<Attempt> {
  const { namespace, name, log } = options;
  const now = options.clock.now();
  const found = await send(options, { method: 'GET' });
  if (found.status === 404) return create(options, inUse);
  if (found.status !== 200) return settleFailure(options, found, 'reading');
  const stored = readSecret(found.body, now);
  const before = [inUse, stored.cert, ...stored.previous];
  if (stored.judged.state === 'bad') {
    log.warn({ namespace, name, why: stored.judged.reason }, 'stored CA cannot be used and is replaced');
    return update(options, found.body, toAuthorities(await issue(options), { before, now }));
  }
  const signing = stored.judged.pair;
  if (isDue(signing, now)) {
    log.info({ namespace, name, notAfter: new Date(signing.notAfter).toISOString() }, 'the CA is due and is replaced');
    return update(options, found.body, toAuthorities(await issue(options), { before, now }));
  }
  const authorities = { signing, previous: stored.previous };
  if (inUse === undefined || isTrusted(authorities, inUse)) return { state: 'stored', authorities };
  const kept = toAuthorities(signing, { before: [inUse, ...stored.previous], now });
  if (!isTrusted(kept, inUse)) return { state: 'stored', authorities };
  log.warn({ namespace, name }, 'the CA was replaced by somebody else, the one in use stays trusted for a while');
  return update(options, found.body, kept);
}

function toAuthorities(
  signing: CertificateAuthority,
  { before, now }: { readonly before: readonly (string | undefined)[]; readonly now: number },
): Authorities {
  return { signing, previous: keepPrevious(before, { signing, now }) };
}

async function create(options: SecretStoreOptions, inUse: string | undefined): Promise<Attempt> {
  const { namespace, name, labels, clock } = options;
  const authorities = toAuthorities(await issue(options), { before: [inUse], now: clock.now() });
  const ownerReferences = await findOwner(options);
  const answer = await send(options, {
    method: 'PATCH',
    contentType: 'application/apply-patch+yaml',
    // A manager of its own: two applies of one manager would overwrite each other without a conflict.
    query: { fieldManager: `curfew-${crypto.randomUUID()}`, force: 'false' },
    body: {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name,
        namespace,
        ...(labels === undefined ? {} : { labels }),
        ...(ownerReferences === undefined ? {} : { ownerReferences }),
      },
      type: 'Opaque',
      data: toData(options, authorities),
    },
  });
  return settle(options, answer, 'creating');
}

/**
 * Without its UID nothing can be owned by the Deployment. If it cannot be read, the Secret stays when Curfew is removed,
 * which is better than no certificate.
 */
async function findOwner(options: SecretStoreOptions): Promise<readonly JsonObject[] | undefined> {
  const { namespace, ownerDeployment: name, log } = options;
  if (name === undefined) return undefined;
  const answer = await send(options, { method: 'GET' }, toPath(namespace, DEPLOYMENTS, name));
  const uid = asString(valueAt(answer.body, ['metadata', 'uid']));
  if (answer.status === 200 && uid !== undefined) return [{ apiVersion: 'apps/v1', kind: 'Deployment', name, uid }];
  log.warn(
    { namespace, name, why: describeResponseBriefly(answer) },
    'the Secret of the CA will not go with its Deployment',
  );
  return undefined;
}

async function update(options: SecretStoreOptions, stored: unknown, authorities: Authorities): Promise<Attempt> {
  const old = isObject(stored) ? stored : {};
  const data = member(old, 'data');
  // Everything but our keys stays as it was read, `type` too (it cannot be changed); metadata.resourceVersion makes
  // the update fail if anybody was faster.
  const body = { ...old, data: { ...(isObject(data) ? withoutOurKeys(data) : {}), ...toData(options, authorities) } };
  return settle(options, await send(options, { method: 'PUT', body }), 'replacing');
}

/** After a write, won or lost, the Secret is read again: what is stored counts, not what was sent. */
function settle(options: SecretStoreOptions, answer: KubeResponse, doing: string): Attempt {
  const { status, body } = answer;
  if (status === 200 || status === 201) {
    const { judged, previous } = readSecret(body, options.clock.now());
    if (judged.state === 'bad') {
      throw new Error(`${describeSecret(options)}: ${doing}: ${judged.reason} in what the API server stored.`);
    }
    options.log.info({ namespace: options.namespace, name: options.name }, 'CA stored');
    return { state: 'stored', authorities: { signing: judged.pair, previous } };
  }
  return settleFailure(options, answer, doing);
}

/** The statuses that another look may change, in contrast to a missing right or a refused object. */
function settleFailure(options: SecretStoreOptions, answer: KubeResponse, doing: string): Attempt {
  const { status } = answer;
  const why = `${doing}: ${describeResponseBriefly(answer)}`;
  // 409: another replica was faster. 404: deleted in between. 429 and 5xx: the server's bad moment.
  const isPassing = status === UNREACHABLE || status === 409 || status === 404 || status === 429 || status >= 500;
  if (isPassing) return { state: 'again', why };
  throw new Error(`${describeSecret(options)}: ${why}.`);
}

async function issue({ clock, lifetimeMs = DEFAULT_LIFETIME_MS }: SecretStoreOptions): Promise<CertificateAuthority> {
  const now = clock.now();
  return issueCertificateAuthority({ commonName: createAuthorityName(), notBefore: now, notAfter: now + lifetimeMs });
}

function toData({ clock, leafLifetimeMs = DEFAULT_LEAF_LIFETIME_MS }: SecretStoreOptions, authorities: Authorities) {
  return toSecretData(authorities, clock.now() + leafLifetimeMs);
}

type SecretRequest = {
  readonly method: 'GET' | 'PATCH' | 'PUT';
  readonly query?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  readonly body?: unknown;
};

const SECRETS = { group: '/api/v1', resource: 'secrets' };
const DEPLOYMENTS = { group: '/apis/apps/v1', resource: 'deployments' };

function toPath(namespace: string, { group, resource }: typeof SECRETS, name: string): string {
  return `${group}/namespaces/${encodeURIComponent(namespace)}/${resource}/${encodeURIComponent(name)}`;
}

async function send(
  options: SecretStoreOptions,
  request: SecretRequest,
  path: string = toPath(options.namespace, SECRETS, options.name),
): Promise<KubeResponse> {
  const { client, clock, signal } = options;
  try {
    return await runWithDeadline((deadline) => client.request({ ...request, path, signal: deadline }), {
      clock,
      ms: REQUEST_DEADLINE_MS,
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    return { status: UNREACHABLE, body: { reason: describeError(error) } };
  }
}

function describeSecret({ namespace, name }: SecretStoreOptions): string {
  return `Secret ${namespace}/${name}`;
}
