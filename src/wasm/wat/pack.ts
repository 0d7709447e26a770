import { advance, locals, params, repeat, whileBelow } from './text';
import { transposeFour } from './transpose-four';

/**
 * Packs matrices for {@link GEMM}. A matrix is given as a table of row addresses, so that the windows of a convolution are
 * packed as they are read and never stand in memory as a matrix. A panel holds `width` neighbouring rows or columns, the
 * axis that is added up along outside.
 */

/**
 * Panels of `width` rows each: `dst[panel][column][row]`. `rows` to `rowsEnd` are addresses, a multiple of `width` of them;
 * `offset` is added to each, and `columns` floats are read from there on. `dstStep` is bytes from panel to panel.
 *
 * @param name The export.
 * @param width Rows of a panel, a multiple of four.
 */
export function packRows(name: string, width: number): string {
  const rows = Array.from({ length: width }, (_, i) => `s${i}`);
  const groups = width / 4;
  return `(func (export "${name}") ${params('i32', 'rows', 'rowsEnd', 'offset', 'columns', 'dst', 'dstStep')}
  ${locals('i32', 'd', 'stop', 'whole', ...rows)} ${locals('v128', 'a', 'b', 'c', 'e', 'ab', 'ce')}
  ${whileBelow(
    'panels',
    'rows',
    'rowsEnd',
    `${repeat(width, (i) => `(local.set $s${i} (i32.add (i32.load offset=${4 * i} (local.get $rows)) (local.get $offset)))`)}
    (local.set $d (local.get $dst))
    (local.set $whole (i32.add (local.get $s0) (i32.shl (i32.and (local.get $columns) (i32.const -4)) (i32.const 2))))
    (local.set $stop (i32.add (local.get $s0) (i32.shl (local.get $columns) (i32.const 2))))
    ${whileBelow(
      'fours',
      's0',
      'whole',
      `${repeat(
        groups,
        (g) =>
          `${transposeFour(
            ['a', 'b', 'c', 'e'].map((_, i) => `(v128.load align=4 (local.get $s${4 * g + i}))`),
            (row, value) => `(v128.store offset=${4 * width * row + 16 * g} align=4 (local.get $d) ${value})`,
          )}`,
      )}
      ${repeat(width, (i) => advance(`s${i}`, '(i32.const 16)'))}
      ${advance('d', `(i32.const ${16 * width})`)}`,
    )}
    ${whileBelow(
      'singles',
      's0',
      'stop',
      `${repeat(width, (i) => `(f32.store offset=${4 * i} (local.get $d) (f32.load (local.get $s${i})))`)}
      ${repeat(width, (i) => advance(`s${i}`, '(i32.const 4)'))}
      ${advance('d', `(i32.const ${4 * width})`)}`,
    )}
    ${advance('rows', `(i32.const ${4 * width})`)}
    ${advance('dst', '(local.get $dstStep)')}`,
  )})`;
}

/**
 * Panels of `width` columns each: `dst[panel][row][column]`, the last one filled up with zeros. The parameters are those of
 * {@link packRows}, for any number of rows.
 *
 * @param name The export.
 * @param width Columns of a panel, a multiple of four.
 */
export function packColumns(name: string, width: number): string {
  const vectors = width / 4;
  return `(func (export "${name}") ${params('i32', 'rows', 'rowsEnd', 'offset', 'columns', 'dst', 'dstStep')}
  ${locals('i32', 's', 'd', 'stop', 'whole')}
  ${whileBelow(
    'rows.loop',
    'rows',
    'rowsEnd',
    `(local.set $s (i32.add (i32.load (local.get $rows)) (local.get $offset)))
    (local.set $d (local.get $dst))
    (local.set $stop (i32.add (local.get $s) (i32.shl (local.get $columns) (i32.const 2))))
    (local.set $whole (i32.add (local.get $s) (i32.shl (i32.and (local.get $columns) (i32.const -${width})) (i32.const 2))))
    ${whileBelow(
      'panels',
      's',
      'whole',
      `${repeat(vectors, (v) => `(v128.store offset=${16 * v} align=4 (local.get $d) (v128.load offset=${16 * v} align=4 (local.get $s)))`)}
      ${advance('s', `(i32.const ${4 * width})`)}
      ${advance('d', '(local.get $dstStep)')}`,
    )}
    (if (i32.lt_u (local.get $s) (local.get $stop)) (then
      ${repeat(vectors, (v) => `(v128.store offset=${16 * v} align=4 (local.get $d) (v128.const i32x4 0 0 0 0))`)}
      ${whileBelow(
        'singles',
        's',
        'stop',
        `(f32.store (local.get $d) (f32.load (local.get $s)))
        ${advance('s', '(i32.const 4)')}
        ${advance('d', '(i32.const 4)')}`,
      )}))
    ${advance('rows', '(i32.const 4)')}
    ${advance('dst', `(i32.const ${4 * width})`)}`,
  )})`;
}
