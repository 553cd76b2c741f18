import { beforeAll, describe, expect, it } from 'vitest';
import type { Mutation, MutationExample } from '../src/mutations/define-mutation.ts';
import { ASKED_FOR } from '../src/mutations/define-mutation.ts';
import { MUTATIONS } from '../src/mutations/registry.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { asString, valueAt } from '../src/objects/json.ts';
import { MUTATED_BY_ANNOTATION } from '../src/policy/labels.ts';
import { resolvePointer } from '../test/unit/json-pointer.ts';
import { setUpSuite } from './suite.ts';

type Case = { readonly mutation: Mutation; readonly example: MutationExample };

/**
 * Of pods; service accounts, token requests and registered webhooks have tests of their own, and the namespace `shop` is
 * not there.
 */
const CASES: readonly Case[] = MUTATIONS.flatMap((mutation) =>
  mutation.examples
    .filter(({ subject }) => subject.object['kind'] === 'Pod')
    .filter(({ options, context }) => (options?.['namespaces'] ?? context?.mutatingWebhooks) === undefined)
    .map((example) => ({ mutation, example })),
);

/** Examples that run under the same configuration. */
const GROUPS = Map.groupBy(CASES, (one) => JSON.stringify(configurationOf(one)));

const suite = setUpSuite({});

describe.each([...GROUPS].map(([text, cases]) => ({ text, cases })))('With $text', ({ text, cases }) => {
  beforeAll(async () => await suite.curfew.upgrade(JSON.parse(text)));

  it.concurrent.each(cases.map((one) => ({ id: one.mutation.id, title: one.example.title, one })))(
    '$id: $title',
    async ({ one }) => {
      const { mutation, example } = one;
      const { code, stdout, stderr } = await create(one);
      if (example.expect === 'refused') {
        expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`  ${mutation.id} at /`) });
        return;
      }
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const made = JSON.parse(stdout) as JsonObject;
      const by = asString(valueAt(made, ['metadata', 'annotations', MUTATED_BY_ANNOTATION]))?.split(',') ?? [];
      expect(by.includes(mutation.id)).toBe(example.expect !== 'unchanged');
      const wanted = Object.entries(typeof example.expect === 'object' ? example.expect : {});
      expect(wanted.map(([pointer]) => [pointer, resolvePointer(made, pointer)])).toEqual(
        wanted.map(([pointer, value]) => [pointer, value ?? undefined]),
      );
    },
  );
});

function configurationOf({ mutation, example }: Case): JsonObject {
  const { options, checkOptions, context } = example;
  return {
    levels: { warn: 'off' },
    ...(options === undefined ? {} : { mutations: { [mutation.id]: options } }),
    ...(checkOptions === undefined ? {} : { checks: { [mutation.mends ?? '']: checkOptions } }),
    ...(context?.acceptApiAccessFrom === undefined ? {} : { apiAccess: { acceptFrom: context.acceptApiAccessFrom } }),
  };
}

/** In a namespace of the mutation's level where nothing is enforced, with the account and the annotations it names. */
async function create({ mutation: { level }, example: { subject, context = {} } }: Case) {
  const labels = { 'curfew.dev/enforce': 'off', 'curfew.dev/mutate': level === ASKED_FOR ? 'off' : level };
  const metadata = (valueAt(context.namespace, ['metadata']) ?? {}) as JsonObject;
  const namespace = await suite.cluster.createNamespace(labels, { metadata, withoutAccount: true });
  const account = typeof context.serviceAccount === 'object' ? context.serviceAccount : {};
  const named = { apiVersion: 'v1', kind: 'ServiceAccount', ...place(account, namespace, 'web') };
  await suite.cluster.store(named);
  const args = ['create', '-f', '-', '--dry-run=server', '-o', 'json'];
  return await suite.cluster.kubectl.run(args, { input: JSON.stringify(place(subject.object, namespace, 'web')) });
}

function place(object: JsonObject, namespace: string, name: string): JsonObject {
  return { ...object, metadata: { name, ...((object['metadata'] ?? {}) as JsonObject), namespace } };
}
