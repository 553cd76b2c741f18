/** The cluster that a command line names. */

import type { KubeClient } from '../kube/api.ts';
import { connect } from '../kube/client.ts';
import { createSystemClock } from '../kube/clock.ts';
import { tryAgain } from '../kube/try-again.ts';

export type ClusterChoice = { readonly kubeconfig?: string; readonly context?: string };

/**
 * For a command, which comes again when the API server is busy. Takes what is needed out of its options, which hold more.
 *
 * @throws Error with a sentence that names the file and the field if the kubeconfig cannot be used
 */
export async function connectCluster(choice: ClusterChoice): Promise<KubeClient> {
  return tryAgain(await connectOnce(choice), createSystemClock());
}

/** The same for a server, whose requests have deadlines and a backoff of their own. */
export async function connectOnce({ kubeconfig, context }: ClusterChoice): Promise<KubeClient> {
  return await connect({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
}
