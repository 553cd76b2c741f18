/** Audit reports of clusters that are not there: always the same for a seed, with every section, of any size. */

import { CHECKS } from '../src/checks/registry.ts';
import type { AuditView } from '../src/reports/audit-view.ts';
import { createAccess, createScorecard, PARTS } from './audit-report-access.ts';
import type { Random } from './seeded-random.ts';
import { createRandom } from './seeded-random.ts';

/** A report that has all sections, so that a section which a type gains is missing here first. */
export type WholeReport = { readonly [Key in keyof Required<AuditView>]: NonNullable<AuditView[Key]> };

const TEAMS = [
  'shop',
  'payments',
  'search',
  'billing',
  'ci',
  'monitoring',
  'ingress',
  'logging',
  'auth',
  'catalog',
] as const;
const KINDS = ['Deployment', 'StatefulSet', 'DaemonSet', 'CronJob', 'Pod'] as const;
const RBAC_KINDS = ['Role', 'ClusterRole', 'RoleBinding'] as const;
const CONTAINERS = ['app', 'proxy', 'sidecar'] as const;
const YEAR_SECONDS = 31_536_000;
const SERVER = 'https://api.prod-eu-1.example:6443';

/** With about `size` findings, and other sections in proportion. */
export function createReport(size: number, seed = 1): WholeReport {
  const random = createRandom(seed);
  const namespaceCount = Math.max(3, Math.min(120, Math.ceil(size / 30)));
  const namespaces = Array.from({ length: namespaceCount }, (_, index) => {
    const team = TEAMS[index % TEAMS.length] ?? 'shop';
    return index < TEAMS.length ? team : `${team}-${Math.floor(index / TEAMS.length) + 1}`;
  });
  const at = (): string =>
    namespaces[Math.floor(random.below(namespaces.length) ** 1.4 / namespaces.length ** 0.4)] ?? 'shop';
  const many = <Item>(count: number, make: (index: number) => Item): readonly Item[] =>
    Array.from({ length: count }, (_, index) => make(index));
  const findings = many(size, (index) => createFinding(random, { namespace: at(), index }));
  const longLivedSecrets = many(Math.ceil(size / 40), (index) => createSecret(random, { namespace: at(), index }));
  const access = createAccess(random, { count: Math.min(200, Math.ceil(size / 10)), at });
  const inMode = (mode: string) => findings.filter((finding) => finding.mode === mode).length;
  return {
    apiVersion: 'curfew.dev/v1alpha1',
    kind: 'AuditReport',
    cluster: SERVER,
    takenAt: '2026-11-26T09:00:00Z',
    curfewVersion: '0.1.0',
    kubernetesVersion: 'v1.36.3',
    findings,
    undecided: many(Math.ceil(size / 100), (index) => ({
      check: 'long-lived-token-mount',
      object: { apiVersion: 'v1', kind: 'Pod', namespace: at(), name: `unknown-${index}` },
      couldDeny: true,
      detail: 'whether Secret "credentials" holds a service account token is not known.',
    })),
    faults: [{ message: '/api/v1/configmaps cannot be listed: HTTP 403 Forbidden: configmaps is forbidden' }],
    longLivedSecrets,
    limits: { measured: true, issuer: SERVER, apiAudiences: [SERVER], maximumSeconds: 86_400, extendsTo: YEAR_SECONDS },
    tokens: many(Math.ceil(size / 4), (index) => createToken(random, { namespace: at(), index })),
    accounts: many(Math.ceil(size / 6), (index) => createAccount(random, { namespace: at(), index })),
    restarts: many(Math.ceil(size / 15), (index) => {
      const [namespace, name] = [at(), `${random.pick(PARTS)}-${index}`];
      return {
        order: index + 1,
        namespace,
        owner: { kind: 'Deployment', name },
        pods: 1 + random.below(9),
        why: 'its API token is valid for a year',
        command: `kubectl rollout restart deployment/${name} --namespace ${namespace}`,
      };
    }),
    access,
    podSecurity: namespaces.map((namespace) => {
      const enforce = random.pick(['baseline', 'restricted', 'privileged', undefined]);
      const enforced = enforce === undefined ? {} : { enforce };
      return { namespace, ...enforced, warn: 'restricted', ok: enforce === 'baseline' || enforce === 'restricted' };
    }),
    foreign: {
      injectors: [
        { name: 'vault-agent-injector-cfg', webhook: 'vault.hashicorp.com', knownAs: 'Vault Agent Injector' },
      ],
      policies: [
        {
          engine: 'kyverno',
          name: 'restrict-automount-sa-token',
          overlaps: ['pod-automount'],
          detail: 'validates automountServiceAccountToken of pods',
        },
      ],
    },
    scorecard: createScorecard(random),
    summary: {
      namespaces: namespaces.length,
      judged: 3 * size + 20,
      denied: findings.filter(({ denied }) => denied).length,
      enforce: inMode('enforce'),
      warn: inMode('warn'),
      audit: inMode('audit'),
      exempted: Math.floor(size / 50),
      undecided: Math.ceil(size / 100),
      longLivedSecrets: longLivedSecrets.length,
      faults: 1,
    },
  };
}

