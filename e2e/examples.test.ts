import { beforeAll, describe, expect, it } from 'vitest';
import { CHECKS } from '../src/checks/registry.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { checkOffline, isManifest, toWords } from './check-parity.ts';
import { type ExampleCase, isAsExpected, isClusterScoped, sendExample } from './example-case.ts';
import { setUpSuite } from './suite.ts';

const CASES: readonly ExampleCase[] = CHECKS.flatMap((check) => check.examples.map((example) => ({ check, example })));

/**
 * Sets of options that examples have, the first of each check, the second of each, and so on: what one check is told is
 * nothing to another, so one start of Curfew serves them all.
 */
const ROUNDS: readonly ReadonlyMap<string, JsonObject>[] = toRounds();

/** Examples that run under the same configuration. */
const GROUPS = Map.groupBy(CASES, (example) => JSON.stringify(configurationOf(example)));

const suite = setUpSuite({});

describe.each([...GROUPS].map(([text, cases]) => ({ text, cases })))('With $text', ({ text, cases }) => {
  beforeAll(async () => await suite.curfew.upgrade(JSON.parse(text)));

  it.concurrent.each(cases.map((one) => ({ id: one.check.id, title: one.example.title, one })))(
    '$id: $title',
    async ({ one }) => {
      const { code, stderr, manifests } = await sendExample(suite.cluster, one);
      expect({ code, stderr, asExpected: isAsExpected(one, { code, stderr }) }).toMatchObject({ asExpected: true });
      if (!isManifest(one.example)) return;
      expect(checkOffline(manifests, JSON.parse(text))).toEqual(toWords(stderr));
    },
  );
});

/** Levels of namespaces are labels; all else that an example says about the configuration is here. */
function configurationOf({ check, example }: ExampleCase): JsonObject {
  const { options, level, context, subject } = example;
  const round = options === undefined ? undefined : ROUNDS.find((sets) => sets.get(check.id) === options);
  // The level of what is in no namespace is nothing to the others, who may go with either.
  const clusterLevel = isClusterScoped(subject.object) ? level : 'restricted';
  return {
    enforceTemplates: true,
    levels: { clusterScoped: { enforce: clusterLevel, warn: clusterLevel } },
    // What an example does not say of Secrets is that there are none, which only the index can know.
    ...(check.needs.includes('tokenSecrets') && context?.tokenSecrets !== 'unknown' ? { secretIndex: true } : {}),
    ...(round === undefined ? {} : { checks: Object.fromEntries(round) }),
    ...(context?.acceptApiAccessFrom === undefined ? {} : { apiAccess: { acceptFrom: context.acceptApiAccessFrom } }),
  };
}

function toRounds(): readonly ReadonlyMap<string, JsonObject>[] {
  const rounds: Map<string, JsonObject>[] = [];
  for (const check of CHECKS) {
    const sets = check.examples.flatMap(({ options }) => (options === undefined ? [] : [options]));
    for (const [index, set] of sets.entries()) {
      rounds[index] ??= new Map();
      rounds[index].set(check.id, set);
    }
  }
  return rounds;
}
