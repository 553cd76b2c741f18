/** A client that asks each thing once, for whoever looks at the same cluster twice and wants to see the same. */

import type { KubeClient, KubeRequest, KubeResponse } from './api.ts';

type Asking = Pick<KubeClient, 'request'>;

/** Of reads alone; holds every answer for as long as it is there. */
export function rememberAnswers(client: Asking): Asking {
  const answers = new Map<string, KubeResponse>();
  return {
    request: async (request: KubeRequest): Promise<KubeResponse> => {
      if (request.method !== 'GET') return await client.request(request);
      // Who asks again asks in the same words.
      const key = JSON.stringify([request.path, request.query, request.accept]);
      const known = answers.get(key);
      if (known !== undefined) return known;
      const answer = await client.request(request);
      answers.set(key, answer);
      return answer;
    },
  };
}
