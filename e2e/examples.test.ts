import { beforeAll, describe, expect, it } from 'vitest';
import { CHECKS } from '../src/checks/registry.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { type ExampleCase, isAsExpected, sendExample } from './example-case.ts';
import { setUpSuite } from './suite.ts';

const CASES: readonly ExampleCase[] = CHECKS.flatMap((check) => check.examples.map((example) => ({ check, example })));

/** Examples that run under the same configuration, so that Curfew starts once for all of them. */
const GROUPS = Map.groupBy(CASES, (example) => JSON.stringify(configurationOf(example)));

const suite = setUpSuite({});

describe.each([...GROUPS].map(([text, cases]) => ({ text, cases })))('With $text', ({ text, cases }) => {
  beforeAll(async () => await suite.curfew.upgrade(JSON.parse(text)));

  it.concurrent.each(cases.map((one) => ({ id: one.check.id, title: one.example.title, one })))(
    '$id: $title',
    async ({ one }) => {
      const { code, stderr } = await sendExample(suite.cluster, one);
      expect({ code, stderr, asExpected: isAsExpected(one, { code, stderr }) }).toMatchObject({ asExpected: true });
    },
  );
});

/** Levels of namespaces are labels; all else that an example says about the configuration is here. */
function configurationOf({ check, example }: ExampleCase): JsonObject {
  const { options, level, context } = example;
  return {
    enforceTemplates: true,
    levels: { clusterScoped: { enforce: level, warn: level } },
    // What an example does not say of Secrets is that there are none, which only the index can know.
    ...(check.needs.includes('tokenSecrets') && context?.tokenSecrets !== 'unknown' ? { secretIndex: true } : {}),
    ...(options === undefined ? {} : { checks: { [check.id]: options } }),
    ...(context?.acceptApiAccessFrom === undefined ? {} : { apiAccess: { acceptFrom: context.acceptApiAccessFrom } }),
  };
}
