/** What the API server counts of its webhooks. */

import type { TestCluster } from './test-cluster.ts';

/** How often the API server has gone past this webhook because its policy is Ignore. */
export async function readFailedOpen({ kubectl }: TestCluster, webhook: string): Promise<number> {
  const { stdout } = await kubectl.run(['get', '--raw', '/metrics']);
  return stdout
    .split('\n')
    .filter((text) => text.startsWith('apiserver_admission_webhook_fail_open_count{') && text.includes(`"${webhook}"`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
