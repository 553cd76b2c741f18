/** Tokens as somebody who has one would use them. */

import { asString, valueAt } from '../src/objects/json.ts';
import type { TestCluster } from './test-cluster.ts';

/** The user that the API server takes the bearer of this token for; throws with kubectl's words if it takes nobody. */
export async function readBearer({ kubectl, controlPlane }: TestCluster, token: string): Promise<string> {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const server = ['--kubeconfig', '/dev/null', '--server', controlPlane.server, '--insecure-skip-tls-verify'];
  const { stdout, stderr } = await kubectl.run(
    ['create', '-f', '-', '-o', 'json', '--validate=false', ...server, '--token', token],
    { input: JSON.stringify(review) },
  );
  if (stdout === '') throw new Error(stderr);
  return asString(valueAt(JSON.parse(stdout), ['status', 'userInfo', 'username'])) ?? '';
}
