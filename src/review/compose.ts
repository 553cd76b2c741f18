/** A review as an API server sends it, for those who ask in its place. */

import type { JsonObject } from '../objects/json.ts';
import type { Subject } from '../objects/subject.ts';
import { REVIEW_API_VERSION, REVIEW_KIND } from './parse.ts';

/** Of a dry run of `username`, whatever caller the subject has. */
export function composeReview(
  { operation, resource, kind, namespace, name, object, oldObject }: Subject,
  { uid, username }: { readonly uid: string; readonly username: string },
): JsonObject {
  return {
    apiVersion: REVIEW_API_VERSION,
    kind: REVIEW_KIND,
    request: {
      uid,
      operation,
      resource: { group: resource.group, version: 'v1', resource: resource.name },
      subResource: resource.subresource,
      kind: { group: resource.group, version: 'v1', kind },
      namespace,
      name,
      object,
      oldObject: oldObject ?? null,
      dryRun: true,
      userInfo: { username, groups: [] },
    },
  };
}
