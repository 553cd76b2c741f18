import { describe, expect, it } from 'vitest';
import { MAX_MESSAGE_BYTES, type PeerMessage, parsePeerMessage } from '../../../src/server/peer-message.ts';
import { fc, SEED } from '../../properties.ts';

describe('A message of a replica', () => {
  const NAME = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/);
  const MESSAGE: fc.Arbitrary<PeerMessage> = fc.oneof(
    fc.record({ from: NAME }),
    fc.record({
      from: NAME,
      changed: fc.oneof(
        fc.record({ resource: fc.constant('namespaces' as const), key: NAME }),
        fc.record({
          resource: fc.constant('serviceaccounts' as const),
          key: fc.tuple(NAME, NAME).map(([namespace, name]) => `${namespace}/${name}`),
        }),
      ),
    }),
  );

  it('is read as it was written, and has room for the longest names', () => {
    fc.assert(
      fc.property(MESSAGE, (message) => {
        const text = JSON.stringify(message);
        expect(parsePeerMessage(text)).toEqual(message);
        expect(Buffer.byteLength(text)).toBeLessThan(MAX_MESSAGE_BYTES);
      }),
      { seed: SEED },
    );
  });

  it('may have members of a later version', () => {
    expect(parsePeerMessage('{"from":"a","since":3,"changed":{"resource":"namespaces","key":"b","why":"c"}}')).toEqual({
      from: 'a',
      changed: { resource: 'namespaces', key: 'b' },
    });
  });

  it.each([
    '',
    'null',
    '[]',
    '"from"',
    '{}',
    '{"from":""}',
    '{"from":1}',
    '{"from":"a","changed":null}',
    '{"from":"a","changed":{}}',
    '{"from":"a","changed":{"resource":"secrets","key":"a/b"}}',
    '{"from":"a","changed":{"resource":"namespaces"}}',
    '{"from":"a","changed":{"resource":"namespaces","key":7}}',
    '{"__proto__":{"from":"a"}}',
  ])('is none: %s', (text) => {
    expect(parsePeerMessage(text)).toBeUndefined();
  });
});
