/**
 * fast-check, for properties. A test run sees the same cases each time, so that a commit is judged by what it changes; the
 * long sizes (CURFEW_LONG=1) look where nobody has looked, and CURFEW_SEED chooses. What fails prints its seed.
 */

import fc from 'fast-check';
import { IS_LONG } from './long.ts';

const USUAL = 20_261_126;

/** For whoever samples. */
export const SEED = Number(process.env['CURFEW_SEED'] ?? (IS_LONG ? Date.now() % 2 ** 31 : USUAL));

fc.configureGlobal({ seed: SEED });

export { fc };
