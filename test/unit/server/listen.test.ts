import { describe, expect, it } from 'vitest';
import { parseListenAddress } from '../../../src/server/listen.ts';

describe('An address to listen at', () => {
  it.each([
    ['0.0.0.0:10250', { host: '0.0.0.0', port: 10_250 }],
    ['[::]:10250', { host: '::', port: 10_250 }],
    ['[::ffff:127.0.0.1]:1', { host: '::ffff:127.0.0.1', port: 1 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['localhost:65535', { host: 'localhost', port: 65_535 }],
  ])('%s is read', (text, address) => {
    expect(parseListenAddress(text)).toEqual(address);
  });

  it.each(['', ':8080', '8080', 'localhost', 'localhost:', 'localhost:-1', 'localhost:65536', 'localhost:1:2'])(
    '%j is refused with an example',
    (text) => {
      expect(() => parseListenAddress(text)).toThrow(
        `${JSON.stringify(text)} is not HOST:PORT, such as 0.0.0.0:10250 or [::]:10250`,
      );
    },
  );

  it.each(['::1:80', '[::]', '[zz]:1', 'https://localhost:1'])('%j is refused', (text) => {
    expect(() => parseListenAddress(text)).toThrow('is not HOST:PORT');
  });
});