/** Of a cluster in which everything is as it should be. */
export function createEmptyReport(): WholeReport {
  const report = createReport(30);
  return {
    ...report,
    findings: [],
    undecided: [],
    faults: [],
    longLivedSecrets: [],
    tokens: [],
    accounts: [],
    restarts: [],
    podSecurity: [],
    access: { ...report.access, paths: [], blastRadius: [], more: 0, complete: true },
    foreign: { injectors: [], policies: [] },
    scorecard: report.scorecard.map((line) => ({
      ...line,
      verdict: 'pass' as const,
      objects: [],
      more: 0,
      detail: 'It is so.',
    })),
    summary: {
      ...report.summary,
      denied: 0,
      enforce: 0,
      warn: 0,
      audit: 0,
      exempted: 0,
      undecided: 0,
      longLivedSecrets: 0,
      faults: 0,
    },
  };
}

type Made = { readonly namespace: string; readonly index: number };

function createFinding(random: Random, { namespace, index }: Made): WholeReport['findings'][number] {
  const check = CHECKS[Math.floor((random.below(100) ** 2 / 10_000) * CHECKS.length)] ?? { id: 'pod-automount' };
  const mode = random.pick(['enforce', 'warn', 'warn', 'audit'] as const);
  const isRbac = check.id.startsWith('rbac-');
  const kind = isRbac ? random.pick(RBAC_KINDS) : random.pick(KINDS);
  const name = `${random.pick(PARTS)}-${index}`;
  const container = random.pick(CONTAINERS);
  const isCluster = kind === 'ClusterRole';
  return {
    check: check.id,
    level: mode === 'enforce' ? 'baseline' : 'restricted',
    mode,
    denied: mode === 'enforce',
    object: {
      apiVersion: isRbac ? 'rbac.authorization.k8s.io/v1' : 'apps/v1',
      kind,
      namespace: isCluster ? '' : namespace,
      name,
    },
    path: isRbac ? `/rules/${index % 4}` : '/spec/template/spec/automountServiceAccountToken',
    ...(isRbac ? {} : { container }),
    reason: isRbac ? 'a right over tokens of others' : 'an API token that nobody documented',
    detail: isRbac
      ? `rules[${index % 4}] allows more than it names.`
      : `automountServiceAccountToken is not false, and account "${name}" does not say why it needs the API.`,
    fix: isRbac
      ? 'Name the objects in resourceNames, or take the rule away.'
      : 'Set automountServiceAccountToken: false, or say why in curfew.dev/api-access on the account.',
  };
}

function createSecret(random: Random, { namespace, index }: Made): WholeReport['longLivedSecrets'][number] {
  const account = random.pick(PARTS);
  const isUsed = random.below(3) > 0;
  return {
    namespace,
    name: `${account}-token-${index}`,
    account,
    createdAt: `20${20 + random.below(6)}-0${1 + random.below(9)}-14T08:00:00Z`,
    ...(isUsed ? { lastUsed: '2026-11-20' } : {}),
    ...(random.below(6) === 0 ? { invalidSince: '2026-10-01' } : {}),
    ageDays: 100 + random.below(2_000),
    usedBy: isUsed ? [{ kind: 'Deployment', namespace, name: account, how: 'volume' }] : [],
    cleaning: 'never',
    cleaningReason: 'It was made by hand, and Kubernetes cleans only those that it made itself.',
  };
}

function createToken(random: Random, { namespace, index }: Made): WholeReport['tokens'][number] {
  const source = random.pick(['default', 'default', 'default', 'projected', 'secret'] as const);
  const isDefault = source === 'default';
  const asked = isDefault ? random.pick([3607, 3607, 3600]) : random.pick([600, 3600, 43_200, 604_800]);
  const name = `${random.pick(PARTS)}-${index}`;
  const audience =
    isDefault || source === 'secret' ? {} : { audience: random.pick(['vault', 'sts.amazonaws.com', 'kafka']) };
  return {
    namespace,
    owner: { kind: random.pick(KINDS), name },
    account: random.pick(PARTS),
    pods: 1 + random.below(6),
    containers: ['app', ...(random.below(3) === 0 ? ['proxy'] : [])],
    source,
    ...(source === 'secret' ? { secret: `${name}-token` } : { volume: isDefault ? 'kube-api-access-x7k2p' : 'token' }),
    ...audience,
    reachesApi: source !== 'projected',
    ...(source === 'secret' ? {} : { askedSeconds: asked, trueSeconds: asked === 3607 ? YEAR_SECONDS : asked }),
    never: source === 'secret',
    fromBefore: asked === 3607 && isDefault,
  };
}

function createAccount(random: Random, { namespace, index }: Made): WholeReport['accounts'][number] {
  return {
    namespace,
    name: `${random.pick(PARTS)}-${index}`,
    automount: random.pick([true, false, 'unset'] as const),
    podsWithToken: random.below(4),
    ...(random.below(4) === 0 ? { documented: 'reads its own leader election lease' } : {}),
    hasRights: random.below(3) === 0,
    identities: random.below(5) === 0 ? ['aws-irsa'] : [],
  };
}
