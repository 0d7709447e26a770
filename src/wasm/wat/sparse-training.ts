import { TILE_VECTORS } from './panel';
import { advance, locals, params, repeat, whileBelow } from './text';
import { transposeFour } from './transpose-four';

/**
 * Products with a matrix most of which is pruned. It is given as a stream, column by column, of its entries that are left:
 * their value, and how many bytes the row of the panel that they meet is from the panel's beginning. `ends` to `endsEnd` says
 * for each column where in the stream it ends, in bytes from `stream` on. A panel holds a number of pixels next to each other.
 */

const VECTORS = Array.from({ length: TILE_VECTORS }, (_, v) => v);
const TILE_BYTES = 16 * TILE_VECTORS;

const COLUMNS = (body: string): string =>
  `(local.set $base (local.get $stream))
  ${whileBelow(
    'columns',
    'ends',
    'endsEnd',
    `(local.set $end (i32.add (local.get $base) (i32.load (local.get $ends))))
    ${body}
    ${advance('ends', '(i32.const 4)')}`,
  )}`;

/** `y[column][pixel] = Σ value · x[row][pixel]` over the entries of the column. */
export const SPARSE_PRODUCT: string = `(func (export "sparseProduct") ${params('i32', 'ends', 'endsEnd', 'stream', 'x', 'y')}
  ${locals('i32', 'base', 'end', 'p')} ${locals('v128', 'w', ...VECTORS.map((v) => `a${v}`))}
  ${COLUMNS(`${repeat(TILE_VECTORS, (v) => `(local.set $a${v} (v128.const i32x4 0 0 0 0))`)}
    ${whileBelow(
      'entries',
      'stream',
      'end',
      `(local.set $w (v128.load32_splat (local.get $stream)))
      (local.set $p (i32.add (local.get $x) (i32.load offset=4 (local.get $stream))))
      ${repeat(TILE_VECTORS, (v) => `(local.set $a${v} (f32x4.add (local.get $a${v}) (f32x4.mul (local.get $w) (v128.load offset=${16 * v} align=4 (local.get $p)))))`)}
      ${advance('stream', '(i32.const 8)')}`,
    )}
    ${repeat(TILE_VECTORS, (v) => `(v128.store offset=${16 * v} align=4 (local.get $y) (local.get $a${v}))`)}
    ${advance('y', `(i32.const ${TILE_BYTES})`)}`)})`;

const halve = (lanes: string): string =>
  `(local.set $a0 (f32x4.add (local.get $a0) (i8x16.shuffle ${lanes} (local.get $a0) (local.get $a0))))`;

/** `sums[entry] += Σ x[row][pixel] · dy[column][pixel]` over the pixels; the values in the stream are not read. */
export const SPARSE_GRADIENT: string = `(func (export "sparseGradient") ${params('i32', 'ends', 'endsEnd', 'stream', 'x', 'dy', 'sums')}
  ${locals('i32', 'base', 'end', 'p')} ${locals('v128', 'a0', ...VECTORS.map((v) => `d${v}`))}
  ${COLUMNS(`${repeat(TILE_VECTORS, (v) => `(local.set $d${v} (v128.load offset=${16 * v} align=4 (local.get $dy)))`)}
    ${whileBelow(
      'entries',
      'stream',
      'end',
      `(local.set $p (i32.add (local.get $x) (i32.load offset=4 (local.get $stream))))
      (local.set $a0 (f32x4.mul (local.get $d0) (v128.load align=4 (local.get $p))))
      ${VECTORS.slice(1)
        .map(
          (v) =>
            `(local.set $a0 (f32x4.add (local.get $a0) (f32x4.mul (local.get $d${v}) (v128.load offset=${16 * v} align=4 (local.get $p)))))`,
        )
        .join('\n')}
      ${halve('8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7')}
      ${halve('4 5 6 7 0 1 2 3 12 13 14 15 8 9 10 11')}
      (f32.store (local.get $sums) (f32.add (f32.load (local.get $sums)) (f32x4.extract_lane 0 (local.get $a0))))
      ${advance('sums', '(i32.const 4)')}
      ${advance('stream', '(i32.const 8)')}`,
    )}
    ${advance('dy', `(i32.const ${TILE_BYTES})`)}`)})`;

/**
 * Puts values into a stream: `stream[place] = src[source]` for the pairs of source and place, in bytes, from `moves` to
 * `movesEnd`. They go in the order of the sources: the places written then are as many as there are columns, and stay in cache.
 */
