import { advance, locals, params, whileBelow } from './text';

/**
 * Adds up the columns of a matrix in single precision: `sums[column] += x[row][column]`.
 *
 * - `x` to `end`: rows of `rowBytes`, a multiple of 16
 * - `sums`: as long as a row
 */
export const COLUMN_SUMS: string = `(func (export "columnSums") ${params('i32', 'x', 'end', 'rowBytes', 'sums')}
  ${locals('i32', 's', 'rowEnd')}
  ${whileBelow(
    'rows',
    'x',
    'end',
    `(local.set $rowEnd (i32.add (local.get $x) (local.get $rowBytes)))
    (local.set $s (local.get $sums))
    ${whileBelow(
      'columns',
      'x',
      'rowEnd',
      `(v128.store align=4 (local.get $s) (f32x4.add (v128.load align=4 (local.get $s)) (v128.load align=4 (local.get $x))))
      ${advance('x', '(i32.const 16)')}
      ${advance('s', '(i32.const 16)')}`,
    )}`,
  )})`;
