/** Where an API server is: addresses that somebody names, or those that its cluster knows. */

import { isIP } from 'node:net';
import type { KubeClient } from '../kube/api.ts';
import { listAll } from '../kube/list-all.ts';
import { describeResponse } from '../kube/sentences.ts';
import { asArray, asString, valueAt } from '../objects/json.ts';
import { quote } from '../objects/text.ts';

/** A control plane has a handful of servers. */
const MOST_ADDRESSES = 100;
const SERVICE = '/api/v1/namespaces/default/services/kubernetes';
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
const BITS = { 4: 32, 6: 128 } as const;

/** `192.0.2.10` and `192.0.2.0/28` as blocks. @throws Error that names what is neither */
export function toBlock(text: string): string {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  const isPlain = rest.length === 0 && !address.includes('%');
  if ((version !== 4 && version !== 6) || !isPlain) {
    throw new Error(`${quote(text)} is neither an address nor a block of addresses such as 192.0.2.0/28`);
  }
  const most = BITS[version];
  if (prefix === undefined) return `${address}/${most}`;
  const length = /^\d{1,3}$/.test(prefix) ? Number(prefix) : 0;
  if (length < 1 || length > most) throw new Error(`${quote(text)} needs a length of 1 to ${most} behind the slash`);
  return `${address}/${length}`;
}

/**
 * What pods reach the API server by: the Service `kubernetes`, and the addresses behind it, which some networks look at
 * in its place, since policies may be asked before or after the address is translated.
 *
 * @throws Error with a sentence that names the path
 */
export async function findApiServerBlocks(client: KubeClient, signal: AbortSignal): Promise<readonly string[]> {
  const service = await client.request({ method: 'GET', path: SERVICE, signal });
  if (service.status !== 200) throw new Error(`${SERVICE} cannot be read: ${describeResponse(service)}`);
  const found = new Set<string>();
  for (const address of asArray(valueAt(service.body, ['spec', 'clusterIPs']))) found.add(asString(address) ?? '');
  const query = { labelSelector: 'kubernetes.io/service-name=kubernetes' };
  let behind = 0;
  for await (const slices of listAll(client, { path: SLICES, query }, signal)) {
    for (const endpoint of slices.flatMap((slice) => asArray(valueAt(slice, ['endpoints'])))) {
      for (const address of asArray(valueAt(endpoint, ['addresses']))) {
        found.add(asString(address) ?? '');
        behind += 1;
      }
    }
  }
  if (behind === 0) throw new Error(`${SLICES} holds no address of the API server; name them with --api-server`);
  if (found.size > MOST_ADDRESSES) throw new Error(`more than ${MOST_ADDRESSES} addresses of the API server`);
  return [...found].map(toBlock);
}
