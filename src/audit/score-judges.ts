/** What the lines of the scorecard ask, where it takes more than a line to say it. */

import { countOf } from '../objects/text.ts';
import type { AccountAccess } from './account-access.ts';
import type { MountedToken } from './mounted-tokens.ts';
import type { Finding, ScoredObject, ScoreFacts } from './score-facts.ts';
import { YEAR_SECONDS } from './token-limits.ts';

type Words = {
  readonly noun: string;
  /** What each of the objects is or does. */
  readonly wrong: string;
  /** Where there are none. */
  readonly right: string;
};

/** Passes if there is no object, and fails with those that there are. */
export function judgeObjects(objects: readonly ScoredObject[], { noun, wrong, right }: Words): Finding {
  if (objects.length === 0) return { verdict: 'pass', detail: right };
  const who = objects.length === 1 ? 'it' : 'each';
  const detail = `${countOf(objects.length, noun)}: ${who} ${wrong}${wrong.endsWith('.') ? '' : '.'}`;
  return { verdict: 'fail', detail, objects };
}

export function judgeSecretCreation({ secretsEntry, policies, exempted }: ScoreFacts): Finding {
  const refusing = policies.find(
    ({ overlaps, detail }) => overlaps.includes('long-lived-token-secret') && /\b(deny|enforce)\b/i.test(detail),
  );
  if (secretsEntry === 'enforced' && exempted.length > 0) {
    const objects = exempted.map((one) => ({ kind: 'Namespace', namespace: '', name: one }));
    return judgeObjects(objects, { noun: 'namespace', wrong: 'has the label curfew.dev/enforce: off', right: '' });
  }
  if (secretsEntry === 'enforced') {
    return { verdict: 'pass', detail: 'The webhook entry secrets.curfew.dev judges them, and fails closed.' };
  }
  if (refusing !== undefined) return { verdict: 'pass', detail: `${refusing.name} names them and denies.` };
  switch (secretsEntry) {
    case 'unknown':
      return {
        verdict: 'not-visible',
        detail: 'Webhook configurations could not be listed; look at validatingwebhookconfigurations.',
      };
    case 'ignores failures':
      return {
        verdict: 'fail',
        detail:
          'The webhook entry secrets.curfew.dev ignores failures, as it does with dryRun: nothing is sure to be refused.',
      };
    case 'absent':
      return { verdict: 'fail', detail: 'Neither Curfew nor a policy that names them is there to refuse them.' };
  }
}

export function judgeIdentities({ accounts }: ScoreFacts): Finding {
  const identified = accounts.filter(({ identities }) => identities.length > 0);
  const both = identified.filter(({ podsWithToken, documented }) => podsWithToken > 0 && documented === undefined);
  if (identified.length === 0) {
    const detail =
      'No account has an annotation of a workload identity; look whether pods hold keys of clouds in Secrets.';
    return { verdict: 'not-visible', detail };
  }
  const wrong = 'has a workload identity, and its pods hold an API token all the same, without a reason';
  return judgeObjects(both.map(toAccount), {
    noun: 'account',
    wrong: wrong,
    right: `${countOf(identified.length, 'account')} with one, and no undocumented API token.`,
  });
}

export function judgeAuditLog({ apiServers }: ScoreFacts): Finding {
  const silent = apiServers.filter(({ hasAuditPolicy }) => !hasAuditPolicy);
  if (silent.length > 0) {
    const objects = silent.map(({ name: pod }) => ({ kind: 'Pod', namespace: 'kube-system', name: pod }));
    return judgeObjects(objects, { noun: 'API server', wrong: 'has no --audit-policy-file', right: '' });
  }
  const where =
    apiServers.length === 0
      ? 'No API server runs in a pod that can be seen; ask the provider whether it logs, and by which policy.'
      : 'Each API server has an --audit-policy-file; look in it for serviceaccounts/token at level Metadata (deploy/audit-policy.yaml).';
  return { verdict: 'not-visible', detail: where };
}

export function judgeAlerts({ alerts }: ScoreFacts): Finding {
  const [first] = alerts ?? [];
  if (first !== undefined) return { verdict: 'pass', detail: `PrometheusRule ${name(first)} asks about tokens.` };
  const where = alerts === undefined ? 'PrometheusRules cannot be listed' : 'No PrometheusRule asks about tokens';
  return {
    verdict: 'not-visible',
    detail: `${where}; look where alerts are written for serviceaccounts/token (deploy/ of Curfew has some).`,
  };
}

