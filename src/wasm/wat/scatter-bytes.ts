import { advance, locals, params, repeat, whileBelow } from './text';

/** Rows and columns that are transposed at once, and columns that make full cache lines. */
const SIDE = 16;
const TILE = 64;

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

const BLOCK = `(local.set $p (i32.add (local.get $row) (local.get $c)))
  ${repeat(
    SIDE,
    (i) => `(local.set $a${i} (v128.load align=1 (local.get $p)))
    ${i + 1 < SIDE ? advance('p', '(local.get $width)') : ''}`,
  )}
  ${interleave('a', 'b')} ${interleave('b', 'a')} ${interleave('a', 'b')} ${interleave('b', 'a')}
  (local.set $p (i32.add (local.get $table) (i32.shl (local.get $c) (i32.const 2))))
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
  ${locals('i32', 'tile', 'tileEnd', 'row', 'rowsEnd', 'c', 'd', 'p')} ${locals('v128', ...vectors('a'), ...vectors('b'))}
  (local.set $rowsEnd (i32.add (local.get $to) (local.get $rows)))
  ${whileBelow(
    'tiles',
    'tile',
    'columns',
    `(local.set $tileEnd (i32.add (local.get $tile) (i32.const ${TILE})))
    (if (i32.gt_u (local.get $tileEnd) (local.get $columns)) (then (local.set $tileEnd (local.get $columns))))
    (local.set $row (local.get $from))
    (local.set $d (local.get $to))
    ${whileBelow(
      'rows',
      'd',
      'rowsEnd',
      `(local.set $c (local.get $tile))
      ${whileBelow('columns', 'c', 'tileEnd', `${BLOCK} ${advance('c', `(i32.const ${SIDE})`)}`)}
      ${advance('row', `(i32.mul (local.get $width) (i32.const ${SIDE}))`)}
      ${advance('d', `(i32.const ${SIDE})`)}`,
    )}
    (local.set $tile (local.get $tileEnd))`,
  )})`;
