import { describe, expect, it } from 'vitest';
import { prepareMutationExample } from '../../../src/engine/example-subject.ts';
import { describeVolume, isSameToken, renewVolume } from '../../../src/injection/content.ts';
import { findMount, indexVolumes } from '../../../src/injection/mounts.ts';
import { MUTATIONS } from '../../../src/mutations/registry.ts';
import { createDraft } from '../../../src/objects/draft.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { asking, inject } from './injecting.ts';

const TOKEN = { serviceAccountToken: { path: 'token', audience: 'vault', expirationSeconds: 3_600 } };
const WANTED: JsonObject = { name: 'curfew-vault', projected: { sources: [TOKEN] } };

describe('A mount where a token goes', () => {
  const wish = {
    volumes: indexVolumes([]),
    wanted: WANTED as JsonObject & { readonly name: string },
    accepted: undefined,
  };
  const at = (container: JsonObject) => findMount(container, { ...wish, mountPath: '/var/run/curfew/vault' });

  it('that names neither a place nor a volume is in nobody’s way', () => {
    expect(at({ volumeMounts: [{}, null, { mountPath: '' }, { mountPath: 7 }] })).toEqual({ state: 'missing' });
    expect(at({ volumeDevices: [{}, null, { devicePath: '/dev/x' }] })).toEqual({ state: 'missing' });
  });

  it('that names no volume is in the way all the same', () => {
    expect(at({ volumeMounts: [{ mountPath: '/run/curfew/vault' }] })).toMatchObject({
      state: 'conflict',
      path: ['volumeMounts', 0],
      does: 'mounts volume "" at "/run/curfew/vault"',
    });
  });

  it('may be a device', () => {
    expect(at({ volumeDevices: [{ devicePath: '/dev/x' }, { devicePath: '/var/run/curfew' }] })).toEqual({
      state: 'conflict',
      path: ['volumeDevices', 1],
      does: 'has a device at "/var/run/curfew"',
      detail: 'has a device at "/var/run/curfew", where',
    });
  });

  it('is found by the volume’s name, and volumes without one by none', () => {
    expect([...indexVolumes([{ name: 'a' }, {}, null]).keys()]).toEqual(['a', '']);
  });
});

describe('A volume of ours', () => {
  it('is made anew where what is there is none', () => {
    for (const existing of [undefined, null, {}, { name: 'curfew-vault', projected: null }])
      expect(renewVolume(existing, WANTED)).toBe(WANTED);
    expect(renewVolume({ projected: {} }, { name: 'a' })).toEqual({ name: 'a' });
  });

  it('keeps the sources that somebody added, but for those that are no source', () => {
    const added = { configMap: { name: 'ca' } };
    const renewed = renewVolume({ name: 'x', projected: { sources: [added, 7, TOKEN] } }, WANTED);
    expect(renewed).toEqual({ name: 'curfew-vault', projected: { sources: [TOKEN, added] } });
  });

  it('is not what is no volume', () => {
    expect([undefined, null, 'a', []].map((other) => isSameToken(other, WANTED, undefined))).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(isSameToken({ ...WANTED, name: 'own' }, WANTED, undefined)).toBe(true);
    expect(isSameToken(WANTED['projected'], { projected: WANTED }, undefined)).toBe(false);
  });

  it.each([
    [undefined, 'an empty volume'],
    [{ name: 'a' }, 'an empty volume'],
    [{ name: 'a', emptyDir: {} }, 'a emptyDir volume'],
    [WANTED, 'a token for audience "vault"'],
  ])('%j is called %s', (volume, words) => {
    expect(describeVolume(volume)).toBe(words);
  });
});

describe('A wrong annotation', () => {
  it.each([
    ['{audience: {a: b}}', 'audience is a mapping'],
    ['{audience: []}', 'audience is an empty list'],
    ['{audience: [a]}', 'audience is a list'],
    ['{audience: vault, containers: 7}', 'containers is 7'],
    ['{audience: vault, mode: {a: b}}', 'mode is a mapping'],
    ['{audience: vault, zzz: 1}', 'it has the unknown key "zzz"; known: '],
  ])('%s is refused: %s', (value, words) => {
    expect(inject(asking({ vault: value })).denial).toContain(words);
  });
});

describe('A mutation without settings', () => {
  it('injects nothing', () => {
    const mutation = MUTATIONS.find(({ id }) => id === 'inject-token');
    if (mutation === undefined) throw new Error('it is in the registry');
    const object = asking({ vault: '{audience: vault}' });
    const { subject, settings } = prepareMutationExample(mutation, {
      title: '',
      subject: { object },
      expect: 'unchanged',
    });
    const draft = createDraft(subject.object);
    expect(mutation.mutate(subject, draft, { ...settings, injection: undefined })).toEqual([]);
    expect(mutation.mutate(subject, draft, settings)).not.toEqual([]);
  });
});