/** Copies of one workload count once; who is documented to share one shares it all the same. */
export function judgeSharing({ tokens, isOfPlatform }: ScoreFacts): Finding {
  const holders = tokens.filter((one) => one.reachesApi && one.source !== 'secret' && !isOfPlatform(one.namespace));
  const byAccount = Map.groupBy(holders, ({ namespace, account }) => `${namespace}/${account}`);
  const shared = [...byAccount.values()].flatMap((all) => {
    const [first] = all;
    const owners = new Set(all.map(({ owner }) => `${owner.kind}/${owner.name}`));
    return first === undefined || owners.size < 2
      ? []
      : [{ kind: 'ServiceAccount', namespace: first.namespace, name: first.account }];
  });
  return judgeObjects(shared, {
    noun: 'account',
    wrong: 'is the account of several workloads with an API token',
    right: 'None is shared.',
  });
}

export function judgeExtension({ limits }: ScoreFacts): Finding {
  const { extendsTo } = limits;
  if (extendsTo === undefined) {
    return { verdict: 'not-visible', detail: limits.reason ?? 'It was not measured; see --measure-with.' };
  }
  if (extendsTo >= YEAR_SECONDS / 12) {
    const days = Math.round(extendsTo / 86_400);
    const detail = `A pod's token of 3607 s is really valid for ${days} days (--service-account-extend-token-expiration).`;
    return { verdict: 'fail', detail };
  }
  return { verdict: 'pass', detail: `A pod's token of 3607 s is valid for ${extendsTo} s.` };
}

export function judgeAccess({ access, isOfPlatform }: ScoreFacts): Finding {
  if (access === undefined) {
    return { verdict: 'not-visible', detail: 'The graph of who can come to whose token was not made.' };
  }
  const leading = access.blastRadius.filter(
    ({ account, clusterAdmin }) => clusterAdmin && !isOfPlatform(account.namespace),
  );
  const objects = leading.map(({ account }) => ({ kind: 'ServiceAccount', ...account }));
  if (objects.length === 0 && !access.complete) {
    return { verdict: 'not-visible', detail: 'Not everything that the graph is made of could be listed.' };
  }
  return judgeObjects(objects, {
    noun: 'account',
    wrong: 'leads to cluster-admin',
    right: 'None does, but for those of the platform.',
  });
}

export function judgeEgress({ egressNamespaces, podNamespaces, isOfPlatform }: ScoreFacts): Finding {
  if (egressNamespaces === undefined) {
    return {
      verdict: 'not-visible',
      detail: 'NetworkPolicies cannot be listed; look for policies with policyTypes: [Egress].',
    };
  }
  const open = [...podNamespaces].filter((one) => !egressNamespaces.has(one) && !isOfPlatform(one)).toSorted();
  return judgeObjects(
    open.map((one) => ({ kind: 'Namespace', namespace: '', name: one })),
    {
      noun: 'namespace',
      wrong: 'has pods and no NetworkPolicy for egress (kinds of a network plugin’s own are not looked at)',
      right: 'Each has a NetworkPolicy for egress.',
    },
  );
}

export function listRisky(
  { accounts, risksOf, isOfPlatform }: ScoreFacts,
  checks: readonly string[],
): readonly ScoredObject[] {
  return accounts
    .filter(({ hasRights, namespace }) => hasRights && !isOfPlatform(namespace))
    .map(toAccount)
    .filter((account) => {
      const risks = risksOf(account);
      return checks.some((check) => risks.has(check));
    });
}

export function toAccount({ namespace, name: account }: AccountAccess): ScoredObject {
  return { kind: 'ServiceAccount', namespace, name: account };
}

export function toHolder({ namespace, owner }: MountedToken): ScoredObject {
  return { ...owner, namespace };
}

export function uniqueObjects(objects: readonly ScoredObject[]): readonly ScoredObject[] {
  return [...new Map(objects.map((object) => [`${object.kind} ${object.namespace}/${object.name}`, object])).values()];
}

export function name(object: ScoredObject | undefined): string {
  return `${object?.namespace ?? ''}/${object?.name ?? ''}`;
}
