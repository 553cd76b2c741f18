import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../../src/checks/registry.ts';
import { listAskedChecks } from '../../../src/engine/asked-checks.ts';
import { configure } from '../judging.ts';

const ENFORCE = { ceiling: 'enforce' } as const;

describe('The checks that are asked', () => {
  it('are found once for a configuration, a list of checks and a ceiling', () => {
    const configuration = configure();
    const bounds = { configuration, scope: ENFORCE };
    const asked = listAskedChecks(CHECKS, bounds);
    expect(listAskedChecks(CHECKS, { configuration, scope: { ...ENFORCE } })).toBe(asked);
    expect(listAskedChecks([...CHECKS], bounds)).not.toBe(asked);
    expect(listAskedChecks(CHECKS, { configuration: { ...configuration }, scope: ENFORCE })).not.toBe(asked);
    expect(new Set(asked.map(({ ceiling }) => ceiling))).toEqual(new Set(['enforce']));
    const warned = listAskedChecks(CHECKS, { configuration, scope: { ceiling: 'warn' } });
    expect(new Set(warned.map(({ ceiling }) => ceiling))).toEqual(new Set(['warn']));
  });

  it('are those that are not off, each by the options of the configuration', () => {
    const maxSeconds = { baseline: 7_200, restricted: 1_200 };
    const configuration = configure({
      checks: { 'pod-automount': { mode: 'off' }, 'embedded-token': { mode: 'audit', maxSeconds } },
    });
    const asked = listAskedChecks(CHECKS, { configuration, scope: ENFORCE });
    expect(asked.map(({ check }) => check.id)).toEqual(
      CHECKS.map(({ id }) => id).filter((id) => id !== 'pod-automount'),
    );
    const { ceiling, settings } = asked.find(({ check }) => check.id === 'embedded-token') ?? {};
    expect(ceiling).toBe('audit');
    expect(settings?.restricted).toEqual({ options: { maxSeconds }, limits: { maxSeconds: 3_600 } });
    expect(settings?.baseline).toEqual({ options: { maxSeconds }, limits: { maxSeconds: 86_400 } });
  });

  it('go by nothing below the level at which they start', () => {
    const asked = listAskedChecks(CHECKS, { configuration: configure(), scope: ENFORCE });
    const starting = asked.filter(({ settings }) => settings.baseline !== undefined).map(({ check }) => check.id);
    expect(starting).toEqual(CHECKS.filter(({ levels }) => levels.baseline !== undefined).map(({ id }) => id));
    expect(asked.every(({ settings }) => settings.restricted !== undefined)).toBe(true);
  });
});
