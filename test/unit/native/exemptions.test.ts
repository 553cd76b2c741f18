import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import { asArray, asString, member, valueAt } from '../../../src/objects/json.ts';
import type { Setting } from './rendering.ts';
import { renderAll } from './rendering.ts';

/** An exemption that somebody might write, called `one`. */
const exempting = (match: JsonObject, more: JsonObject = {}) => ({
  exemptions: { rules: [{ name: 'one', match, reason: 'a reason', owner: 'team-a', expires: '2026-03-01', ...more }] },
});

const FOREVER = {
  exemptions: {
    rules: [{ name: 'one', match: { users: ['jane'] }, reason: 'a reason', owner: 'team-a', permanent: true }],
  },
};

describe('What native policies do not do with a configuration', () => {
  const general = new Set(renderAll({}).left.map(({ why }) => why));
  const leftOf = (keys: JsonObject, setting?: Setting) =>
    renderAll(keys, setting)
      .left.map(({ why }) => why)
      .filter((why) => !general.has(why));
  const LATE =
    'exemption one ends natively only for what is made; for updates, token requests and the account default of a new namespace render again after its end (until 2026-03-01)';
  const LOST = 'exemption one in what kubelets ask for, since it goes by who made the pod: such pods do not start';

  it.each<[string, JsonObject, Setting, readonly string[]]>([
    ['nothing more', {}, {}, []],
    ['nothing of an exemption that never ends', FOREVER, {}, []],
    ['to end an exemption for what is no creation', exempting({ users: ['jane'] }), {}, [LATE]],
    [
      'nothing of an exemption that has ended',
      exempting({ users: ['jane'] }),
      { now: Date.UTC(2026, 2, 2), nodeTokens: 'audit' },
      [],
    ],
    ['to exempt kubelets by who made the pod', exempting({ users: ['jane'] }), { nodeTokens: 'audit' }, [LOST, LATE]],
    [
      'the same where the rest of it is for everything',
      exempting({ users: ['jane'], namespaces: ['*'] }),
      { nodeTokens: 'audit' },
      [LOST, LATE],
    ],
    [
      'the same of groups, for pods by name',
      exempting({ groups: ['ops'], kinds: ['Pod'] }),
      { nodeTokens: 'audit' },
      [LOST, LATE],
    ],
    [
      'nothing of the kind where the pods are told apart',
      exempting({ users: ['jane'], namespaces: ['shop'] }),
      { nodeTokens: 'audit' },
      [LATE],
    ],
    [
      'nothing of the kind for other objects',
      exempting({ users: ['jane'], kinds: ['Secret'] }),
      { nodeTokens: 'audit' },
      [LATE],
    ],
    [
      'nothing of the kind for checks that kubelets are not held to',
      exempting({ users: ['jane'] }, { checks: ['rbac-escalate'] }),
      { nodeTokens: 'audit' },
      [LATE],
    ],
    [
      'the same of a check that they are held to',
      exempting({ users: ['jane'] }, { checks: ['token-lifetime'] }),
      { nodeTokens: 'audit' },
      [LOST, LATE],
    ],
    [
      'mutations before Kubernetes 1.36',
      {},
      { minor: 35 },
      ['mutations: MutatingAdmissionPolicies are part of Kubernetes from 1.36 on'],
    ],
    [
      'mutations with dryRun',
      { dryRun: true },
      {},
      ['mutations: with dryRun nothing is changed, and a policy cannot report what it would change'],
    ],
    [
      'what the webhook says better, behind it',
      { dryRun: true },
      { engine: 'both' },
      [
        'warnings, audit annotations and mutations: these policies stand behind it and only deny',
        'everything: with dryRun nothing is denied',
      ],
    ],
  ])('is said: %s', (_what, keys, setting, wanted) => {
    expect(leftOf(keys, setting)).toEqual(wanted);
  });
});

describe('Policies for what kubelets ask for', () => {
  it.each<[string, JsonObject, readonly string[]]>([
    ['the lifetime alone, without a list of audiences', {}, ['token-lifetime']],
    [
      'audiences too, where there is a list',
      { 'token-audience': { allowed: ['vault'] } },
      ['token-lifetime', 'token-audience'],
    ],
    ['no check that is off', { 'token-lifetime': { mode: 'off' } }, []],
  ])('hold them to %s', (_what, checks, ids) => {
    const names = renderAll({ checks }, { nodeTokens: 'audit' })
      .objects.filter(({ kind }) => asString(kind) === 'ValidatingAdmissionPolicy')
      .map(({ metadata }) => asString(member(metadata, 'name')) ?? '')
      .filter((name) => name.startsWith('node-'));
    expect(names).toEqual(ids.map((id) => `node-${id}.audit.curfew.dev`));
  });
});

describe('An exemption for what kubelets ask for', () => {
  /** What the policy for them has as its exemption, in CEL; undefined if it has none. */
  const exemptionOf = (match: JsonObject, more: JsonObject = {}) => {
    const policy = renderAll(exempting(match, more), { nodeTokens: 'enforce' }).objects.find(
      ({ metadata }) => asString(member(metadata, 'name')) === 'node-token-lifetime.enforce.curfew.dev',
    );
    const variables = asArray(valueAt(policy, ['spec', 'variables']));
    return asString(
      member(
        variables.find((one) => asString(member(one, 'name')) === 'exemption'),
        'expression',
      ),
    );
  };
  const SAID = '"token-lifetime by exemption one (owner team-a, until 2026-03-01): a reason"';

  it.each<[string, JsonObject, string]>([
    ['of a namespace', { namespaces: ['shop'] }, '.matches("^(?s:shop)$")'],
    [
      'of pods by name',
      { kinds: ['Pod'], names: ['web-*'] },
      'object.spec.?boundObjectRef.?name.orValue("").matches("^(?s:web-.*)$")',
    ],
    ['of who made pods of a namespace', { users: ['jane'], namespaces: ['shop'] }, '.matches("^(?s:shop)$")'],
  ])('is that %s, without its kind and its users', (_what, match, condition) => {
    const cel = exemptionOf(match) ?? '';
    expect(cel).toContain(`${condition} ? ${SAID} : ""`);
    expect(cel).not.toMatch(/userInfo|request\.resource|timestamp/);
  });

  it.each<[string, JsonObject, JsonObject?]>([
    ['of who makes pods', { users: ['jane'] }],
    ['of who makes pods anywhere', { users: ['jane'], namespaces: ['*'] }],
    ['of whoever is in a group, for pods of any name', { groups: ['ops'], kinds: ['Pod'], names: ['*'] }],
    ['of other objects', { kinds: ['Secret'], namespaces: ['shop'] }],
    ['from another check', { namespaces: ['shop'] }, { checks: ['token-audience'] }],
  ])('is not that %s', (_what, match, more) => {
    expect(exemptionOf(match, more)).toBeUndefined();
  });

  it('names the ticket where it has one', () => {
    expect(exemptionOf({ namespaces: ['shop'] }, { ticket: 'OPS-7' })).toContain(
      '(owner team-a, until 2026-03-01, ticket OPS-7)',
    );
  });
});
