import { beforeAll, describe, expect, it } from 'vitest';
import { CHECKS } from '../src/checks/registry.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { checkOffline, isManifest, toWords } from './check-parity.ts';
import { type ExampleCase, isAsExpected, sendExample } from './example-case.ts';
import { configurationOf } from './example-configuration.ts';
import { setUpSuite } from './suite.ts';

const CASES: readonly ExampleCase[] = CHECKS.flatMap((check) => check.examples.map((example) => ({ check, example })));

/** Examples that run under the same configuration. */
const GROUPS = Map.groupBy(CASES, (example) => JSON.stringify(configurationWithIndex(example)));

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

/** What an example does not say of Secrets is that there are none, which only the index can know. */
function configurationWithIndex(one: ExampleCase): JsonObject {
  const needsIndex = one.check.needs.includes('tokenSecrets') && one.example.context?.tokenSecrets !== 'unknown';
  return { ...configurationOf(one), ...(needsIndex ? { secretIndex: true } : {}) };
}
