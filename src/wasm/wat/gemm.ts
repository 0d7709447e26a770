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

/** Adds what is there already, where the product is added to it. */
function store(address: string, row: number, v: number): string {
  const value = `(local.get $a${row}${v})`;
  const there = `(v128.load offset=${16 * v} align=4 ${address})`;
  return `(v128.store offset=${16 * v} align=4 ${address} (if (result v128) (local.get $add) (then (f32x4.add ${there} ${value})) (else ${value})))`;
}

/** The last columns go through memory at `spill`, one by one. */
const EDGE = repeat(
  PANEL_ROWS,
  (row) => `(local.set $r (i32.add (i32.load offset=${4 * row} (local.get $rp)) (local.get $cOffset)))
    ${repeat(VECTORS, (v) => `(v128.store offset=${16 * v} align=4 (local.get $spill) (local.get $a${row}${v}))`)}
    (local.set $s (local.get $spill))
    (local.set $stop (i32.add (local.get $spill) (i32.shl (local.get $columns) (i32.const 2))))
    ${whileBelow(
      `edge${row}`,
      's',
      'stop',
      `(f32.store (local.get $r) (if (result f32) (local.get $add) (then (f32.add (f32.load (local.get $r)) (f32.load (local.get $s)))) (else (f32.load (local.get $s)))))
      ${advance('s', '(i32.const 4)')}
      ${advance('r', '(i32.const 4)')}`,
    )}`,
);

/**
 * Multiplies packed matrices: `c[row][column] (+)= Σ a[k][row] · b[k][column]`.
 *
 * - `a` to `aEnd`: panels of {@link PANEL_ROWS} rows, `depth` long, which is at least 1
 * - `b` to `bEnd`: panels of {@link PANEL_COLUMNS} columns, as long
 * - `rows`: the address of each row of the result, to which `cOffset` is added; `columns` are left from there on
 * - `add`: whether to add to the result what is there
 * - `spill`: room for {@link PANEL_COLUMNS} floats
 */
export const GEMM: string = `(func (export "gemm") ${params('i32', 'a', 'aEnd', 'b', 'bEnd', 'depth', 'rows', 'cOffset', 'columns', 'add', 'spill')}
  ${locals('i32', 'p', 'q', 'pEnd', 'rp', 'r', 's', 'stop', 'ap')}
  ${locals('v128', 'w', 'b0', 'b1', ...ACCUMULATORS)}
  ${whileBelow(
    'bPanels',
    'b',
    'bEnd',
    `(local.set $ap (local.get $a))
    (local.set $rp (local.get $rows))
    ${whileBelow(
      'aPanels',
      'ap',
      'aEnd',
      `${each((row, v) => `(local.set $a${row}${v} (v128.const i32x4 0 0 0 0))`)}
      (local.set $p (local.get $ap))
      (local.set $q (local.get $b))
      (local.set $pEnd (i32.add (local.get $p) (i32.mul (local.get $depth) (i32.const ${4 * PANEL_ROWS}))))
      (loop $steps
        ${STEP}
        ${advance('q', `(i32.const ${4 * PANEL_COLUMNS})`)}
        ${advance('p', `(i32.const ${4 * PANEL_ROWS})`)}
        (br_if $steps (i32.lt_u (local.get $p) (local.get $pEnd))))
      (if (i32.ge_s (local.get $columns) (i32.const ${PANEL_COLUMNS}))
        (then ${repeat(
          PANEL_ROWS,
          (row) => `(local.set $r (i32.add (i32.load offset=${4 * row} (local.get $rp)) (local.get $cOffset)))
          ${repeat(VECTORS, (v) => store('(local.get $r)', row, v))}`,
        )})
        (else ${EDGE}))
      (local.set $ap (local.get $pEnd))
      ${advance('rp', `(i32.const ${4 * PANEL_ROWS})`)}`,
    )}
    (local.set $b (local.get $q))
    ${advance('cOffset', `(i32.const ${4 * PANEL_COLUMNS})`)}
    (local.set $columns (i32.sub (local.get $columns) (i32.const ${PANEL_COLUMNS})))`,
  )})`;
