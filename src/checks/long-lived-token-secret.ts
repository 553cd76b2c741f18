import { Type } from 'typebox';
import type { JsonObject } from '../objects/json.ts';
import { stringMembers, valueAt } from '../objects/json.ts';
import type { Subject } from '../objects/subject.ts';
import { nameForCommand, quote } from '../objects/text.ts';
import { ACCOUNT_NAME_ANNOTATION as ACCOUNT_NAME, TOKEN_SECRET_TYPE as TOKEN_TYPE } from '../objects/views.ts';
import type { Finding } from './define-check.ts';
import { defineCheck } from './define-check.ts';

export const ACCOUNT_UID = 'kubernetes.io/service-account.uid';

/**
 * The token controller (kube-controller-manager) fills these Secrets by UPDATE and refills them after a rotation of its
 * key. Only callers that nobody else can be are named here.
 */
export const TOKEN_CONTROLLERS: readonly string[] = ['system:kube-controller-manager', 'system:apiserver'];

export default defineCheck({
  id: 'long-lived-token-secret',
  since: '0.1',
  levels: { baseline: {}, restricted: {} },
  options: Type.Object({}, { additionalProperties: false }),
  defaults: {},
  reads: [{ group: '', resource: 'secrets', operations: ['CREATE', 'UPDATE'] }],
  needs: [],
  title: 'Secrets of type `kubernetes.io/service-account-token`, and updates that make one mint a token again',
  why: `Kubernetes fills such a Secret with a token that has no expiry. It works from anywhere until the Secret or the
account is deleted, everybody who may read Secrets in the namespace can copy it, and no rotation ever replaces it.
Since Kubernetes 1.24 nothing needs one: pods get bound tokens by projection, people and pipelines get short ones by
TokenRequest. Updates are looked at as well, because an existing token Secret that is given another account's name, or
whose token is emptied, makes the token controller mint a new one that never expires.`,
  fix: (subject) => {
    const account = stringMembers(valueAt(subject.object, ['metadata', 'annotations'])).get(ACCOUNT_NAME);
    return `mount a projected serviceAccountToken volume; or, outside of pods: kubectl create token ${nameForCommand(account, 'ACCOUNT')} --namespace ${nameForCommand(subject.namespace, 'NAMESPACE')} --duration 1h`;
  },
  shortFix: () => 'use kubectl create token or a projected token',
  evaluate(subject) {
    if (valueAt(subject.object, ['type']) !== TOKEN_TYPE) return [];
    return [
      {
        path: '/type',
        key: 'type',
        reason: 'a token that never expires',
        detail: `"${TOKEN_TYPE}" makes a token that never expires.`,
      },
      ...(isTokenController(subject) ? [] : listMintingChanges(subject)).map((finding) => ({
        ...finding,
        // Not the check's own fix: that would mint a token of the account the Secret is pointed at.
        fix: describeDeletion(subject),
        shortFix: 'leave it as it is, or delete it',
      })),
    ];
  },
  examples: [
    {
      title: 'A Secret that asks for a long-lived token',
      level: 'baseline',
      subject: { object: tokenSecret({ [ACCOUNT_NAME]: 'ci' }) },
      expect: ['type'],
    },
    {
      title: 'A Secret that brings its own token is kept by the token controller, and refused all the same',
      level: 'restricted',
      subject: { object: { ...tokenSecret({ [ACCOUNT_NAME]: 'ci' }), data: { token: 'bm90LWEtdG9rZW4=' } } },
      expect: ['type'],
    },
    {
      title: 'An old token Secret that is pointed at another account',
      level: 'baseline',
      subject: {
        operation: 'UPDATE',
        object: tokenSecret({ [ACCOUNT_NAME]: 'admin' }),
        oldObject: { ...tokenSecret({ [ACCOUNT_NAME]: 'ci' }), data: { token: 'eA==' } },
      },
      expect: ['type', 'account-name', 'token-removed'],
    },
    {
      title: 'A label on an old token Secret: the stored object had the problem already, so it is only warned about',
      level: 'baseline',
      subject: {
        operation: 'UPDATE',
        object: tokenSecret({ [ACCOUNT_NAME]: 'ci' }),
        oldObject: tokenSecret({ [ACCOUNT_NAME]: 'ci' }),
      },
      expect: ['type'],
    },
    {
      title: 'An ordinary Secret',
      level: 'restricted',
      subject: {
        object: {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'database', namespace: 'ci' },
          type: 'Opaque',
          data: { password: 'cGFzc3dvcmQ=' },
        },
      },
      expect: 'allowed',
    },
    {
      title: 'A Secret without a type, which the API server makes Opaque',
      level: 'restricted',
      subject: { object: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'plain', namespace: 'ci' } } },
      expect: 'allowed',
    },
  ],
});

/** Changes that make the token controller mint a new token, each with a key of its own. */
function listMintingChanges(subject: Subject): readonly Finding[] {
  const { object, oldObject } = subject;
  if (oldObject === undefined) return [];
  const findings: Finding[] = [];
  const annotations = stringMembers(valueAt(object, ['metadata', 'annotations']));
  const oldAnnotations = stringMembers(valueAt(oldObject, ['metadata', 'annotations']));

  const path = annotations.size === 0 ? '/type' : '/metadata/annotations';

  const oldName = oldAnnotations.get(ACCOUNT_NAME);
  if (oldName !== undefined && annotations.get(ACCOUNT_NAME) !== oldName) {
    findings.push({
      path,
      key: 'account-name',
      reason: 'a token minted for another account',
      detail: `annotation ${ACCOUNT_NAME} changes from ${quote(oldName)} to ${quote(annotations.get(ACCOUNT_NAME) ?? '')}: a never-expiring token would be minted for that account.`,
    });
  }
  const oldUid = oldAnnotations.get(ACCOUNT_UID);
  if (oldUid !== undefined && annotations.get(ACCOUNT_UID) !== oldUid) {
    findings.push({
      path,
      key: 'account-uid',
      reason: 'a token minted for another account',
      detail: `annotation ${ACCOUNT_UID} is written by the token controller alone, and must stay ${quote(oldUid)}.`,
    });
  }
  if (hasToken(oldObject) && !hasToken(object)) {
    findings.push({
      path: '/type',
      key: 'token-removed',
      reason: 'a token minted again',
      detail: 'data.token is removed, so a new never-expiring token would be minted.',
    });
  }
  return findings;
}

function describeDeletion({ name, namespace }: Subject): string {
  return `leave this Secret as it is, or delete it: kubectl delete secret ${nameForCommand(name, 'NAME')} --namespace ${nameForCommand(namespace, 'NAMESPACE')}`;
}

/** Whether a token is there; its text is never kept. */
function hasToken(secret: JsonObject): boolean {
  const token = valueAt(secret, ['data', 'token']);
  return typeof token === 'string' && token !== '';
}

function isTokenController(subject: Subject): boolean {
  return subject.caller !== undefined && TOKEN_CONTROLLERS.includes(subject.caller.username);
}

function tokenSecret(annotations: JsonObject): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'ci-token', namespace: 'ci', annotations },
    type: TOKEN_TYPE,
  };
}
