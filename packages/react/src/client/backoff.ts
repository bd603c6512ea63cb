/** How long to wait before the next try to connect. */

/** Never longer than this, in milliseconds. */
export const LONGEST_WAIT_MS = 5_000;

const FIRST_WAIT_MS = 250;

/**
 * The wait before a try, in milliseconds.
 *
 * @param failures how many tries have failed in a row.
 * @param random a number from 0 to 1, so that many pages do not come back at the same instant.
 */
export function waitBefore(failures: number, random: number): number {
  const whole = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures, 10));
  return whole * (0.5 + random / 2);
}
