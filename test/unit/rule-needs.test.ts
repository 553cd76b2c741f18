/** What rules look up is asked for before they are called: only what they say they need is there then. */

import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../src/checks/registry.ts';
import { prepareExample, prepareMutationExample } from '../../src/engine/example-subject.ts';
import { MUTATIONS } from '../../src/mutations/registry.ts';
import { createDraft } from '../../src/objects/draft.ts';
import type { Need, RuleContext } from '../../src/objects/rule-context.ts';

/** A need says what is looked up; whether memory will do is not the rule's to see. */
const WHAT: Readonly<Record<Need, Looked>> = {
  serviceAccount: 'serviceAccount',
  freshServiceAccount: 'serviceAccount',
  freshNamespace: 'namespace',
  tokenSecrets: 'tokenSecret',
  mutatingWebhooks: 'mutatingWebhooks',
};
type Looked = 'namespace' | 'serviceAccount' | 'tokenSecret' | 'mutatingWebhooks';

/** The same context, which notes what is looked up. */
function watch<Context extends Omit<RuleContext, 'level'>>(context: Context, seen: Set<Looked>): Context {
  return {
    ...context,
    get namespace() {
      seen.add('namespace');
      return context.namespace;
    },
    serviceAccount: (name: string) => {
      seen.add('serviceAccount');
      return context.serviceAccount(name);
    },
    tokenSecret: (name: string) => {
      seen.add('tokenSecret');
      return context.tokenSecret(name);
    },
    get mutatingWebhooks() {
      seen.add('mutatingWebhooks');
      return context.mutatingWebhooks;
    },
  };
}

/** Every rule has the namespace as memory has it, whether it asks for it or not. */
function listLookedUp(seen: ReadonlySet<Looked>, needs: readonly Need[]): readonly Looked[] {
  return [...seen].filter((one) => one !== 'namespace' || needs.includes('freshNamespace')).toSorted();
}

describe.each(CHECKS.map((check) => ({ id: check.id, check })))('Check $id', ({ check }) => {
  it('looks up what it needs, and needs what it looks up', () => {
    const seen = new Set<Looked>();
    for (const example of check.examples) {
      const { subject, context, settings } = prepareExample(check, example);
      check.evaluate(subject, settings, watch({ ...context, level: example.level }, seen));
    }
    expect(listLookedUp(seen, check.needs)).toEqual(check.needs.map((need) => WHAT[need]).toSorted());
  });
});

describe.each(MUTATIONS.map((mutation) => ({ id: mutation.id, mutation })))('Mutation $id', ({ mutation }) => {
  it('looks up what it needs, and needs what it looks up', () => {
    const seen = new Set<Looked>();
    for (const example of mutation.examples) {
      const { subject, settings } = prepareMutationExample(mutation, example);
      mutation.mutate(subject, createDraft(subject.object), { ...settings, context: watch(settings.context, seen) });
    }
    expect(listLookedUp(seen, mutation.needs)).toEqual(mutation.needs.map((need) => WHAT[need]).toSorted());
  });
});
