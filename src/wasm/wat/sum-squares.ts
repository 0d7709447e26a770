import { advance, locals, params, repeat, whileBelow } from './text';

/** Rows that are added up before their sum goes to memory. */
const ROWS = 8;

/** The square of the low or high two of the four floats in $v, in double precision. */
function square(half: 'low' | 'high'): string {
  const two =
    half === 'low'
      ? '(local.get $v)'
      : `(i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $v) (local.get $v))`;
  return `(local.set $d (f64x2.promote_low_f32x4 ${two})) (local.set $d (f64x2.mul (local.get $d) (local.get $d)))`;
}

/** Loads a row's four floats and adds their squares to a sum, or begins it with them. */
function addRow(row: number, sum: string): string {
  const begins = row % 4 === 0;
  const add = (half: 'low' | 'high'): string => `${square(half)}
    (local.set $${sum}.${half} ${begins ? '(local.get $d)' : `(f64x2.add (local.get $${sum}.${half}) (local.get $d))`})`;
  return `(local.set $v (v128.load align=4 (local.get $p)))
    ${add('low')}
    ${add('high')}
    ${advance('p', '(local.get $rowBytes)')}`;
}

function store(half: 'low' | 'high', offset: number): string {
  return `(v128.store offset=${offset} align=8 (local.get $t) (f64x2.add (v128.load offset=${offset} align=8 (local.get $t)) (f64x2.add (local.get $first.${half}) (local.get $second.${half}))))`;
}

/**
 * Adds the squares of every column of a matrix of floats to `totals`, doubles: eight rows at a time, each four of them
 * in order. The width must be a multiple of four and the rows of eight; `end` is where the rows end.
 */
export const SUM_SQUARES: string = `(func (export "sumSquares") ${params('i32', 'x', 'end', 'rowBytes', 'totals')}
  ${locals('i32', 'p', 'column', 't')} ${locals('v128', 'v', 'd', 'first.low', 'first.high', 'second.low', 'second.high')}
  ${whileBelow(
    'rows',
    'x',
    'end',
    `(local.set $column (i32.const 0))
    (local.set $t (local.get $totals))
    ${whileBelow(
      'columns',
      'column',
      'rowBytes',
      `(local.set $p (i32.add (local.get $x) (local.get $column)))
      ${repeat(ROWS, (row) => addRow(row, row < 4 ? 'first' : 'second'))}
      ${store('low', 0)}
      ${store('high', 16)}
      ${advance('column', '(i32.const 16)')}
      ${advance('t', '(i32.const 32)')}`,
    )}
    ${advance('x', `(i32.mul (local.get $rowBytes) (i32.const ${ROWS}))`)}`,
  )})`;
