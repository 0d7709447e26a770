import { advance, locals, params, repeat } from './text';
import { TILE_LOCALS, tiles } from './tiles';
import { transposeFour } from './transpose-four';

/** Rows and columns that are transposed at once, and rows whose words fill a cache line. */
const SIDE = 4;
const LINE = 16;

const columnAt = (i: number): string =>
  `(v128.load align=4 (i32.add (local.get $row) (i32.shl (i32.load offset=${4 * i} (local.get $p)) (i32.const 2))))`;

const BLOCK = `(local.set $to (local.get $d))
  ${transposeFour(
    [0, 1, 2, 3].map(columnAt),
    (_, value) => `(v128.store align=4 (local.get $to) ${value}) ${advance('to', '(local.get $width)')}`,
  )}`;

/** The rows of a cache line, four by four, of four columns. */
const LINE_OF_COLUMNS = `(local.set $p (i32.add (local.get $table) (i32.shl (local.get $column) (i32.const 2))))
  (local.set $row (local.get $source))
  (local.set $d (i32.add (local.get $target) (i32.shl (local.get $column) (i32.const 2))))
  ${repeat(
    LINE / SIDE,
    () => `${BLOCK}
    ${advance('row', `(i32.const ${4 * SIDE})`)}
    ${advance('d', `(i32.shl (local.get $width) (i32.const 2))`)}`,
  )}`;

/**
 * Puts word `from + table[column] + row` at (row, column) of a matrix: the way back of scatter-bytes.ts, for words. Rows of
 * the matrix are `width` bytes long; of its rows `rows` are filled, a multiple of 16, and `columns`, a multiple of 4.
 */
export const GATHER_WORDS: string = `(func (export "gatherWords") ${params('i32', 'from', 'table', 'columns', 'rows', 'matrix', 'width')}
  ${TILE_LOCALS} ${locals('i32', 'row', 'source', 'target', 'd', 'p', 'to')} ${locals('v128', 'a', 'b', 'c', 'e', 'ab', 'ce')}
  ${tiles(
    LINE,
    SIDE,
    LINE_OF_COLUMNS,
    `(local.set $source (local.get $from)) (local.set $target (local.get $matrix))`,
    `${advance('source', `(i32.const ${4 * LINE})`)} ${advance('target', `(i32.mul (local.get $width) (i32.const ${LINE}))`)}`,
  )})`;
