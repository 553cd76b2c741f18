/** Who reaches whom in a cluster that is not there, and its scorecard. */

import type { AuditView } from '../src/reports/audit-view.ts';
import type { Random } from './seeded-random.ts';

type Access = NonNullable<AuditView['access']>;
type Score = NonNullable<AuditView['scorecard']>;

export const PARTS = [
  'api',
  'worker',
  'frontend',
  'cron',
  'gateway',
  'importer',
  'exporter',
  'scheduler',
  'operator',
] as const;

export function createAccess(
  random: Random,
  { count, at }: { readonly count: number; readonly at: () => string },
): Access {
  const accountOf = (namespace: string) => ({ kind: 'ServiceAccount' as const, namespace, name: random.pick(PARTS) });
  const paths = Array.from({ length: count }, (_, index): Access['paths'][number] => {
    const namespace = at();
    const who = random.below(4);
    const from =
      who === 0
        ? { kind: 'Group' as const, name: `${namespace}-developers` }
        : who === 1
          ? { kind: 'User' as const, name: `${random.pick(['jane', 'bob', 'ci-bot'])}@example.org` }
          : accountOf(namespace);
    const middle = accountOf(random.below(3) === 0 ? at() : namespace);
    const through = (name: string) => ({
      kind: 'Role' as const,
      namespace,
      name,
      binding: { kind: 'RoleBinding' as const, namespace, name },
    });
    const how = random.pick([
      'token-request',
      'secret-read',
      'pod-create',
      'workload-create',
      'pod-exec',
      'impersonate',
    ] as const);
    const first = { how, through: through(`${namespace}-edit`), right: `${RIGHTS[how]} in ${namespace}`, to: middle };
    if (index % 3 !== 0) {
      const to = { namespace: middle.namespace, name: middle.name };
      return {
        from,
        to,
        steps: [first],
        sentence: `${from.name} can get a token of ${to.namespace}/${to.name}: ${first.right}.`,
      };
    }
    const last = {
      how: random.pick(['escalate', 'bind', 'node-proxy'] as const),
      through: through('operator'),
      right: 'bind clusterroles',
      to: 'cluster-admin',
    };
    const sentence = `${from.name} becomes cluster-admin through ${middle.namespace}/${middle.name}: ${first.right}, then ${last.right}.`;
    return { from, to: 'cluster-admin', steps: [first, last], sentence };
  }).toSorted((a, b) => Number(b.to === 'cluster-admin') - Number(a.to === 'cluster-admin'));
  return {
    complete: count === 0,
    paths,
    more: count > 100 ? 312 : 0,
    blastRadius: paths.slice(0, 40).map(({ steps }) => ({
      account: accountOf(at()),
      reaches: random.below(60),
      clusterAdmin: steps.length > 1,
      reachedBy: random.below(12),
      namespaces: 1 + random.below(9),
      podsRunning: random.below(20),
    })),
    blastRadiusMore: 0,
    subjects: 400,
    bindings: 310,
    rules: 1_900,
  };
}

const RIGHTS = {
  'token-request': 'create serviceaccounts/token',
  'secret-read': 'list secrets',
  'pod-create': 'create pods',
  'workload-create': 'create deployments',
  'pod-exec': 'create pods/exec',
  impersonate: 'impersonate serviceaccounts',
} as const;

const SCORE_TITLES = [
  'No Secret holds a token without an end',
  'Pods that do not use the API have no token of it',
  'No workload runs as the default account',
  'API tokens live an hour and not a year',
  'Tokens for other services have an audience',
  'Nobody but controllers may ask for tokens of others',
  'Nobody may read Secrets of a whole namespace',
  'No account is cluster-admin',
  'Nobody may impersonate, bind or escalate',
  'Namespaces hold Pod Security at baseline',
  'Requests are written to an audit log',
  'Secrets are encrypted at rest',
] as const;

function createScoreLine(
  random: Random,
  { title, index }: { readonly title: string; readonly index: number },
): Score[number] {
  const line = index + 1;
  if (line > 10)
    return {
      line,
      title,
      verdict: 'not-visible',
      detail: 'The API does not show it; look at the flags of the API server.',
      objects: [],
      more: 0,
    };
  if (random.below(2) === 0) return { line, title, verdict: 'pass', detail: 'It is so.', objects: [], more: 0 };
  return {
    line,
    title,
    verdict: 'fail',
    detail: 'Not for',
    objects: ['api', 'worker', 'cron', 'gateway'].map((name) => ({ kind: 'Deployment', namespace: 'shop', name })),
    more: random.below(30),
  };
}

export function createScorecard(random: Random): Score {
  return SCORE_TITLES.map((title, index) => createScoreLine(random, { title, index }));
}
