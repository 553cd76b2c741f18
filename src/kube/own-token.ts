/**
 * What Curfew's own projected token says of the cluster: its issuer and the audiences of its API. The token is
 * requested without an audience, so it carries the API server's own.
 */

import { open } from 'node:fs/promises';
import type { JsonObject } from '../objects/json.ts';
import { asString, member } from '../objects/json.ts';
import { decodeJwtClaims, MAX_JWT_CHARACTERS } from '../objects/jwt.ts';

/** Where the ServiceAccount admission plugin mounts the token of a pod. */
export const OWN_TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount/token';

export type OwnToken = { readonly issuer: string; readonly audiences: readonly string[] };

/** The claims of the token in the file at `path`; undefined if there is no such file or no such token. */
export async function readOwnClaims(path: string = OWN_TOKEN_PATH): Promise<JsonObject | undefined> {
  const token = await readStart(path, MAX_JWT_CHARACTERS + 2);
  return token === undefined ? undefined : decodeJwtClaims(token.trim());
}

/** The claims `iss` and `aud` of the token in the file at `path`; undefined if there is no such file or no such token. */
export async function readOwnToken(path: string = OWN_TOKEN_PATH): Promise<OwnToken | undefined> {
  const claims = await readOwnClaims(path);
  const issuer = asString(member(claims, 'iss'));
  if (issuer === undefined) return undefined;
  return { issuer, audiences: toAudiences(claims) };
}

/** The claim `aud`, which may be one text. */
export function toAudiences(claims: unknown): readonly string[] {
  const audience = member(claims, 'aud');
  const all = Array.isArray(audience) ? audience : [audience];
  return all.filter((entry) => typeof entry === 'string');
}

/** The first `maxBytes` of a file as text; undefined if it cannot be read. No error is passed on, nor any text. */
async function readStart(path: string, maxBytes: number): Promise<string | undefined> {
  try {
    await using file = await open(path, 'r');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return undefined;
  }
}
