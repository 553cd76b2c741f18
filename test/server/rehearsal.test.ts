import { expect, it } from 'vitest';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../../src/policy/configuration.ts';
import { rehearse } from '../../src/server/rehearsal.ts';

it('A rehearsal goes by the policy in force, again and again, and is through without a fault', async () => {
  const result = readConfiguration({ ...EMPTY_CONFIGURATION_FILE });
  if (!result.ok) throw new Error('an empty configuration is valid');
  let asked = 0;
  await rehearse({
    policy: () => {
      asked += 1;
      return {
        configuration: result.configuration,
        cluster: { apiAudiences: [], issuers: [] },
        ownNamespace: '',
        release: 'curfew',
      };
    },
    clock: { now: Date.now, monotonic: () => performance.now() },
  });
  // Once for the server itself, and at least once for each review: of every check and every mutation, three times.
  expect(asked).toBeGreaterThan(3 * 30);
});
