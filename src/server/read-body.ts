/** From the text of a body to what it says: in its turn, within the memory there is for it, parsed once. */

import { Fault } from '../errors.ts';
import { BYTES_OF_VALUE, countValues } from '../review/count-values.ts';
import type { InFlight, Place } from './in-flight.ts';
import type { Turnstile, Waiting } from './turnstile.ts';

export type BodyReader = {
  /**
   * Reads the body of the request that holds `place` when it is its turn; at once if it is.
   *
   * @throws Fault CURFEW_E_NOT_JSON, CURFEW_E_TOO_MANY_VALUES, CURFEW_E_OVERLOADED, and those of the turnstile
   */
  read(place: Place, text: string, waiting: Waiting): unknown;
};

export function createBodyReader({
  inFlight,
  turnstile,
  maxBytes,
  onTurn,
}: {
  readonly inFlight: Pick<InFlight, 'settle' | 'grow'>;
  readonly turnstile: Turnstile;
  /** What all bodies may hold together, parsed. */
  readonly maxBytes: number;
  /** Told when it is the turn of a review. */
  readonly onTurn: (waiting: Waiting) => void;
}): BodyReader {
  const mostValues = Math.floor(maxBytes / BYTES_OF_VALUE);

  function parse(place: Place, text: string): unknown {
    inFlight.grow(place, text.length * BYTES_OF_VALUE, () => {
      const values = countValues(text);
      if (values > mostValues) throw new Fault('CURFEW_E_TOO_MANY_VALUES', String(mostValues));
      // One character beyond Latin-1, and V8 keeps two bytes for each, in the text and again in what is parsed of it.
      const wide = Buffer.byteLength(text) === text.length ? 0 : 2 * text.length;
      // Alone it may hold all there is.
      return Math.min(maxBytes, Math.max(wide, values * BYTES_OF_VALUE));
    });
    try {
      // Plain JSON.parse: a key named __proto__ is an own property here, and data, not an error.
      return JSON.parse(text);
    } catch {
      // The parser's own message quotes the body.
      throw new Fault('CURFEW_E_NOT_JSON');
    }
  }

  return {
    read(place, text, waiting) {
      inFlight.settle(place);
      const turn = turnstile.enter(waiting);
      if (turn !== undefined) return turn.then(() => readNow());
      return readNow();

      function readNow(): unknown {
        onTurn(waiting);
        return parse(place, text);
      }
    },
  };
}
