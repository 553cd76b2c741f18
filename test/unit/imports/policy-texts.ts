/** Policies as text, and the command that reads them. */

import { runWith } from '../cli/run-command.ts';

const RULE = {
  kinds: ['Secret'],
  validate: { pattern: { type: '!kubernetes.io/service-account-token' } } as object,
};

/** A ClusterPolicy with one rule. */
export function policyOf(spec: object, rule: object = {}, name = 'a'): string {
  const { kinds, validate } = RULE;
  const match = { any: [{ resources: { kinds } }] };
  return JSON.stringify({
    apiVersion: 'kyverno.io/v1',
    kind: 'ClusterPolicy',
    metadata: { name },
    spec: { validationFailureAction: 'Enforce', rules: [{ name: 'one', match, validate, ...rule }], ...spec },
  });
}

export const importText = (engine: string, ...texts: readonly string[]) =>
  runWith({ input: texts.join('\n---\n') }, 'import', engine, '-');