export const SPARSE_REFRESH: string = `(func (export "sparseRefresh") ${params('i32', 'moves', 'movesEnd', 'src', 'stream')}
  ${whileBelow(
    'entries',
    'moves',
    'movesEnd',
    `(f32.store (i32.add (local.get $stream) (i32.load offset=4 (local.get $moves)))
      (f32.load (i32.add (local.get $src) (i32.load (local.get $moves)))))
    ${advance('moves', '(i32.const 8)')}`,
  )})`;

/** Bytes that are cleared before what belongs there is written, while they are in cache. */
const CLEARED = 65536;

/**
 * The other way round, from sums, of which there is one for every eight bytes of the stream: `dst[source] = sums[place]`, and
 * zero everywhere else up to `dstEnd`.
 */
export const SPARSE_SCATTER: string = `(func (export "sparseScatter") ${params('i32', 'moves', 'movesEnd', 'sums', 'dst', 'dstEnd')}
  ${locals('i32', 'chunk', 'chunkEnd', 'to')}
  (local.set $chunk (local.get $dst))
  ${whileBelow(
    'chunks',
    'chunk',
    'dstEnd',
    `(local.set $chunkEnd (i32.add (local.get $chunk) (i32.const ${CLEARED})))
    (if (i32.gt_u (local.get $chunkEnd) (local.get $dstEnd)) (then (local.set $chunkEnd (local.get $dstEnd))))
    (memory.fill (local.get $chunk) (i32.const 0) (i32.sub (local.get $chunkEnd) (local.get $chunk)))
    ${whileBelow(
      'entries',
      'moves',
      'movesEnd',
      `(local.set $to (i32.add (local.get $dst) (i32.load (local.get $moves))))
      (br_if $entries.end (i32.ge_u (local.get $to) (local.get $chunkEnd)))
      (f32.store (local.get $to)
        (f32.load (i32.add (local.get $sums) (i32.shr_u (i32.load offset=4 (local.get $moves)) (i32.const 1)))))
      ${advance('moves', '(i32.const 8)')}`,
    )}
    (local.set $chunk (local.get $chunkEnd))`,
  )})`;

const row = (i: number): string => `(local.get $r${i})`;
const setRows = repeat(4, (i) => `(local.set $r${i} (i32.load offset=${4 * i} (local.get $rows)))`);
const advanceRows = (bytes: number): string => repeat(4, (i) => advance(`r${i}`, `(i32.const ${bytes})`));

/**
 * Unpacks a tile: `rows[pixel][column] (+)= tile[column][pixel]`. `rows` are the addresses of the pixels; `wholeEnd` is where
 * the whole groups of four columns of the tile end, and `tileEnd` where all do.
 */
export const UNPACK_TILE: string = `(func (export "unpackTile") ${params('i32', 'tile', 'wholeEnd', 'tileEnd', 'rows', 'add')}
  ${locals('i32', 'rowsEnd', 't', 'r0', 'r1', 'r2', 'r3', 'shift')} ${locals('v128', 'a', 'b', 'c', 'e', 'ab', 'ce', 'v')}
  (local.set $rowsEnd (i32.add (local.get $rows) (i32.const ${TILE_BYTES})))
  ${whileBelow(
    'groups',
    'rows',
    'rowsEnd',
    `${setRows}
    (local.set $t (i32.add (local.get $tile) (local.get $shift)))
    ${whileBelow(
      'fours',
      't',
      'wholeEnd',
      `${transposeFour(
        [0, 1, 2, 3].map((i) => `(v128.load offset=${TILE_BYTES * i} align=4 (local.get $t))`),
        (i, value) => `(local.set $v ${value})
        (if (local.get $add) (then (local.set $v (f32x4.add (local.get $v) (v128.load align=4 ${row(i)})))))
        (v128.store align=4 ${row(i)} (local.get $v))`,
      )}
      ${advanceRows(16)}
      ${advance('t', `(i32.const ${4 * TILE_BYTES})`)}`,
    )}
    ${whileBelow(
      'singles',
      't',
      'tileEnd',
      `(local.set $v (v128.load align=4 (local.get $t)))
      ${repeat(
        4,
        (
          i,
        ) => `(f32.store ${row(i)} (if (result f32) (local.get $add) (then (f32.add (f32.load ${row(i)}) (f32x4.extract_lane ${i} (local.get $v))))
        (else (f32x4.extract_lane ${i} (local.get $v)))))`,
      )}
      ${advanceRows(4)}
      ${advance('t', `(i32.const ${TILE_BYTES})`)}`,
    )}
    ${advance('shift', '(i32.const 16)')}
    ${advance('rows', '(i32.const 16)')}`,
  )})`;
