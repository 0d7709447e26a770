import { addProduct, advance, locals, params, type Rounding, repeat, whileBelow } from './text';

/** As many sums as stay in registers: with more of them V8 keeps some in memory. */
const SUMS = 8;

/** How many vectors a block fills, of four output channels each. */
type Vectors = 2 | 4;

/** Adds what a stream of blocks gives for so many pixels, clamps it and stores it. */
function pixels(count: number, vectors: Vectors, rounding: Rounding): string {
  const weights = repeat(
    vectors,
    (v) => `(local.set $w${v} (v128.load offset=${4 + 16 * v} align=4 (local.get $s)))`,
  );
  const products = repeat(
    count,
    (pixel) => `(local.set $v (v128.load32_splat (i32.add (local.get $x${pixel}) (local.get $o))))
      ${repeat(vectors, (v) => addProduct(`a${pixel}${v}`, `(local.get $w${v})`, '(local.get $v)', rounding))}`,
  );
  const clamped = (sum: string): string =>
    `(f32x4.pmin (f32x4.pmax (local.get $${sum}) (local.get $low)) (local.get $high))`;
  return `
  ${repeat(count, (pixel) => `(local.set $x${pixel} (i32.add (local.get $x) (i32.load offset=${4 * pixel} (local.get $pixel))))`)}
  ${repeat(vectors, (v) => `(local.set $a0${v} (v128.load offset=${16 * v} align=4 (local.get $bias)))`)}
  ${repeat(count - 1, (i) => repeat(vectors, (v) => `(local.set $a${i + 1}${v} (local.get $a0${v}))`))}
  (local.set $s (local.get $stream))
  ${whileBelow(
    `blocks${count}`,
    's',
    'streamEnd',
    `(local.set $o (i32.load (local.get $s)))
    ${weights}
    ${products}
    ${advance('s', `(i32.const ${4 + 16 * vectors})`)}`,
  )}
  (local.set $low (f32x4.splat (local.get $min)))
  (local.set $high (f32x4.splat (local.get $max)))
  ${repeat(
    count,
    (pixel) =>
      `${repeat(vectors, (v) => `(v128.store offset=${16 * v} align=4 (local.get $to) ${clamped(`a${pixel}${v}`)})`)}
    ${advance('to', '(local.get $yStep)')}`,
  )}
  ${advance('pixel', `(i32.const ${4 * count})`)}`;
}

/** Takes so many pixels at once, as long as so many are left. */
function atOnce(count: number, vectors: Vectors, rounding: Rounding): string {
  return `(local.set $end (i32.sub (local.get $pixelsEnd) (i32.const ${4 * (count - 1)})))
  ${whileBelow(`pixels${count}`, 'pixel', 'end', pixels(count, vectors, rounding))}`;
}

function kernel(vectors: Vectors, rounding: Rounding): string {
  const wide = SUMS / vectors;
  const sums = Array.from({ length: SUMS }, (_, i) => `a${Math.floor(i / vectors)}${i % vectors}`);
  const weights = Array.from({ length: vectors }, (_, v) => `w${v}`);
  return `(func (export "sparseBlock${4 * vectors}") ${params('i32', 'heads', 'headsEnd', 'stream', 'x', 'pixels', 'pixelsEnd', 'y', 'yStep', 'bias')} ${params('f32', 'min', 'max')}
  ${locals('i32', 'streamEnd', 'pixel', 'end', 'to', 's', 'o', ...Array.from({ length: wide }, (_, pixel) => `x${pixel}`))}
  ${locals('v128', 'low', 'high', 'v', ...weights, ...sums)}
  ${whileBelow(
    'groups',
    'heads',
    'headsEnd',
    `(local.set $streamEnd (i32.add (local.get $stream) (i32.load (local.get $heads))))
    (local.set $pixel (local.get $pixels))
    (local.set $to (local.get $y))
    ${repeat(wide, (i) => atOnce(wide - i, vectors, rounding))}
    (local.set $stream (local.get $streamEnd))
    ${advance('y', `(i32.const ${16 * vectors})`)}
    ${advance('bias', `(i32.const ${16 * vectors})`)}
    ${advance('heads', '(i32.const 4)')}`,
  )})`;
}

/**
 * Two kernels, `sparseBlock8` and `sparseBlock16`, which multiply pixels by so many neighbouring output channels at a time,
 * whose weights are zero together or not at all: `y[pixel][channel] = clamp(bias[channel] + Σ weight · x[pixel + offset])`,
 * added up in the order of the stream, a product and a sum at a time.
 *
 * - `heads` to `headsEnd`: for each group of eight or sixteen output channels, a u32: bytes of its blocks
 * - `stream`: { u32 byte offset from a pixel, eight or sixteen f32 weights } for each block that is left, group after group
 * - `pixels` to `pixelsEnd`: for each pixel of the output, a u32: byte offset from `x` of the first input that it meets
 * - `y`: the first pixel of the output, `yStep` bytes from the next
 *
 * @param rounding How products are added.
 */
export function sparseBlock(rounding: Rounding): string {
  return `${kernel(2, rounding)}
${kernel(4, rounding)}`;
}
