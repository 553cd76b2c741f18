import { Type } from 'typebox';
import { exampleServiceAccount } from '../objects/example-objects.ts';
import type { JsonObject } from '../objects/json.ts';
import { asArray, asString, member, toPointer } from '../objects/json.ts';
import type { Subject } from '../objects/subject.ts';
import { joinNames, nameForCommand, quote } from '../objects/text.ts';
import type { Outcome } from './define-check.ts';
import { defineCheck } from './define-check.ts';

export default defineCheck({
  id: 'service-account-secrets',
  since: '0.1',
  levels: { baseline: {}, restricted: {} },
  options: Type.Object({}, { additionalProperties: false }),
  defaults: {},
  reads: [{ group: '', resource: 'serviceaccounts', operations: ['CREATE', 'UPDATE'] }],
  needs: ['tokenSecrets'],
  title: 'token Secrets that are added to the `secrets` of a service account',
  why: `Until Kubernetes 1.23 the field secrets named the never-expiring token that every account had. Nothing in
Kubernetes fills it any more, but scripts and old tools still take the first entry for the account's token. Adding one
brings that token back into use, where kubectl create token gives one that expires.

Which Secrets hold such a token is known only with the index of token Secrets (secretIndex: true in the configuration),
which is off by default. Without it every addition is warned about, and none is refused.`,
  fix: (subject) =>
    `leave it out of secrets; a short-lived token is made by: kubectl create token ${nameForCommand(subject.name, 'NAME')} --namespace ${nameForCommand(subject.namespace, 'NAMESPACE')} --duration 1h`,
  shortFix: () => 'use kubectl create token',
  evaluate(subject, _settings, context) {
    const outcomes: Outcome[] = [];
    const unknown: string[] = [];
    let why = '';
    for (const [name, index] of listAddedSecrets(subject)) {
      const lookup = context.tokenSecret(name);
      if (lookup.state === 'unknown') {
        unknown.push(name);
        ({ why } = lookup);
      }
      if (lookup.state !== 'found') continue;
      outcomes.push({
        path: toPointer(['secrets', index]),
        key: name,
        reason: 'a token that never expires',
        detail: `Secret ${quote(name)} in secrets holds a token of service account ${lookup.value.namespace}/${lookup.value.account} that never expires.`,
      });
    }
    if (unknown.length > 0) {
      outcomes.push({
        undecided: true,
        needs: 'tokenSecrets',
        detail: `cannot tell whether ${joinNames('Secret', unknown)} in secrets holds a never-expiring token: ${why}`,
      });
    }
    return outcomes;
  },
  examples: [
    {
      title: 'A new service account with a token Secret',
      level: 'baseline',
      subject: { object: exampleServiceAccount({ secrets: [{ name: 'ci-token' }] }) },
      context: { tokenSecrets: { 'ci-token': 'ci' } },
      expect: ['ci-token'],
    },
    {
      title: 'An update that adds a token Secret to others',
      level: 'restricted',
      subject: {
        operation: 'UPDATE',
        object: exampleServiceAccount({ secrets: [{ name: 'database' }, { name: 'ci-token' }] }),
        oldObject: exampleServiceAccount({ secrets: [{ name: 'database' }] }),
      },
      context: { tokenSecrets: { 'ci-token': 'ci' } },
      expect: ['ci-token'],
    },
    {
      title: 'An update that adds a label to an account with an old token Secret',
      level: 'restricted',
      subject: {
        operation: 'UPDATE',
        object: exampleServiceAccount({ secrets: [{ name: 'ci-token' }] }, { team: 'shop' }),
        oldObject: exampleServiceAccount({ secrets: [{ name: 'ci-token' }] }),
      },
      context: { tokenSecrets: { 'ci-token': 'ci' } },
      expect: 'allowed',
    },
    {
      title: 'An ordinary Secret',
      level: 'restricted',
      subject: { object: exampleServiceAccount({ secrets: [{ name: 'database' }] }) },
      context: { tokenSecrets: { 'ci-token': 'ci' } },
      expect: 'allowed',
    },
    {
      title: 'A service account without Secrets',
      level: 'restricted',
      subject: { object: exampleServiceAccount() },
      context: { tokenSecrets: 'unknown' },
      expect: 'allowed',
    },
    {
      title: 'Any Secret, without the index',
      level: 'baseline',
      subject: { object: exampleServiceAccount({ secrets: [{ name: 'database' }] }) },
      context: { tokenSecrets: 'unknown' },
      expect: 'undecided',
    },
  ],
});

/** Names that the stored object does not have, each with its first index. */
function listAddedSecrets({ object, oldObject }: Subject): ReadonlyMap<string, number> {
  const added = indexSecrets(object);
  for (const known of indexSecrets(oldObject ?? {}).keys()) added.delete(known);
  return added;
}

function indexSecrets(account: JsonObject): Map<string, number> {
  const names = new Map<string, number>();
  for (const [index, secret] of asArray(member(account, 'secrets')).entries()) {
    const name = asString(member(secret, 'name'));
    if (name !== undefined && !names.has(name)) names.set(name, index);
  }
  return names;
}
