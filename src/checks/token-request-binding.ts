import { Type } from 'typebox';
import { formatDuration } from '../objects/duration.ts';
import { exampleTokenRequest } from '../objects/example-objects.ts';
import type { Subject } from '../objects/subject.ts';
import {
  buildTokenCommand,
  formatSeconds,
  LEAST_EXPIRATION_SECONDS,
  MOST_EXPIRATION_SECONDS,
  READS_TOKEN_REQUESTS,
  readTokenRequest,
} from '../objects/token-request.ts';
import { defineCheck } from './define-check.ts';

export const UNBOUND_SECONDS = 3_600;

export default defineCheck({
  id: 'token-request-binding',
  since: '0.1',
  levels: { restricted: {} },
  options: Type.Object(
    {
      unboundMaxSeconds: Type.Optional(
        Type.Integer({
          minimum: LEAST_EXPIRATION_SECONDS,
          maximum: MOST_EXPIRATION_SECONDS,
          description: 'Longest lifetime of a token that is bound to no object, in seconds.',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  defaults: { unboundMaxSeconds: UNBOUND_SECONDS },
  reads: READS_TOKEN_REQUESTS,
  needs: [],
  title: 'requested tokens that are bound to no object and live longer than an hour',
  why: `A token that is bound to a Pod, Secret or Node stops working when that object is deleted: deleting it is how such a
token is revoked. A token that is bound to nothing can only be revoked by deleting the service account, with everything
that uses it, so it should be short. A request for a longer one is fine once it names an object. token-request-lifetime
limits both.`,
  fix: (subject) => describeFix(subject, UNBOUND_SECONDS, []),
  shortFix: () => 'ask for --duration 1h, or bind it',
  evaluate(subject, { options }, context) {
    const asked = readTokenRequest(subject.object);
    const unboundMaxSeconds = options.unboundMaxSeconds ?? UNBOUND_SECONDS;
    if (asked === undefined || asked.bound !== undefined || asked.expirationSeconds <= unboundMaxSeconds) return [];
    return [
      {
        path: asked.boundPath,
        key: 'unbound',
        reason: 'a long token bound to nothing',
        detail: `boundObjectRef is not set, so only deleting service account ${subject.namespace}/${subject.name} revokes the token, and expirationSeconds: ${formatSeconds(asked.expirationSeconds)} is more than the ${formatSeconds(unboundMaxSeconds)} that such a token may live.`,
        fix: describeFix(subject, unboundMaxSeconds, context.cluster.apiAudiences),
        shortFix: `ask for --duration ${formatDuration(unboundMaxSeconds)} or less, or bind it`,
      },
    ];
  },
  examples: [
    {
      title: 'A token of twelve hours that is bound to nothing',
      level: 'restricted',
      subject: { object: exampleTokenRequest({ expirationSeconds: 43_200, audiences: ['vault'] }) },
      expect: ['unbound'],
    },
    {
      title: 'An hour where ten minutes are the limit',
      level: 'restricted',
      options: { unboundMaxSeconds: 600 },
      subject: { object: exampleTokenRequest({ audiences: ['vault'] }) },
      expect: ['unbound'],
    },
    {
      title: 'A token of an hour that is bound to nothing',
      level: 'restricted',
      subject: { object: exampleTokenRequest({ expirationSeconds: 3600, audiences: ['vault'] }) },
      expect: 'allowed',
    },
    {
      title: 'A longer one that ends with its pod',
      level: 'restricted',
      subject: {
        object: exampleTokenRequest({
          expirationSeconds: 7200,
          audiences: ['vault'],
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'runner' },
        }),
      },
      expect: 'allowed',
    },
  ],
});

function describeFix(subject: Subject, limit: number, apiAudiences: readonly string[]): string {
  const shorter = buildTokenCommand(subject, { expirationSeconds: limit }, apiAudiences);
  return `bind it to an object that is deleted when the token is no longer needed, with --bound-object-kind Pod --bound-object-name POD; or ask for a shorter one: ${shorter}`;
}
