/** Moments for people. */

/** `2026-11-26 07:00:00 UTC`; what is no date is told as the number that it is. @param ms - since the epoch */
export function formatTime(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return `${ms / 1000} s after 1970`;
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
