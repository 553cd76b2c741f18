import { describe, expect, it } from 'vitest';
import { createViewStore } from '../../src/kube/view-store.ts';

describe('createViewStore', () => {
  const limits = { sizeOf: (view: string) => view.length, maxBytes: 10, maxEntryBytes: 6 };

  it('keeps no more than its limits, and never an old view in place of a new one', () => {
    const store = createViewStore<string>(limits);
    store.set({ key: 'a', view: '123456' });
    store.set({ key: 'b', view: '123456' });
    expect([store.get('a'), store.get('b'), store.isFull()]).toEqual(['123456', undefined, true]);
    store.set({ key: 'a', view: '1234567' });
    expect(store.get('a')).toBeUndefined();
    store.set({ key: 'b', view: '123456' });
    store.set({ key: 'c', view: '1234' });
    store.delete('b');
    store.delete('b');
    store.set({ key: 'd', view: '123456' });
    expect([store.get('c'), store.get('d'), store.size()]).toEqual(['1234', '123456', 2]);
  });

  it('shows a new content at its commit', () => {
    const store = createViewStore<string>(limits);
    store.set({ key: 'a', view: '1' });
    const fresh = store.collect();
    fresh.add({ key: 'b', view: '2' });
    expect([store.get('a'), store.get('b')]).toEqual(['1', undefined]);
    fresh.commit();
    expect([store.get('a'), store.get('b')]).toEqual([undefined, '2']);
  });
});
