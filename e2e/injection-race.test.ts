import { beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../src/kube/client.ts';
import { member, valueAt } from '../src/objects/json.ts';
import { type ApiObjects, createApiObjects, inParallel } from './api-objects.ts';
import { setUpSuite } from './suite.ts';
import { deployment, pod } from './test-cluster.ts';
import { hasVaultToken, serviceAccount, VAULT } from './token-asks.ts';

const suite = setUpSuite({ levels: { warn: 'off' } });

const ROLE = 'arn:aws:iam::111122223333:role/web';
const ACCOUNTS = 500;
const AT_ONCE = 50;
/** What may be absent in a namespace at once, and each second from then on (`src/kube/absence-budget.ts`). */
const ABSENCES = { burst: 100, perSecond: 10 };

let api: ApiObjects;
beforeAll(async () => {
  api = createApiObjects(await connect({ kubeconfig: suite.cluster.kubeconfig }));
});

describe('A pod made at once after its service account', () => {
  it(`has its token, ${ACCOUNTS} times out of ${ACCOUNTS}`, async () => {
    const namespace = await suite.cluster.createNamespace();
    const without = await listWithoutToken(ACCOUNTS, async (name) => {
      await api.mustCreate('serviceaccounts', namespace, serviceAccount(name, VAULT));
      return await api.mustCreate('pods', namespace, pod(name, { serviceAccountName: name }));
    });
    expect(without).toEqual([]);
  });

  it('has its token where the account was in the index and was annotated a moment ago', async () => {
    const namespace = await suite.cluster.createNamespace();
    await inParallel({ count: ACCOUNTS, atOnce: AT_ONCE }, async (index) => {
      await api.mustCreate('serviceaccounts', namespace, serviceAccount(`web-${index}`));
    });
    const without = await listWithoutToken(ACCOUNTS, async (name) => {
      await api.annotate('serviceaccounts', { namespace, name }, VAULT);
      return await api.mustCreate('pods', namespace, pod(name, { serviceAccountName: name }));
    });
    expect(without).toEqual([]);
  });

  it('has the newest role, each time that its account is given another one', async () => {
    const namespace = await suite.cluster.createNamespace();
    await api.mustCreate('serviceaccounts', namespace, serviceAccount('turns'));
    const asking = { 'tokens.curfew.dev/aws': '{preset: aws-irsa}' };
    for (let round = 0; round < 50; round += 1) {
      const role = `${ROLE}-${round}`;
      await api.annotate('serviceaccounts', { namespace, name: 'turns' }, { 'eks.amazonaws.com/role-arn': role });
      const object = {
        ...pod('turns', { serviceAccountName: 'turns' }),
        metadata: { name: `turns-${round}`, annotations: asking },
      };
      const stored = await api.mustCreate('pods', namespace, object);
      expect(valueAt(stored, ['spec', 'containers', 0, 'env', 0])).toEqual({ name: 'AWS_ROLE_ARN', value: role });
    }
  });
});

describe('Names of service accounts that do not exist', () => {
  it('are refused by the API server before Curfew hears of a pod that has one', async () => {
    const namespace = await suite.cluster.createNamespace();
    const before = await countReviews('/mutate/pods');
    const { status, body } = await api.create('pods', namespace, pod('web', { serviceAccountName: 'nobody' }));
    expect({ status, message: member(body, 'message') }).toEqual({
      status: 403,
      message: `pods "web" is forbidden: error looking up service account ${namespace}/nobody: serviceaccount "nobody" not found`,
    });
    expect(await countReviews('/mutate/pods')).toBe(before);
  });

  it('in templates cost the API server no more than a bounded number of reads, and nobody his Deployment', async () => {
    const namespace = await suite.cluster.createNamespace();
    const before = await suite.curfew.metric('curfew_live_reads_total{outcome="absent"}');
    const reviewed = await countReviews('/validate/review');
    const started = performance.now();
    const statuses = await inParallel({ count: ACCOUNTS, atOnce: AT_ONCE }, async (index) => {
      const object = deployment('web', { serviceAccountName: `nobody-${index}` });
      return (await api.create('apps/v1/deployments', namespace, object, { isDryRun: true })).status;
    });
    const seconds = (performance.now() - started) / 1000;
    expect(new Set(statuses)).toEqual(new Set([201]));
    expect((await countReviews('/validate/review')) - reviewed).toBeGreaterThanOrEqual(ACCOUNTS);
    const asked = (await suite.curfew.metric('curfew_live_reads_total{outcome="absent"}')) - before;
    // What is in flight when the last of them is spent comes on top.
    expect(asked).toBeLessThanOrEqual(ABSENCES.burst + ABSENCES.perSecond * seconds + AT_ONCE);
    expect(asked).toBeGreaterThanOrEqual(ABSENCES.burst);

    // Meanwhile a real account of this namespace is heard.
    await api.mustCreate('serviceaccounts', namespace, serviceAccount('real', VAULT));
    const stored = await api.mustCreate('pods', namespace, pod('real', { serviceAccountName: 'real' }));
    expect(hasVaultToken(stored)).toBe(true);
  });
});

/** The names for which `make` gave a pod without the token. */
async function listWithoutToken(count: number, make: (name: string) => Promise<unknown>): Promise<readonly string[]> {
  const stored = await inParallel({ count, atOnce: AT_ONCE }, async (index) => await make(`web-${index}`));
  return stored.flatMap((one, index) => (hasVaultToken(one) ? [] : [`web-${index}`]));
}

async function countReviews(entry: string): Promise<number> {
  return await suite.curfew.metric(`curfew_review_duration_seconds_count{entry="${entry}"`);
}
