/** Makes the sections of the report of what was gathered. */

import type { AccessReport } from '../access/access-report.ts';
import type { World } from '../manifests/world.ts';
import type { JsonValue } from '../objects/json.ts';
import { asArray, member } from '../objects/json.ts';
import type { Subject } from '../objects/subject.ts';
import { toServiceAccountView } from '../objects/views.ts';
import { LEVEL_LABELS } from '../policy/labels.ts';
import { isLeftAlone, SYSTEM_NAMESPACE } from '../policy/scope.ts';
import { describeAccount } from './account-access.ts';
import type { AuditOptions } from './audit-cluster.ts';
import type { AuditReport } from './audit-report.ts';
import type { Gathered } from './gathered.ts';
import { describeLongLived } from './long-lived-secrets.ts';
import { listMountedTokens } from './mounted-tokens.ts';
import { describePodSecurity } from './pod-security.ts';
import type { ClusterFault } from './read-cluster.ts';
import type { Evidence } from './read-evidence.ts';
import type { ForeignReading } from './read-foreign.ts';
import { listRestarts } from './restarts.ts';
import { findRisks, listBoundRoles } from './rights-book.ts';
import type { ScoreFacts } from './score-facts.ts';
import { scoreCluster } from './scorecard.ts';

export type SectionFacts = {
  readonly options: AuditOptions;
  /** Namespaces, accounts and token Secrets that are looked at. */
  readonly setting: readonly Subject[];
  readonly world: World;
  /** Labels and annotations that are kept of accounts. */
  readonly keys: ReadonlySet<string>;
  readonly gathered: Gathered;
  readonly foreign: ForeignReading;
  readonly evidence: Pick<Evidence, 'alerts' | 'egressNamespaces'>;
  readonly access: AccessReport;
  readonly faults: readonly ClusterFault[];
};

type Sections = Pick<
  AuditReport,
  'limits' | 'tokens' | 'restarts' | 'longLivedSecrets' | 'accounts' | 'podSecurity' | 'foreign' | 'scorecard'
>;

export function buildSections(facts: SectionFacts): Sections {
  const { options, setting, world, keys, gathered, foreign, faults } = facts;
  const { limits, configuration, now } = options;
  const { pods, owners, rights, uses, uids, onDelete } = gathered;
  const ofKind = (kind: string) => setting.filter((subject) => subject.kind === kind);
  const tokens = listMountedTokens(pods.held.values(), { owners, limits });
  const accounts = ofKind('ServiceAccount')
    .flatMap(({ object }) => toServiceAccountView(object, keys) ?? [])
    .map((view) =>
      describeAccount(view, {
        rights,
        podsByAccount: pods.byAccount,
        namespace: world.namespace,
        acceptFrom: configuration.apiAccess.acceptFrom,
      }),
    );
  const longLivedSecrets = ofKind('Secret').map((secret) =>
    describeLongLived(secret, {
      uses,
      uidOfAccount: (namespace, name) => uids.get(`${namespace}/${name}`),
      isWhole: faults.every(({ resource }) => resource !== 'serviceaccounts' && resource !== 'pods'),
      now,
    }),
  );
  const podSecurity = ofKind('Namespace').map(describePodSecurity);
  return {
    limits,
    tokens,
    restarts: listRestarts(pods.before.values(), {
      owners,
      limits,
      onDelete,
      hasRights: (namespace, account) => listBoundRoles(rights, namespace, account).length > 0,
    }),
    longLivedSecrets,
    accounts,
    podSecurity,
    foreign: {
      injectors: foreign.injectors,
      policies: foreign.policies,
      ...(foreign.isWhole ? {} : { unread: 'Some of the webhook configurations and policies could not be listed.' }),
    },
    scorecard: scoreCluster({ accounts, tokens, longLivedSecrets, podSecurity, limits, ...toScoreFacts(facts) }),
  };
}

type FromSections = 'accounts' | 'tokens' | 'longLivedSecrets' | 'podSecurity' | 'limits';

function toScoreFacts({
  options,
  setting,
  world,
  gathered,
  foreign,
  evidence,
  access,
  faults,
}: SectionFacts): Omit<ScoreFacts, FromSections> {
  const { configuration, namespace } = options;
  const levelOf = (name: string) => {
    const found = world.namespace(name);
    return found.state === 'found' ? found.value.labels.get(LEVEL_LABELS.enforce) : undefined;
  };
  const isOfPlatform = (name: string) => name === SYSTEM_NAMESPACE || isLeftAlone(configuration, name, '');
  return {
    risksOf: (account) => findRisks(gathered.rights, account.namespace, account.name),
    isOfPlatform,
    unread: new Set([
      ...faults.flatMap(({ resource }) => resource ?? []),
      // Of one namespace only what is in it is looked at.
      ...(namespace === undefined ? [] : ['clusterroles', 'clusterrolebindings']),
    ]),
    secretsEntry: foreign.isWhole ? toSecretsEntry(foreign.ownValidating) : 'unknown',
    exempted: setting
      .filter(({ kind, name }) => kind === 'Namespace' && levelOf(name) === 'off')
      .map(({ name }) => name),
    policies: foreign.policies,
    apiServers: gathered.apiServers,
    auditJobs: gathered.auditJobs,
    ...evidence,
    podNamespaces: gathered.pods.namespaces,
    access: access.reason === undefined ? access : undefined,
  };
}

/** The entry has no rules until a ready replica has published them. */
function toSecretsEntry(configuration: JsonValue | undefined): ScoreFacts['secretsEntry'] {
  const entry = asArray(member(configuration, 'webhooks')).find((one) => member(one, 'name') === 'secrets.curfew.dev');
  if (asArray(member(entry, 'rules')).length === 0) return 'absent';
  return member(entry, 'failurePolicy') === 'Ignore' ? 'ignores failures' : 'enforced';
}
