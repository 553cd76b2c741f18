/** True where the long sizes of tests, and the tests of the long tier, are wanted: CURFEW_LONG=1. */
export const IS_LONG = process.env['CURFEW_LONG'] === '1';
