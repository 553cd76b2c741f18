/** Asking for the metadata of objects alone: the API server leaves out everything else, such as what a Secret holds. */

import { TOKEN_SECRET_TYPE } from '../objects/views.ts';

export const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
export const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

/**
 * Of token Secrets metadata only, and no fallback: an API server that cannot leave the data out answers 406, and then
 * nothing is known, but no token was sent either.
 */
export const TOKEN_SECRETS = {
  path: '/api/v1/secrets',
  query: { fieldSelector: `type=${TOKEN_SECRET_TYPE}` },
  listAccept: METADATA_LIST,
  watchAccept: METADATA,
} as const;
