import { PANEL_COLUMNS, PANEL_ROWS } from './panel';
import { advance, locals, params, repeat, whileBelow } from './text';

const VECTORS = PANEL_COLUMNS / 4;
const ACCUMULATORS = Array.from(
  { length: PANEL_ROWS * VECTORS },
  (_, i) => `a${Math.floor(i / VECTORS)}${i % VECTORS}`,
);

const each = (piece: (row: number, v: number) => string): string =>
  repeat(PANEL_ROWS, (row) => repeat(VECTORS, (v) => piece(row, v)));

/**
 * One step along the axis that is added up along. V8 (Node 20) keeps all of it in registers only if the loop does one step at a
 * time: with four it reached 15 GFLOP/s, with one 41.
 */
const STEP = `${repeat(VECTORS, (v) => `(local.set $b${v} (v128.load offset=${16 * v} align=4 (local.get $q)))`)}
  ${repeat(
    PANEL_ROWS,
    (row) => `(local.set $w (v128.load32_splat offset=${4 * row} (local.get $p)))
    ${repeat(VECTORS, (v) => `(local.set $a${row}${v} (f32x4.add (local.get $a${row}${v}) (f32x4.mul (local.get $w) (local.get $b${v}))))`)}`,
  )}`;

/** Writes the tile, each of its vectors as `value` makes it of the accumulator and of what is there. */
function store(value: (sum: string, there: string) => string): string {
  return repeat(
    PANEL_ROWS,
    (row) => `(local.set $r (i32.add (i32.load offset=${4 * row} (local.get $rp)) (local.get $cOffset)))
    ${repeat(
      VECTORS,
      (v) =>
        `(v128.store offset=${16 * v} align=4 (local.get $r) ${value(`(local.get $a${row}${v})`, `(v128.load offset=${16 * v} align=4 (local.get $r))`)})`,
    )}`,
  );
}

/**
 * Multiplies packed matrices: `c[row][column] (+)= Σ a[k][row] · b[k][column]`.
 *
 * - `a` to `aEnd`: at least one panel of {@link PANEL_ROWS} rows, each `panelBytes` long, which is not 0
 * - `b` to `bEnd`: at least one panel of {@link PANEL_COLUMNS} columns, as many steps long; all columns are written
 * - `rows`: the address of each row of the result, to which `cOffset` is added
 * - `add`: whether to add to the result what is there
 *
 * It is kept as small as it is, without the last columns of {@link SPILL}, for the registers' sake.
 */
export const GEMM: string = `(func (export "gemm") ${params('i32', 'a', 'aEnd', 'b', 'bEnd', 'panelBytes', 'rows', 'cOffset', 'add')}
  ${locals('i32', 'p', 'q', 'pEnd', 'rp', 'r', 'ap')}
  ${locals('v128', 'w', 'b0', 'b1', ...ACCUMULATORS)}
  (loop $bPanels
    (local.set $ap (local.get $a))
    (local.set $rp (local.get $rows))
    (loop $aPanels
      ${each((row, v) => `(local.set $a${row}${v} (v128.const i32x4 0 0 0 0))`)}
      (local.set $p (local.get $ap))
      (local.set $q (local.get $b))
      (local.set $pEnd (i32.add (local.get $p) (local.get $panelBytes)))
      (loop $steps
        ${STEP}
        ${advance('q', `(i32.const ${4 * PANEL_COLUMNS})`)}
        ${advance('p', `(i32.const ${4 * PANEL_ROWS})`)}
        (br_if $steps (i32.lt_u (local.get $p) (local.get $pEnd))))
      (if (local.get $add)
        (then ${store((sum, there) => `(f32x4.add ${there} ${sum})`)})
        (else ${store((sum) => sum)}))
      (local.set $ap (local.get $pEnd))
      ${advance('rp', `(i32.const ${4 * PANEL_ROWS})`)}
      (br_if $aPanels (i32.lt_u (local.get $ap) (local.get $aEnd))))
    (local.set $b (local.get $q))
    ${advance('cOffset', `(i32.const ${4 * PANEL_COLUMNS})`)}
    (br_if $bPanels (i32.lt_u (local.get $b) (local.get $bEnd)))))`;

/**
 * Brings the columns that are left over, fewer than {@link PANEL_COLUMNS}, from where the product has put them to the result.
 *
 * - `src`: rows of {@link PANEL_COLUMNS} floats
 * - `rows` to `rowsEnd`: the address of each row of the result, to which `cOffset` is added
 * - `bytes`: of a row that are taken
 * - `add`: whether to add to the result what is there
 */
export const SPILL: string = `(func (export "spill") ${params('i32', 'src', 'rows', 'rowsEnd', 'cOffset', 'bytes', 'add')}
  ${locals('i32', 's', 'stop', 'r')} (local $value f32)
  ${whileBelow(
    'rows.loop',
    'rows',
    'rowsEnd',
    `(local.set $r (i32.add (i32.load (local.get $rows)) (local.get $cOffset)))
    (local.set $s (local.get $src))
    (local.set $stop (i32.add (local.get $src) (local.get $bytes)))
    ${whileBelow(
      'columns',
      's',
      'stop',
      `(local.set $value (f32.load (local.get $s)))
      (if (local.get $add) (then (local.set $value (f32.add (f32.load (local.get $r)) (local.get $value)))))
      (f32.store (local.get $r) (local.get $value))
      ${advance('s', '(i32.const 4)')}
      ${advance('r', '(i32.const 4)')}`,
    )}
    ${advance('src', `(i32.const ${4 * PANEL_COLUMNS})`)}
    ${advance('rows', '(i32.const 4)')}`,
  )})`;
