import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/objects/json.ts';
import { IS_LONG } from '../test/long.ts';
import { fc, SEED } from '../test/properties.ts';
import { colliding } from '../test/unit/mutations/random-pods.ts';
import { setUpSuite } from './suite.ts';

const suite = setUpSuite({ levels: { warn: 'off' } });

const PODS = IS_LONG ? 500 : 60;
const BATCH = 20;

describe('Pods that are in the way of their tokens in every way we could think of', () => {
  it(`are refused by a sentence of ours or taken by the API server, ${PODS} of them`, async () => {
    // Injection alone, and all mutations together.
    const namespaces = [
      await suite.cluster.createNamespace(),
      await suite.cluster.createNamespace({ 'curfew.dev/mutate': 'restricted' }),
    ];
    const pods = fc.sample(colliding, { numRuns: PODS, seed: SEED });
    const outcomes = { admitted: 0, denied: 0, capped: 0 };
    for (let from = 0; from < pods.length; from += BATCH) {
      const batch = pods.slice(from, from + BATCH).map((one, index) => {
        return { ...one, metadata: { ...(one['metadata'] as JsonObject), name: `web-${from + index}` } };
      });
      const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: batch });
      const namespace = namespaces[(from / BATCH) % namespaces.length] ?? '';
      const shown = '{.metadata.name} {.metadata.annotations.curfew\\.dev/mutated-by}{"\\n"}';
      const args = ['create', '-n', namespace, '-f', '-', '--dry-run=server', '-o', `jsonpath=${shown}`];
      const { stdout, stderr } = await suite.cluster.kubectl.run(args, { input });
      const admitted = stdout.match(/^web-[0-9]+ .*$/gm)?.length ?? 0;
      outcomes.capped += stdout.match(/cap-token-lifetime/g)?.length ?? 0;
      const denied = stderr.match(/^Pod [^ ]+: [0-9]+ problems?$/gm)?.length ?? 0;
      expect({ seed: SEED, stderr, told: admitted + denied }).toMatchObject({ seed: SEED, told: batch.length });
      for (const word of [' is invalid', 'InternalError', 'failed calling webhook']) expect(stderr).not.toContain(word);
      outcomes.admitted += admitted;
      outcomes.denied += denied;
    }
    // Neither half of the property is empty; among few pods there may be none whose own token is too long.
    expect(Math.min(outcomes.admitted, outcomes.denied)).toBeGreaterThan(PODS / 20);
    if (IS_LONG) expect(outcomes.capped).toBeGreaterThan(0);
    console.log(`${PODS} pods, seed ${SEED}: ${JSON.stringify(outcomes)}`);
  });
});
