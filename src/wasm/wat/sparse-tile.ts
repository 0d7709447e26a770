import { addProduct, advance, locals, params, type Rounding, repeat } from './text';
import { FAR_ENTRY, GROUP, GROUP_BITS, NEAR_ENTRY, TILE } from './tile';

const ACCUMULATORS = TILE / 4;

const PARAMS = [
  params('i32', 'heads', 'headsEnd', 'stream', 'x', 'bias', 'y'),
  params('f32', 'min', 'max'),
].join(' ');

/** How far from a tile inputs may be. */
type Reach = 'near' | 'far';

/** Bytes of a weight with its offset, and how the offset is read. */
const ENTRIES: Readonly<Record<Reach, { readonly entry: number; readonly offset: string }>> = {
  near: {
    entry: NEAR_ENTRY,
    offset: '(i32.shl (i32.load16_u offset=4 (local.get $stream)) (i32.const 2))',
  },
  far: { entry: FAR_ENTRY, offset: '(i32.load offset=4 (local.get $stream))' },
};

/** What is no number stays so, as in tfjs's convolutions. */
function clamped(value: string): string {
  return `(f32x4.pmin (f32x4.pmax ${value} (local.get $low)) (local.get $high))`;
}

/**
 * Multiplies a tile of pixels by all output channels, only their weights that are not zero:
 * `y[channel][pixel] = clamp(bias[channel] + Σ weight · x[offset + pixel])`, added up in the order of the stream, a
 * product and a sum at a time.
 *
 * - `heads` to `headsEnd`: a channel each, a u32: how many weights it has, times {@link GROUP}, plus its number in its group
 * - `stream`: { f32 weight, u32 byte offset from `x` } for each weight, channel after channel; near, { f32 weight, u16 offset
 *   from `x` in floats }
 * - `y`: {@link TILE} floats a channel
 *
 * @param vectors How many fours of pixels, up to seven.
 * @param reach How far inputs are from `x`.
 * @param rounding How products are added.
 */
function tile(vectors: number, reach: Reach, rounding: Rounding): string {
  const { entry, offset } = ENTRIES[reach];
  const accumulators = Array.from({ length: vectors }, (_, i) => `a${i}`);
  return `(func $${reach}${vectors} (type $tile) ${PARAMS}
  ${locals('i32', 'first', 'head', 'stop', 'p', 'channel')} ${locals('v128', 'w', 'low', 'high', ...accumulators)}
  (local.set $low (f32x4.splat (local.get $min)))
  (local.set $high (f32x4.splat (local.get $max)))
  (local.set $first (local.get $heads))
  (block $done
  (loop $channels
    (br_if $done (i32.ge_u (local.get $heads) (local.get $headsEnd)))
    (local.set $head (i32.load (local.get $heads)))
    (local.set $channel (i32.add
      (i32.and (i32.sub (local.get $heads) (local.get $first)) (i32.const ${-4 * GROUP}))
      (i32.shl (i32.and (local.get $head) (i32.const ${GROUP - 1})) (i32.const 2))))
    (local.set $stop (i32.add (local.get $stream) (i32.mul (i32.shr_u (local.get $head) (i32.const ${GROUP_BITS})) (i32.const ${entry}))))
    (local.set $a0 (v128.load32_splat (i32.add (local.get $bias) (local.get $channel))))
    ${repeat(vectors - 1, (i) => `(local.set $a${i + 1} (local.get $a0))`)}
    (if (i32.lt_u (local.get $stream) (local.get $stop)) (then (loop $weights
      (local.set $w (v128.load32_splat align=2 (local.get $stream)))
      (local.set $p (i32.add (local.get $x) ${offset}))
      ${repeat(vectors, (i) => addProduct(`a${i}`, '(local.get $w)', `(v128.load offset=${16 * i} align=4 (local.get $p))`, rounding))}
      ${advance('stream', `(i32.const ${entry})`)}
      (br_if $weights (i32.lt_u (local.get $stream) (local.get $stop))))))
    (local.set $p (i32.add (local.get $y) (i32.mul (local.get $channel) (i32.const ${TILE}))))
    ${repeat(vectors, (i) => `(v128.store offset=${16 * i} (local.get $p) ${clamped(`(local.get $a${i})`)})`)}
    ${advance('heads', '(i32.const 4)')}
    (br $channels))))`;
}

/**
 * The tile kernels, exported as two functions, `sparseTile` and `sparseTileNear`, which take how many fours of pixels there are
 * as their last argument.
 *
 * @param rounding How products are added.
 */
export function sparseTile(rounding: Rounding): string {
  const widths = Array.from({ length: ACCUMULATORS }, (_, i) => i + 1);
  const all = (['far', 'near'] as const).flatMap((reach) => widths.map((width) => ({ reach, width })));
  const passed = ['heads', 'headsEnd', 'stream', 'x', 'bias', 'y', 'min', 'max'];
  const exported = (
    name: string,
    first: number,
  ): string => `(func (export "${name}") ${PARAMS} (param $vectors i32)
  (call_indirect (type $tile) ${passed.map((each) => `(local.get $${each})`).join(' ')} (i32.add (local.get $vectors) (i32.const ${first - 1}))))`;
  return `(type $tile (func (param i32 i32 i32 i32 i32 i32 f32 f32)))
(table ${all.length} funcref)
(elem (i32.const 0) ${all.map(({ reach, width }) => `$${reach}${width}`).join(' ')})
${all.map(({ reach, width }) => tile(width, reach, rounding)).join('\n')}
${exported('sparseTile', 0)}
${exported('sparseTileNear', ACCUMULATORS)}`;
}
