/** Durations as people write them: seconds, or Go's form as Kubernetes and kubectl take it (`10m`, `1h30m`). */

const UNITS: ReadonlyMap<string, number> = new Map([
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
]);

/** Whole seconds; undefined if `value` is neither a whole number of seconds nor a duration of hours, minutes, seconds. */
export function parseSeconds(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  if (typeof value !== 'string' || value.length > 32) return undefined;
  if (/^[0-9]{1,10}$/.test(value)) return Number(value);
  if (!/^(?:[0-9]{1,10}h)?(?:[0-9]{1,10}m)?(?:[0-9]{1,10}s)?$/.test(value) || value === '') return undefined;
  let seconds = 0;
  for (const [, count, unit = ''] of value.matchAll(/([0-9]+)([hms])/g)) {
    seconds += Number(count) * (UNITS.get(unit) ?? 0);
  }
  return seconds;
}

/** `24h`, `15m`, `610s`: as `kubectl create token --duration` takes it. */
export function formatDuration(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600}h`;
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}
