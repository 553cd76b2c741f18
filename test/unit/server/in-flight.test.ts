import { describe, expect, it } from 'vitest';
import { createInFlight } from '../../../src/server/in-flight.ts';

describe('What requests hold', () => {
  const TERMS = { isFailOpen: false, received: () => 0, giveWay: () => undefined };
  const create = (maxRequests: number, monotonic = () => 0) =>
    createInFlight({
      maxRequests: () => maxRequests,
      maxBytes: 100,
      giveWayMs: 250,
      bodyMs: 1_000,
      after: () => undefined,
      monotonic,
    });
  const enterAll = (bytes: readonly number[]) => {
    const inFlight = create(3);
    for (const count of bytes) inFlight.enter(count, TERMS);
  };

  it.each([[[100]], [[40, 60, 0]]])('is granted: %j bytes', (bytes) => {
    expect(() => enterAll(bytes)).not.toThrow();
  });

  it.each([
    [[101], 'server.maxBodyBytesInFlight is 100'],
    [[60, 41], 'server.maxBodyBytesInFlight is 100'],
    [[0, 0, 0, 0], 'server.maxInFlight is 3'],
  ])('is not granted: %j bytes, since %s', (bytes, why) => {
    expect(() => enterAll(bytes)).toThrow(`CURFEW_E_OVERLOADED: too many reviews at once: ${why}`);
  });

  it('is given back once, however often a request leaves, also when another has its place', () => {
    const inFlight = create(2);
    const first = inFlight.enter(60, TERMS);
    expect(() => inFlight.enter(41, TERMS)).toThrow('maxBodyBytesInFlight');
    inFlight.enter(40, TERMS);
    expect(() => inFlight.enter(0, TERMS)).toThrow('maxInFlight');
    inFlight.leave(first);
    inFlight.leave(first);
    expect(() => inFlight.enter(61, TERMS)).toThrow('maxBodyBytesInFlight');
    inFlight.enter(60, TERMS);
    inFlight.leave(first);
    expect(() => inFlight.enter(0, TERMS)).toThrow('maxInFlight');
  });
});

describe('What is short', () => {
  it('is kept for entries that fail closed, the last quarter of it', () => {
    const create = () =>
      createInFlight({
        maxRequests: () => 4,
        maxBytes: 100,
        giveWayMs: 250,
        bodyMs: 1_000,
        after: () => undefined,
        monotonic: () => 0,
      });
    const [closed, open] = [false, true].map((isFailOpen) => ({
      isFailOpen,
      received: () => 0,
      giveWay: () => undefined,
    }));
    if (closed === undefined || open === undefined) throw new Error('there are two');
    const byPlaces = create();
    for (let count = 0; count < 3; count += 1) byPlaces.enter(0, open);
    expect(() => byPlaces.enter(0, open)).toThrow('what is left is for entries that fail closed');
    expect(() => byPlaces.enter(0, closed)).not.toThrow();
    const byBytes = create();
    byBytes.enter(76, open);
    expect(() => byBytes.enter(1, open)).toThrow('what is left is for entries that fail closed');
    expect(() => byBytes.enter(24, closed)).not.toThrow();
  });

  it('is taken from the body that has been arriving for longest, if it is too long, and from none that is there', () => {
    let now = 0;
    const inFlight = createInFlight({
      maxRequests: () => 3,
      maxBytes: 100,
      giveWayMs: 250,
      bodyMs: 1_000,
      after: () => undefined,
      monotonic: () => now,
    });
    const gone: string[] = [];
    const enter = (name: string, { bytes = 30, received = 0 } = {}) =>
      inFlight.enter(bytes, { isFailOpen: false, received: () => received, giveWay: () => gone.push(name) });
    inFlight.settle(enter('arrived'));
    enter('slow');
    now = 249;
    enter('slower');
    expect(() => enter('early')).toThrow('server.maxInFlight is 3');
    now = 250;
    enter('new');
    expect(gone).toEqual(['slow']);
    expect(() => enter('too many')).toThrow('server.maxInFlight is 3');
    now = 1_000;
    enter('large', { bytes: 70 });
    expect(gone).toEqual(['slow', 'slower', 'new']);
    expect(() => enter('larger', { bytes: 71 })).toThrow('server.maxBodyBytesInFlight is 100');
  });

  it('is not taken from a body that is on its way', () => {
    let now = 0;
    const inFlight = createInFlight({
      maxRequests: () => 1,
      maxBytes: 100,
      giveWayMs: 250,
      bodyMs: 1_000,
      after: () => undefined,
      monotonic: () => now,
    });
    let isGone = false;
    const received = () => 512 * now;
    inFlight.enter(0, { isFailOpen: false, received, giveWay: () => (isGone = true) });
    const next = () => inFlight.enter(0, { isFailOpen: false, received, giveWay: () => undefined });
    now = 499;
    expect(next).toThrow('server.maxInFlight is 1');
    // Half as fast as it should be: then its time is over.
    now = 500;
    next();
    expect(isGone).toBe(true);
  });
});
