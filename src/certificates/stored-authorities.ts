/** What the Secret of the CA holds, under which keys. */

import { asString, type JsonObject, valueAt } from '../objects/json.ts';
import { type Authorities, isLivingAuthority, splitBundle } from './authorities.ts';
import { type Judged, judgeAuthority } from './authority.ts';
import { decode, encode } from './base64.ts';
import type { CertificateAuthority } from './issue.ts';

const CERT_KEY = 'ca.crt';
const PRIVATE_KEY = 'ca.key';
/** PEM certificates, newest first, that are trusted until {@link PREVIOUS_UNTIL_KEY}. To end that now, remove it. */
const PREVIOUS_KEY = 'previous.crt';
/** RFC 3339: by then the last leaf of theirs has ended. */
const PREVIOUS_UNTIL_KEY = 'previous-until';
const OUR_KEYS: ReadonlySet<string> = new Set([CERT_KEY, PRIVATE_KEY, PREVIOUS_KEY, PREVIOUS_UNTIL_KEY]);

export type StoredAuthorities = {
  readonly judged: Judged<CertificateAuthority>;
  /** That of the signing CA as it stands, whatever is wrong with it. */
  readonly cert: string | undefined;
  readonly previous: readonly string[];
};

/** Reads a Secret as the API server sends it; `now` in ms since the epoch. */
export function readSecret(secret: unknown, now: number): StoredAuthorities {
  const read = (key: string) => {
    const text = asString(valueAt(secret, ['data', key]));
    return text === undefined ? undefined : decode(text);
  };
  const cert = read(CERT_KEY);
  const key = read(PRIVATE_KEY);
  // A time that cannot be read is over: what somebody wrote there by hand is not trusted for ever.
  const isTrusting = Date.parse(read(PREVIOUS_UNTIL_KEY) ?? '') > now;
  const known = isTrusting ? splitBundle(read(PREVIOUS_KEY) ?? '') : [];
  // One that is damaged would have the API server refuse the whole bundle.
  const previous = known.filter((previousCert) => isLivingAuthority(previousCert, now));
  return { judged: judgeStored(cert, key, now), cert, previous };
}

function judgeStored(cert: string | undefined, key: string | undefined, now: number): Judged<CertificateAuthority> {
  if (cert === undefined) return { state: 'bad', reason: `there is no ${CERT_KEY}` };
  if (key === undefined) return { state: 'bad', reason: `there is no ${PRIVATE_KEY}` };
  return judgeAuthority(cert, key, now);
}

/** What stands in the Secret's `data`; `previousUntil` in ms since the epoch. */
export function toSecretData({ signing, previous }: Authorities, previousUntil: number): Record<string, string> {
  const data = { [CERT_KEY]: encode(signing.cert), [PRIVATE_KEY]: encode(signing.key) };
  if (previous.length === 0) return data;
  const bundle = previous.map((cert) => `${cert}\n`).join('');
  return {
    ...data,
    [PREVIOUS_KEY]: encode(bundle),
    [PREVIOUS_UNTIL_KEY]: encode(new Date(previousUntil).toISOString()),
  };
}

/** What in `data` is not of this file: somebody else's. */
export function withoutOurKeys(data: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(data).filter(([key]) => !OUR_KEYS.has(key)));
}
