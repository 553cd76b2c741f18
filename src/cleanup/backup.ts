/** A deleted Secret as it is kept: its metadata as a manifest, and nothing that could be a token. */

import type { JsonObject } from '../objects/json.ts';
import { TOKEN_SECRET_TYPE } from '../objects/views.ts';
import type { TokenSecret } from './token-secret.ts';

/** kubectl keeps the whole manifest in it, `data.token` too if somebody applied one. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** How a JWT begins, in the clear and in base64. */
const TOKEN_START = /eyJ|ZXlK/;

const LEFT_OUT = '(left out: it may hold a token)';

/** Applied, it would make a Secret with a new token: that of the old one works nowhere any more. */
export function toBackup({ namespace, name, uid, createdAt, labels, annotations }: TokenSecret): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace,
      uid,
      creationTimestamp: createdAt,
      labels: Object.fromEntries(labels),
      annotations: withoutTokens(annotations),
    },
    type: TOKEN_SECRET_TYPE,
  };
}

function withoutTokens(annotations: ReadonlyMap<string, string>): JsonObject {
  const kept = [...annotations].filter(([key]) => key !== LAST_APPLIED);
  return Object.fromEntries(kept.map(([key, value]) => [key, TOKEN_START.test(value) ? LEFT_OUT : value]));
}
