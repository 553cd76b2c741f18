import { expect, it } from 'vitest';
import { CHECKS } from '../../../src/checks/registry.ts';
import { indexByRequest, isRead } from '../../../src/engine/evaluate.ts';
import { MUTATIONS } from '../../../src/mutations/registry.ts';
import { subjectOf } from '../subjects.ts';

const READS = [...CHECKS, ...MUTATIONS].flatMap(({ reads }) => reads);

/** Requests that some rule reads, and as many that none does: with an operation or a subresource that is not read. */
const REQUESTS = READS.flatMap(({ group, resource, subresource = '' }) =>
  (['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const).flatMap((operation) =>
    [subresource, 'status'].map((sub) =>
      subjectOf('', {}, { operation, resource: { group, name: resource, subresource: sub } }),
    ),
  ),
);

it.each([
  ['checks', CHECKS],
  ['mutations', MUTATIONS],
])('The index has for each request the %s that read it, in their order', (_what, rules) => {
  const find = indexByRequest<(typeof rules)[number]>(rules);
  const idsOf = (found: readonly { readonly id: string }[]) => found.map(({ id }) => id);
  const lengths = REQUESTS.map((subject) => {
    const found = idsOf(find(subject));
    expect(found).toEqual(idsOf(rules.filter(({ reads }) => isRead(reads, subject))));
    return found.length;
  });
  expect(lengths.some((length) => length === 0)).toBe(true);
  expect(Math.max(...lengths)).toBeGreaterThan(1);
});
