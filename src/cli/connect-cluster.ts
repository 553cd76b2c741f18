/** The cluster that a command line names. */

import type { KubeClient } from '../kube/api.ts';
import { connect } from '../kube/client.ts';

export type ClusterChoice = { readonly kubeconfig?: string; readonly context?: string };

/**
 * Takes what is needed out of a command's options, which hold more.
 *
 * @throws Error with a sentence that names the file and the field if the kubeconfig cannot be used
 */
export async function connectCluster({ kubeconfig, context }: ClusterChoice): Promise<KubeClient> {
  return await connect({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
}
