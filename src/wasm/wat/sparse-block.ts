import { addProduct, advance, locals, params, type Rounding, repeat, whileBelow } from './text';

/** Output channels of a block: what two vectors hold. */
const VECTORS = 2;
/** Bytes of a block in the stream: an offset and its weights. */
const ENTRY = 4 + 16 * VECTORS;

/** Adds what a stream of blocks gives for so many pixels, clamps it and stores it. */
function pixels(count: number, rounding: Rounding): string {
  const each = (piece: (pixel: number, vector: number) => string): string =>
    repeat(count, (pixel) => repeat(VECTORS, (vector) => piece(pixel, vector)));
  const weights = repeat(
    VECTORS,
    (v) => `(local.set $w${v} (v128.load offset=${4 + 16 * v} align=4 (local.get $s)))`,
  );
  const products = repeat(
    count,
    (pixel) => `(local.set $v (v128.load32_splat (i32.add (local.get $x${pixel}) (local.get $o))))
      ${repeat(VECTORS, (v) => addProduct(`a${pixel}${v}`, `(local.get $w${v})`, '(local.get $v)', rounding))}`,
  );
  return `
  ${repeat(count, (pixel) => `(local.set $x${pixel} (i32.add (local.get $x) (i32.mul (local.get $xStep) (i32.const ${pixel}))))`)}
  ${each((pixel, v) => `(local.set $a${pixel}${v} (local.get $b${v}))`)}
  (local.set $s (local.get $stream))
  ${whileBelow(
    `blocks${count}`,
    's',
    'streamEnd',
    `(local.set $o (i32.load (local.get $s)))
    ${weights}
    ${products}
    ${advance('s', `(i32.const ${ENTRY})`)}`,
  )}
  ${repeat(
    count,
    (
      pixel,
    ) => `${repeat(VECTORS, (v) => `(v128.store offset=${16 * v} align=4 (local.get $y) (f32x4.pmin (f32x4.pmax (local.get $a${pixel}${v}) (local.get $low)) (local.get $high)))`)}
    ${advance('y', '(local.get $yStep)')}`,
  )}
  ${advance('x', `(i32.mul (local.get $xStep) (i32.const ${count}))`)}`;
}

/** The most pixels that the registers hold. */
const WIDE = 4;

/** Takes so many pixels at once, as long as so many are left. */
function atOnce(count: number, rounding: Rounding): string {
  return `(local.set $end (i32.sub (local.get $yEnd) (i32.mul (local.get $yStep) (i32.const ${count - 1}))))
  ${whileBelow(`pixels${count}`, 'y', 'end', pixels(count, rounding))}`;
}

/**
 * Multiplies pixels by eight neighbouring output channels, whose weights are zero together or not at all:
 * `y[channel] = clamp(bias[channel] + Σ weight · x[offset])`, added up in the order of the stream, a product and a sum
 * at a time. `stream` to `streamEnd` is { u32 byte offset from a pixel, eight f32 weights } for each block that is left;
 * `xStep` and `yStep` are bytes from one pixel to the next, `bias` the first channel's.
 *
 * @param rounding How products are added.
 */
export function sparseBlock(rounding: Rounding): string {
  return `(func (export "sparseBlock") ${params('i32', 'stream', 'streamEnd', 'x', 'xStep', 'y', 'yStep', 'yEnd', 'bias')} ${params('f32', 'min', 'max')}
  ${locals('i32', 's', 'o', 'end', ...Array.from({ length: WIDE }, (_, pixel) => `x${pixel}`))}
  ${locals('v128', 'low', 'high', 'v', ...Array.from({ length: VECTORS }, (_, v) => `w${v}`), ...Array.from({ length: VECTORS }, (_, v) => `b${v}`))}
  ${locals('v128', ...Array.from({ length: WIDE * VECTORS }, (_, i) => `a${Math.floor(i / VECTORS)}${i % VECTORS}`))}
  (local.set $low (f32x4.splat (local.get $min)))
  (local.set $high (f32x4.splat (local.get $max)))
  ${repeat(VECTORS, (v) => `(local.set $b${v} (v128.load offset=${16 * v} align=4 (local.get $bias)))`)}
  ${repeat(WIDE, (i) => atOnce(WIDE - i, rounding))})`;
}
