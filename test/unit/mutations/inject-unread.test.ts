import { describe, expect, it } from 'vitest';
import type { Lookup, ServiceAccountView } from '../../../src/objects/views.ts';
import { account } from '../judging.ts';
import { asking, inject, type World } from './injecting.ts';

const UNKNOWN: Lookup<ServiceAccountView> = { state: 'unknown', why: 'no answer' };
const ROLE = { 'pod-identity.alibabacloud.com/role-name': 'web' };
const ALIBABA = { 'alibaba-rrsa': { accountId: '1', oidcProvider: 'ack' } };
const LABEL = 'pod-identity.alibabacloud.com/injection';

function stale(annotations = {}): Lookup<ServiceAccountView> {
  const known = account({}, annotations);
  if (known.state !== 'found') throw new Error('the account is known');
  return { ...known, stale: 'timed out' };
}

function world(triggers: readonly string[], serviceAccount: Lookup<ServiceAccountView>): World {
  return {
    configuration: { mutations: { 'inject-token': { triggers, presetParameters: ALIBABA } } },
    serviceAccount,
  };
}

const labelled = (value: string) => asking({}, {}, { labels: { [LABEL]: value } });

describe('A pod that asks by the scheme’s own label, where its account must complete the trigger', () => {
  it.each<[string, Lookup<ServiceAccountView>]>([
    ['unknown', UNKNOWN],
    ['known as of a moment ago, without the annotation', stale()],
  ])('is refused while the account is %s', (_what, serviceAccount) => {
    const { denial, patch } = inject(labelled('on'), world(['alibaba-rrsa'], serviceAccount));
    expect(denial).toContain(`inject-token at /metadata/labels/${LABEL.replace('/', '~1')}`);
    expect(denial).toContain(
      `label ${LABEL} of the pod: it counts together with annotation pod-identity.alibabacloud.com/role-name of service account shop/web, which could not be read`,
    );
    expect(denial).toContain('Fix: try again');
    expect(patch).toEqual([]);
  });

  it('is admitted without the token where the account is known not to ask', () => {
    expect(inject(labelled('on'), world(['alibaba-rrsa'], account({})))).toMatchObject({ denial: '', patch: [] });
  });

  it('gets its token where the account was known to ask a moment ago', () => {
    const { at } = inject(labelled('on'), world(['alibaba-rrsa'], stale(ROLE)));
    expect(at('spec', 'volumes', 0, 'name')).toBe('rrsa-oidc-token');
  });

  it.each([
    ['its label says something else', labelled('off'), ['alibaba-rrsa']],
    ['the trigger is not configured', labelled('on'), []],
  ])('is admitted where %s', (_what, pod, triggers) => {
    expect(inject(pod, world(triggers, UNKNOWN))).toMatchObject({ denial: '', patch: [] });
  });

  it('is left to the webhook of the scheme', () => {
    const mutatingWebhooks = { state: 'found', value: ['ack-pod-identity-webhook'] } as const;
    const { denial } = inject(labelled('on'), { ...world(['alibaba-rrsa'], UNKNOWN), context: { mutatingWebhooks } });
    expect(denial).toBe('');
  });

  it('keeps what an earlier round gave it', () => {
    const first = inject(labelled('on'), world(['alibaba-rrsa'], account({}, ROLE)));
    expect(first.at('spec', 'volumes', 0, 'name')).toBe('rrsa-oidc-token');
    expect(inject(first.object, world(['alibaba-rrsa'], UNKNOWN))).toMatchObject({ denial: '', patch: [] });
  });
});

describe('A pod that does not ask itself, and whose account cannot be read', () => {
  const WARNING =
    'curfew inject-token: no token that service account shop/web may ask for was added: it could not be read: no answer';

  it('is admitted, and its author is warned', () => {
    for (const triggers of [[], ['aws-irsa']]) {
      expect(inject(asking({}), world(triggers, UNKNOWN))).toMatchObject({
        denial: '',
        patch: [],
        warnings: [WARNING],
      });
    }
  });

  it('is warned about an account known as of a moment ago only where a trigger may need it', () => {
    expect(inject(asking({}), world([], stale())).warnings).toEqual([]);
    expect(inject(asking({}), world(['aws-irsa'], stale())).warnings).toEqual([
      'curfew inject-token: of service account shop/web only what it said a moment ago is known: it could not be read: timed out',
    ]);
  });
});
