/** The lines of the scorecard, in their order: the first twelve are those of the material, and stay where they are. */

import type { Finding, ScoreFacts } from './score-facts.ts';
import {
  judgeAccess,
  judgeAlerts,
  judgeAuditLog,
  judgeEgress,
  judgeExtension,
  judgeIdentities,
  judgeObjects,
  judgeSecretCreation,
  judgeSharing,
  listRisky,
  name,
  toAccount,
  toHolder,
  uniqueObjects,
} from './score-judges.ts';

export type ScoreRule = {
  /** What is asked for. */
  readonly title: string;
  /** Plurals of what must have been listed for it to pass. */
  readonly needs?: readonly string[];
  readonly judge: (facts: ScoreFacts) => Finding;
};

const HOUR_SECONDS = 3_600;

export const SCORE_LINES: readonly ScoreRule[] = [
  {
    title: 'Service accounts do not mount their token by default',
    needs: ['serviceaccounts'],
    judge: ({ accounts, isOfPlatform }) =>
      judgeObjects(
        accounts
          .filter((one) => one.automount !== false && one.documented === undefined && !isOfPlatform(one.namespace))
          .map(toAccount),
        {
          noun: 'account',
          wrong: 'neither says automountServiceAccountToken: false nor why it needs the API',
          right: 'Every account opts out, or says why it needs the API.',
        },
      ),
  },
  {
    title: 'API tokens are bound to pods and live an hour at most',
    needs: ['pods', 'secrets'],
    judge: ({ tokens, limits }) => {
      const long = tokens.filter(
        (token) => token.reachesApi && (token.never || (token.trueSeconds ?? 0) > HOUR_SECONDS),
      );
      const assumed = limits.extendsTo === undefined ? ' A token of 3607 s is taken to live for a year.' : '';
      return judgeObjects(uniqueObjects(long.map(toHolder)), {
        noun: 'workload',
        wrong: `holds a token for the API that lives longer than an hour.${assumed}`,
        right: 'No pod holds a longer one.',
      });
    },
  },
  {
    title: 'Roles of service accounts name what they allow',
    needs: ['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'],
    judge: (facts) =>
      judgeObjects(listRisky(facts, ['rbac-wildcard']), {
        noun: 'account',
        wrong: 'is bound to a role with "*" in it',
        right: 'No account is bound to a role with "*" in it, but for what Kubernetes brings.',
      }),
  },
  {
    title: 'No service account may read Secrets, create pods or ask for tokens',
    needs: ['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'],
    judge: (facts) =>
      judgeObjects(
        listRisky(facts, ['rbac-secret-read', 'rbac-workload-create', 'rbac-token-request', 'rbac-wildcard']),
        {
          noun: 'account',
          wrong: 'may read Secrets, create pods or workloads, or ask for tokens',
          right: 'None may, but for what Kubernetes brings.',
        },
      ),
  },
  { title: 'New Secrets with a token that never expires are refused', judge: judgeSecretCreation },
  {
    title: 'No Secret with a token that never expires is left',
    needs: ['secrets'],
    judge: ({ longLivedSecrets }) =>
      judgeObjects(
        longLivedSecrets
          .filter(({ invalidSince }) => invalidSince === undefined)
          .map(({ namespace, name }) => ({ kind: 'Secret', namespace, name })),
        {
          noun: 'Secret',
          wrong: 'holds a token that never expires',
          right: longLivedSecrets.length === 0 ? 'There is none.' : 'Those that are left were made invalid.',
        },
      ),
  },
  { title: 'Other services are reached by workload identity, without an API token', judge: judgeIdentities },
  {
    title: 'Namespaces enforce the Pod Security Standard restricted',
    needs: ['namespaces'],
    judge: ({ podSecurity, isOfPlatform }) =>
      judgeObjects(
        podSecurity
          .filter((one) => !one.ok && !isOfPlatform(one.namespace))
          .map(({ namespace }) => ({ kind: 'Namespace', namespace: '', name: namespace })),
        {
          noun: 'namespace',
          wrong:
            'does not enforce it by label (an API server may have another default, which cannot be seen from here)',
          right: 'Every namespace does.',
        },
      ),
  },
  { title: 'The API server logs what is done with tokens', judge: judgeAuditLog },
  { title: 'Requests for tokens are watched by alerts', judge: judgeAlerts },
  {
    title: 'What service accounts may do is audited again and again',
    judge: ({ auditJobs }) =>
      auditJobs.length > 0
        ? { verdict: 'pass', detail: `CronJob ${name(auditJobs[0])} runs an audit.` }
        : {
            verdict: 'not-visible',
            detail: 'No CronJob runs curfew audit; look whether somebody runs it in another place, such as a pipeline.',
          },
  },
  {
    title: 'Every account that uses the API says why',
    needs: ['serviceaccounts', 'pods'],
    judge: ({ accounts, isOfPlatform }) =>
      judgeObjects(
        accounts
          .filter((one) => one.podsWithToken > 0 && one.documented === undefined && !isOfPlatform(one.namespace))
          .map(toAccount),
        {
          noun: 'account',
          wrong: 'has pods with an API token and no reason in curfew.dev/api-access',
          right: 'Each account whose pods hold an API token has a reason in curfew.dev/api-access.',
        },
      ),
  },
  {
    title: 'No pod holds the API token of the account default',
    needs: ['pods'],
    judge: ({ tokens, isOfPlatform }) =>
      judgeObjects(
        uniqueObjects(
          tokens
            .filter((one) => one.account === 'default' && one.reachesApi && !isOfPlatform(one.namespace))
            .map(toHolder),
        ),
        { noun: 'workload', wrong: 'holds it', right: 'None does.' },
      ),
  },
  { title: 'Each workload with an API token has an account of its own', needs: ['pods'], judge: judgeSharing },
  {
    title: 'Further tokens of a pod name whom they are for',
    needs: ['pods'],
    judge: ({ tokens }) =>
      judgeObjects(uniqueObjects(tokens.filter((one) => one.source === 'projected' && one.reachesApi).map(toHolder)), {
        noun: 'workload',
        wrong: 'mounts a token of its own that the API server accepts',
        right: 'Each token that was added by hand has an audience of its own.',
      }),
  },
  { title: 'The API server makes no year of an hour', judge: judgeExtension },
  { title: 'No service account that people gave rights to leads to cluster-admin', judge: judgeAccess },
  { title: 'Namespaces with pods restrict what they may reach', needs: ['pods'], judge: judgeEgress },
];
