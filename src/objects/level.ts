/** Levels of strictness, from nothing to everything. A rule starts at one and stays active above it. */

export const LEVELS = ['off', 'baseline', 'restricted'] as const;
export type Level = (typeof LEVELS)[number];
export type ActiveLevel = Exclude<Level, 'off'>;

/** True if a rule that starts at `start` runs where `level` is in force. */
export function isAtLeast(level: Level, start: ActiveLevel): level is ActiveLevel {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(start);
}

/** The level of that name, or undefined. Exact: no case folding, no white space. */
export function parseLevel(text: string): Level | undefined {
  return LEVELS.find((level) => level === text);
}
