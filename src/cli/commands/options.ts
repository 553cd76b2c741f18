/** Options that several commands have. */

import { Option } from 'commander';

export function createKubeconfigOption(): Option {
  return new Option('--kubeconfig <file>', 'cluster to ask; default: KUBECONFIG, or the cluster the pod runs in');
}

export function createContextOption(): Option {
  return new Option('--context <name>', 'context of the kubeconfig; default: its current one');
}

export function createNamespaceOption(): Option {
  return new Option('-n, --namespace <name>', 'look at one namespace; default: all');
}

/** What is the default is still what people type who know kubectl. */
export function createAllNamespacesOption(): Option {
  return new Option('-A, --all-namespaces', 'look at all namespaces, as without --namespace').conflicts('namespace');
}

export function createMetricsOption(): Option {
  return new Option('--metrics <file|url>', 'write gauges too: to a file for node-exporter, or a URL of a Pushgateway');
}

export function createLevelOption(): Option {
  const option = new Option('--level <level>', 'judge at this level, whatever labels and configuration say');
  return option.choices(['baseline', 'restricted']);
}
