/** Issuer and audiences of the cluster: what the configuration says, else Curfew's own token, else what is usual. */

import type { OwnToken } from '../kube/own-token.ts';
import type { ClusterFacts } from '../objects/rule-context.ts';
import type { Configuration } from '../policy/configuration.ts';

/** What the API server accepts on nearly every cluster; used when neither the file nor an own token says better. */
const ASSUMED: ClusterFacts = {
  apiAudiences: ['https://kubernetes.default.svc', 'https://kubernetes.default.svc.cluster.local'],
  issuers: ['https://kubernetes.default.svc', 'https://kubernetes.default.svc.cluster.local'],
};

type FoundFacts = {
  readonly facts: ClusterFacts;
  /** Where each of them is from, for people. */
  readonly origins: Readonly<Record<keyof ClusterFacts, 'file' | 'own token' | 'assumed'>>;
};

/** @param ownToken - undefined where Curfew runs in no pod */
export function findClusterFacts({ cluster }: Configuration, ownToken: OwnToken | undefined): FoundFacts {
  const other = ownToken === undefined ? 'assumed' : 'own token';
  const found = ownToken === undefined ? ASSUMED : { apiAudiences: ownToken.audiences, issuers: [ownToken.issuer] };
  return {
    facts: { apiAudiences: cluster.apiAudiences ?? found.apiAudiences, issuers: cluster.issuers ?? found.issuers },
    origins: {
      apiAudiences: cluster.apiAudiences === undefined ? other : 'file',
      issuers: cluster.issuers === undefined ? other : 'file',
    },
  };
}
