/** Lanes of four vectors in the first and second step of a 4×4 transposition, as byte numbers of two joined vectors. */
const LOW_PAIRS = lanes(0, 4, 1, 5);
const HIGH_PAIRS = lanes(2, 6, 3, 7);
const LOW_HALVES = lanes(0, 1, 4, 5);
const HIGH_HALVES = lanes(2, 3, 6, 7);

function lanes(...words: readonly number[]): string {
  return words.flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte)).join(' ');
}

function shuffle(how: string, a: string, b: string): string {
  return `(i8x16.shuffle ${how} (local.get $${a}) (local.get $${b}))`;
}

/**
 * Transposes four rows of four floats. Uses the locals a, b, c, e, ab and ce, vectors.
 *
 * @param loads Four expressions, a row each.
 * @param store The instruction that stores a row of the result.
 */
export function transposeFour(
  loads: readonly string[],
  store: (row: number, value: string) => string,
): string {
  return `
  ${['a', 'b', 'c', 'e'].map((name, i) => `(local.set $${name} ${loads[i]})`).join('\n  ')}
  (local.set $ab ${shuffle(LOW_PAIRS, 'a', 'b')})
  (local.set $ce ${shuffle(LOW_PAIRS, 'c', 'e')})
  (local.set $a ${shuffle(HIGH_PAIRS, 'a', 'b')})
  (local.set $c ${shuffle(HIGH_PAIRS, 'c', 'e')})
  ${store(0, shuffle(LOW_HALVES, 'ab', 'ce'))}
  ${store(1, shuffle(HIGH_HALVES, 'ab', 'ce'))}
  ${store(2, shuffle(LOW_HALVES, 'a', 'c'))}
  ${store(3, shuffle(HIGH_HALVES, 'a', 'c'))}`;
}
