import { advance, locals, params, repeat, whileBelow } from './text';
import { transposeFour } from './transpose-four';

/** Loads four rows of four floats from $s on, transposes them and stores them from $d on. */
const BLOCK = transposeFour(
  ['', '$srcStep', '$srcStep2', '$srcStep3'].map((step) => `(v128.load ${at('s', step)})`),
  (row, value) => `(v128.store ${at('d', ['', '$dstStep', '$dstStep2', '$dstStep3'][row]!)} ${value})`,
);

function at(start: string, step: string): string {
  return step === '' ? `(local.get $${start})` : `(i32.add (local.get $${start}) (local.get ${step}))`;
}

/** Both axes, as the loops see them: how far a step along each is in the source and in the target, for one element. */
const AXES = {
  row: { from: '(local.get $srcStep)', to: '(i32.const 4)' },
  column: { from: '(i32.const 4)', to: '(local.get $dstStep)' },
} as const;

const times = (amount: string, n: number): string => `(i32.mul ${amount} (i32.const ${n}))`;
const product = (a: string, b: string): string => `(i32.mul ${a} ${b})`;
const to = (start: string, offset: string): string => `(i32.add (local.get $${start}) ${offset})`;

/** Copies the rows from $row0 and the columns from $column0 on one by one, which is for the edges. */
function edge(label: string, row0: string, column0: string, rows: string, columns: string): string {
  return `
  (local.set $i ${row0})
  ${whileBelow(
    `${label}.rows`,
    'i',
    rows,
    `
    (local.set $j ${column0})
    (local.set $s ${to('src', `(i32.add ${product('(local.get $i)', AXES.row.from)} ${times('(local.get $j)', 4)})`)})
    (local.set $d ${to('dst', `(i32.add ${product('(local.get $j)', AXES.column.to)} ${times('(local.get $i)', 4)})`)})
    ${whileBelow(
      `${label}.columns`,
      'j',
      columns,
      `
      (f32.store (local.get $d) (f32.load (local.get $s)))
      ${advance('s', AXES.column.from)}
      ${advance('d', AXES.column.to)}
      ${advance('j', '(i32.const 1)')}`,
    )}
    ${advance('i', '(i32.const 1)')}`,
  )}`;
}

/**
 * Transposes a matrix of floats, `dst[column][row] = src[row][column]`; steps are bytes from one row of either to its
 * next.
 *
 * @param name The export.
 * @param inner The axis that the inner loop walks along: the one along which memory is written more closely.
 */
export function transpose(name: string, inner: 'row' | 'column'): string {
  const outer = inner === 'row' ? 'column' : 'row';
  const [outerEnd, innerEnd] = [`${outer}s4`, `${inner}s4`];
  return `(func (export "${name}") ${params('i32', 'src', 'srcStep', 'rows', 'columns', 'dst', 'dstStep')}
  ${locals('i32', 's', 'd', 's0', 'd0', 'i', 'j', 'rows4', 'columns4', 'srcStep2', 'srcStep3', 'dstStep2', 'dstStep3')}
  ${locals('v128', 'a', 'b', 'c', 'e', 'ab', 'ce')}
  ${repeat(2, (i) => `(local.set $srcStep${i + 2} ${times('(local.get $srcStep)', i + 2)})`)}
  ${repeat(2, (i) => `(local.set $dstStep${i + 2} ${times('(local.get $dstStep)', i + 2)})`)}
  (local.set $rows4 (i32.and (local.get $rows) (i32.const -4)))
  (local.set $columns4 (i32.and (local.get $columns) (i32.const -4)))
  (local.set $s0 (local.get $src))
  (local.set $d0 (local.get $dst))
  ${whileBelow(
    'outer',
    'i',
    outerEnd,
    `
    (local.set $s (local.get $s0))
    (local.set $d (local.get $d0))
    (local.set $j (i32.const 0))
    ${whileBelow(
      'inner',
      'j',
      innerEnd,
      `${BLOCK}
      ${advance('s', times(AXES[inner].from, 4))}
      ${advance('d', times(AXES[inner].to, 4))}
      ${advance('j', '(i32.const 4)')}`,
    )}
    ${advance('s0', times(AXES[outer].from, 4))}
    ${advance('d0', times(AXES[outer].to, 4))}
    ${advance('i', '(i32.const 4)')}`,
  )}
  ${edge('right', '(i32.const 0)', '(local.get $columns4)', 'rows4', 'columns')}
  ${edge('below', '(local.get $rows4)', '(i32.const 0)', 'rows', 'columns')})`;
}
