/** Objects that mutations may change: random ones near what they look at. */

import type { JsonObject } from '../src/objects/json.ts';
import { fc } from '../test/properties.ts';
import type { Caller } from './api-client.ts';
import { maybe, merged, podSpec, REASONS, seconds, some } from './native-objects.ts';

export type Changed = { readonly object: JsonObject; readonly as?: Caller };

const LIFETIMES = [
  ...['24h', '1h30m', '10m', '610s', '3607', '3607s', '60', '86400', '0', '9999999999'],
  ...[
    '',
    'soon',
    '1.5h',
    '-1h',
    '1h ',
    '90m1h',
    '999999h99999999m999999999s',
    '9999999999h',
    '0000000001h',
    '00000000001h',
    '12345678901',
  ],
] as const;
const NOTES = ['', 'cap-token-lifetime', 'short-lived-api-token', 'a,a', 'other,cap-token-lifetime', ','] as const;

const annotations = merged(
  maybe('curfew.dev/api-token-expiration', some(...LIFETIMES)),
  maybe('curfew.dev/mutated-by', some(...NOTES)),
);
const metadataOf = (...names: readonly string[]) =>
  merged(
    some(...names).map((name) => ({ name })),
    maybe('annotations', annotations),
  );

const pods = fc
  .tuple(metadataOf('web', 'exempt-web', 'days-web', 'ended-web'), podSpec, some({}, { serviceAccountName: 'ci' }))
  .map(
    ([metadata, spec, more]): Changed => ({
      object: { apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...spec, ...more } },
    }),
  );

const callers = some(
  { username: 'jane', groups: ['system:masters'] },
  { username: 'mary', groups: ['system:masters'] },
  { username: 'jim', groups: ['system:masters', 'builders'] },
);

const accounts = fc
  .tuple(
    merged(
      some('default', 'default', 'default', 'other').map((name) => ({ name })),
      fc
        .tuple(annotations, maybe('curfew.dev/api-access', some(...REASONS)))
        .map(([one, other]) => ({ annotations: { ...one, ...other } })),
    ),
    maybe('automountServiceAccountToken', fc.boolean()),
    callers,
  )
  .map(
    ([metadata, rest, as]): Changed => ({
      object: { apiVersion: 'v1', kind: 'ServiceAccount', metadata, ...rest },
      as,
    }),
  );

const bound = some(
  { apiVersion: 'v1', kind: 'Pod', name: 'runner' },
  { apiVersion: 'v1', kind: 'Pod', name: 'not-there' },
);
const audiences = fc.uniqueArray(some('vault', 'https://kubernetes.default.svc'), { maxLength: 2 });
const tokenRequests = fc
  .tuple(
    some('web', 'ci'),
    merged(maybe('audiences', audiences), maybe('expirationSeconds', seconds), maybe('boundObjectRef', bound)),
    callers,
  )
  .map(
    ([name, spec, as]): Changed => ({
      object: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: { name }, spec },
      as,
    }),
  );

export const changed: fc.Arbitrary<Changed> = fc.oneof(
  { weight: 3, arbitrary: pods },
  { weight: 1, arbitrary: accounts },
  { weight: 1, arbitrary: tokenRequests },
);
