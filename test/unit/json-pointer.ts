/** RFC 6901, for tests: what stands at `pointer`; undefined if it does not exist. */
export function resolvePointer(value: unknown, pointer: string): unknown {
  const steps = pointer.split('/').slice(1);
  let current = value;
  for (const step of steps) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined;
    current = Reflect.get(current, key);
  }
  return current;
}
