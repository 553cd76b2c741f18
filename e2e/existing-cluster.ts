/** A cluster that is there already, seen through its kubeconfig. */

import { asString, valueAt } from '../src/objects/json.ts';
import type { ControlPlane } from './control-plane.ts';
import type { Kubectl } from './kubectl.ts';

/** The server and CA of kubectl's current context. Throws with kubectl's own words if there is none. */
export async function readCluster(kubectl: Kubectl): Promise<Pick<ControlPlane, 'server' | 'certificateAuthority'>> {
  const { code, stdout, stderr } = await kubectl.run([
    'config',
    'view',
    '--raw',
    '--minify',
    '--flatten',
    '-o',
    'json',
  ]);
  if (code !== 0) throw new Error(`the kubeconfig cannot be read: ${stderr}`);
  const cluster = valueAt(JSON.parse(stdout), ['clusters', 0, 'cluster']);
  const server = asString(valueAt(cluster, ['server']));
  if (server === undefined) throw new Error('the kubeconfig names no server');
  const authority = asString(valueAt(cluster, ['certificate-authority-data'])) ?? '';
  return { server, certificateAuthority: Buffer.from(authority, 'base64').toString() };
}
