import { advance, locals, params, repeat } from './text';
import { TILE_LOCALS, tiles } from './tiles';

/** Rows and columns that are transposed at once. */
const SIDE = 16;

const vectors = (name: string): string[] => Array.from({ length: SIDE }, (_, i) => `${name}${i}`);

/** Bytes of two joined vectors, taken from them in turn. */
const LOW = Array.from({ length: 8 }, (_, i) => `${i} ${i + SIDE}`).join(' ');
const HIGH = Array.from({ length: 8 }, (_, i) => `${i + 8} ${i + 8 + SIDE}`).join(' ');

/** Interleaves the upper half of the vectors with the lower half: four times, and the bytes are transposed. */
function interleave(from: string, to: string): string {
  return repeat(SIDE / 2, (i) => {
    const pair = `(local.get $${from}${i}) (local.get $${from}${i + SIDE / 2})`;
    return `(local.set $${to}${2 * i} (i8x16.shuffle ${LOW} ${pair}))
      (local.set $${to}${2 * i + 1} (i8x16.shuffle ${HIGH} ${pair}))`;
  });
}

const BLOCK = `(local.set $p (i32.add (local.get $row) (local.get $column)))
  ${repeat(
    SIDE,
    (i) => `(local.set $a${i} (v128.load align=1 (local.get $p)))
    ${i + 1 < SIDE ? advance('p', '(local.get $width)') : ''}`,
  )}
  ${interleave('a', 'b')} ${interleave('b', 'a')} ${interleave('a', 'b')} ${interleave('b', 'a')}
  (local.set $p (i32.add (local.get $table) (i32.shl (local.get $column) (i32.const 2))))
  ${repeat(
    SIDE,
    (i) =>
      `(v128.store align=1 (i32.add (local.get $d) (i32.load offset=${4 * i} (local.get $p))) (local.get $a${i}))`,
  )}`;

/**
 * Puts byte (row, column) of a matrix at `to + table[column] + row`. Rows are `width` bytes long; `rows` and `columns`,
 * those that are moved, are multiples of 16.
 */
export const SCATTER_BYTES: string = `(func (export "scatterBytes") ${params('i32', 'from', 'width', 'rows', 'columns', 'table', 'to')}
  ${TILE_LOCALS} ${locals('i32', 'row', 'd', 'p')} ${locals('v128', ...vectors('a'), ...vectors('b'))}
  ${tiles(
    SIDE,
    SIDE,
    BLOCK,
    `(local.set $row (local.get $from)) (local.set $d (local.get $to))`,
    `${advance('row', `(i32.mul (local.get $width) (i32.const ${SIDE}))`)} ${advance('d', `(i32.const ${SIDE})`)}`,
  )})`;
