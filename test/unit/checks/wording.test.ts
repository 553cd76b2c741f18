import { describe, expect, it } from 'vitest';
import defaultServiceAccount from '../../../src/checks/default-service-account.ts';
import type { Check, Finding } from '../../../src/checks/define-check.ts';
import { isFinding } from '../../../src/checks/define-check.ts';
import embeddedToken from '../../../src/checks/embedded-token.ts';
import ephemeralContainerToken from '../../../src/checks/ephemeral-container-token.ts';
import rbacImpersonate from '../../../src/checks/rbac-impersonate.ts';
import rbacWildcard from '../../../src/checks/rbac-wildcard.ts';
import tokenRequestAudience, { nameShort } from '../../../src/checks/token-request-audience.ts';
import tokenRequestLifetime from '../../../src/checks/token-request-lifetime.ts';
import { prepareExample } from '../../../src/engine/example-subject.ts';
import {
  exampleClusterRole,
  examplePod,
  exampleRule,
  exampleTokenRequest,
} from '../../../src/objects/example-objects.ts';
import { exampleBoundClaims, exampleJwt } from '../../../src/objects/example-tokens.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import type { RuleContext } from '../../../src/objects/rule-context.ts';

type Setting = {
  readonly context?: Partial<RuleContext>;
  readonly options?: JsonObject;
  readonly subresource?: string;
  readonly oldObject?: JsonObject;
};

/** The first sentence that it says. */
const detailOf = (...parameters: Parameters<typeof find>): string =>
  find(...parameters).map(({ detail }) => detail)[0] ?? '';

/** What a check finds at restricted, in the world of its examples but for what is set. */
function find(
  check: Check,
  object: JsonObject,
  { context = {}, options = {}, ...more }: Setting = {},
): readonly Finding[] {
  const example = { title: '', level: 'restricted', options, subject: { object, ...more }, expect: 'allowed' } as const;
  const { subject, context: known, settings } = prepareExample(check, example);
  return check.evaluate(subject, settings, { ...known, level: 'restricted', ...context }).filter(isFinding);
}

const API_AUDIENCES = ['https://a.example', 'https://b.example', 'https://c.example', 'https://d.example'];

describe('The audiences of a request', () => {
  it('are named, but no more than three of them', () => {
    const cluster = { apiAudiences: API_AUDIENCES, issuers: [] };
    const detail = detailOf(tokenRequestAudience, exampleTokenRequest({ audiences: API_AUDIENCES }), {
      context: { cluster },
    });
    expect(detail).toContain('"https://a.example", "https://b.example", "https://c.example" and 1 more');
    const three = detailOf(tokenRequestAudience, exampleTokenRequest({ audiences: API_AUDIENCES.slice(1) }), {
      context: { cluster },
    });
    expect(three).toContain('"https://d.example")');
  });

  it('that nobody knows are not named at all', () => {
    const cluster = { apiAudiences: [], issuers: [] };
    const detail = detailOf(tokenRequestAudience, exampleTokenRequest({}), { context: { cluster } });
    expect(detail).not.toBe('');
    expect(detail).not.toContain('()');
    expect(detail).not.toContain(' (');
  });

  it('that are not allowed are told in one sentence', () => {
    const told = (...audiences: readonly string[]) =>
      find(tokenRequestAudience, exampleTokenRequest({ audiences }), { options: { allowed: ['vault'] } })[0]?.detail;
    expect(told('a')).toMatch(/^.*"a" is not an allowed audience; allowed: "vault"/);
    expect(told('a', 'b')).toMatch(/^.*"a", "b" are not allowed audiences; allowed: "vault"/);
  });

  it('have the limit of the level where none of them is known', () => {
    const cluster = { apiAudiences: [], issuers: [] };
    const request = exampleTokenRequest({ expirationSeconds: 7_200 });
    expect(find(tokenRequestLifetime, request, { context: { cluster } }).map(({ key }) => key)).not.toEqual([]);
  });

  it.each([
    [['vault'], 'vault'],
    [['vault', 'conjur', 'x'], 'vault and 2 more'],
    [['a'.repeat(40)], 'a'.repeat(40)],
    [['a'.repeat(41)], 'see the list in the configuration'],
  ])('%j are short in a warning: %s', (audiences, words) => {
    expect(nameShort(audiences)).toBe(words);
  });
});

describe('An account of its own', () => {
  const fixOf = (metadata: JsonObject) => {
    const pod = { ...examplePod({ serviceAccountName: 'default' }), metadata: { namespace: 'shop', ...metadata } };
    return find(defaultServiceAccount, pod)[0]?.fix ?? defaultServiceAccount.fix(prepare(pod));
  };
  const prepare = (object: JsonObject) =>
    prepareExample(defaultServiceAccount, { title: '', level: 'restricted', subject: { object }, expect: 'allowed' })
      .subject;

  it.each<[string, JsonObject]>([
    ['web', { name: 'web' }],
    ['web', { name: 'web', generateName: '' }],
    ['web', { generateName: 'web-' }],
    ['web', { generateName: 'web-5d4f-', labels: { 'pod-template-hash': '5d4f' } }],
    ['web-5d4f', { generateName: 'web-5d4f-', labels: { 'pod-template-hash': '77' } }],
  ])('is called %s for a pod with %j', (name, metadata) => {
    expect(fixOf(metadata)).toContain(`serviceAccountName: ${name},`);
  });
});

describe('Words of the object in a message', () => {
  it('are cut where they are long', () => {
    const ofGroup = (group: string) => {
      const role = exampleClusterRole(exampleRule([group], ['*'], { verbs: ['*'] }));
      return find(rbacWildcard, role)[0]?.detail ?? '';
    };
    expect(ofGroup('g'.repeat(200))).toMatch(/g{20,58}…/);
    expect(ofGroup('g'.repeat(40))).not.toContain('…');
  });

  it('say the end of time for a date that is past it', () => {
    const token = exampleJwt(exampleBoundClaims(9e12, { exp: 9e12 }));
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'a', namespace: 'shop' },
      data: { t: btoa(token) },
    };
    const said = find(embeddedToken, secret).map(({ detail }) => detail);
    expect(said.join()).toContain('the end of time');
  });
});

describe('A right that is written by a pattern', () => {
  it('to impersonate extra fields is found under `*/`', () => {
    const keysOf = (resource: string) =>
      find(
        rbacImpersonate,
        exampleClusterRole(exampleRule(['authentication.k8s.io'], [resource], { verbs: ['impersonate'] })),
      ).map(({ key }) => key);
    expect(keysOf('*/scopes')).toEqual(keysOf('userextras/scopes'));
    expect(keysOf('*/scopes')).toHaveLength(1);
  });
});

describe('A volume with two tokens', () => {
  it('holds the first for whoever mounts it', () => {
    const token = (audience: string) => ({ serviceAccountToken: { path: audience, audience, expirationSeconds: 600 } });
    const volumes = [{ name: 't', projected: { sources: [token('vault'), token('conjur')] } }];
    const pod = examplePod({ volumes });
    const spec = pod['spec'] as JsonObject;
    const debug = { name: 'debug', image: 'a', volumeMounts: [{ name: 't', mountPath: '/t' }] };
    const found = find(
      ephemeralContainerToken,
      { ...pod, spec: { ...spec, ephemeralContainers: [debug] } },
      { subresource: 'ephemeralcontainers', oldObject: pod },
    );
    expect(found.map(({ detail }) => detail)).toEqual([
      'volume "t" holds a token for audience "vault", and a debug container may not mount it.',
    ]);
  });
});
