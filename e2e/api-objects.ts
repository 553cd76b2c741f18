/** Objects by the thousand, over HTTP: a process of kubectl for each would be slower than what is tested. */

import type { KubeClient, KubeResponse } from '../src/kube/api.ts';
import { describeResponse } from '../src/kube/sentences.ts';
import type { JsonObject } from '../src/objects/json.ts';

const TIMEOUT_MS = 30_000;

export type ApiObjects = {
  /** POSTs an object into the namespace; any status is an answer. `resource` is `pods`, or `apps/v1/deployments`. */
  create(resource: string, namespace: string, object: JsonObject, how?: CreateOptions): Promise<KubeResponse>;
  /** The same; throws what the API server said if it did not make the object. Returns the object as it was stored. */
  mustCreate(resource: string, namespace: string, object: JsonObject): Promise<unknown>;
  /** Sets annotations; throws if the API server does not. */
  annotate(resource: string, place: Place, annotations: Readonly<Record<string, string>>): Promise<void>;
};

export type CreateOptions = { readonly isDryRun?: boolean };
export type Place = { readonly namespace: string; readonly name: string };

/** @param client - of an administrator */
export function createApiObjects(client: KubeClient): ApiObjects {
  const pathOf = (resource: string, namespace: string) => {
    const slash = resource.lastIndexOf('/');
    const version = slash === -1 ? '/api/v1' : `/apis/${resource.slice(0, slash)}`;
    return `${version}/namespaces/${namespace}/${resource.slice(slash + 1)}`;
  };
  const create: ApiObjects['create'] = async (resource, namespace, body, { isDryRun = false } = {}) => {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const query: Readonly<Record<string, string>> = isDryRun ? { dryRun: 'All' } : {};
    return await client.request({ method: 'POST', path: pathOf(resource, namespace), body, query, signal });
  };
  return {
    create,
    async mustCreate(resource, namespace, object) {
      return mustBe(await create(resource, namespace, object), 201);
    },
    async annotate(resource, { namespace, name }, annotations) {
      const response = await client.request({
        method: 'PATCH',
        path: `${pathOf(resource, namespace)}/${name}`,
        contentType: 'application/merge-patch+json',
        body: { metadata: { annotations } },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      mustBe(response, 200);
    },
  };
}

function mustBe(response: KubeResponse, status: number): unknown {
  if (response.status !== status) throw new Error(describeResponse(response));
  return response.body;
}

/** Runs `work` for 0 … `count`-1, at most `atOnce` of them at a time, and returns what they gave, in order. */
export async function inParallel<T>(
  { count, atOnce }: { readonly count: number; readonly atOnce: number },
  work: (index: number) => Promise<T>,
): Promise<readonly T[]> {
  const results: T[] = [];
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const index = next;
      next += 1;
      results[index] = await work(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, lane));
  return results;
}
