import { PruneError } from '../errors';
import { type Amount, pruneCount } from './amount';
import { ChannelMask } from './channel-mask';
import { checkLayout, checkScores, layoutFrom, partialMask } from './entries';
import { defaultGenerator } from './generator';
import type { RandomOptions } from './global-random';
import type { Layout } from './layout';
import { type NormOrder, type SumSquares, sliceNorms } from './norms';
import { bitsOf, findCut, keyOf, NAN_KEY } from './select';
import { resolveDim, sliceOrder, slicesOf } from './slices';
import { takeSmallest } from './ties';
import type { MaskOption } from './unstructured';

/** Settings of structured pruning. Channels that earlier prunings removed as a whole are neither ranked nor counted. */
export interface StructuredOptions extends MaskOption {
  /** How many of the channels that are left, or what fraction of them. */
  readonly amount: Amount;
  /** The axis of the layout whose indices are the channels; negative ones count from the last. */
  readonly dim: number;
}

/** Settings of {@link lnStructured}. */
export interface LnOptions extends StructuredOptions {
  /** Which norm ranks the channels. */
  readonly n: NormOrder;
}

/** A tensor seen as channels, checked. */
interface Channels {
  readonly layout: Layout;
  readonly axis: number;
  readonly mask: Uint8Array | undefined;
  /** The channels that earlier prunings left. */
  readonly left: readonly number[];
}

/**
 * A mask that prunes the channels of smallest norm.
 *
 * Source: `torch.nn.utils.prune.LnStructured`, ties included. Norms are added up in double precision, so channels whose
 * norms differ by a rounding error of PyTorch's float32 sums can change places.
 *
 * @param scores How important each entry is, usually the masked weights themselves.
 * @param shapeOrLayout Shape of a row-major tensor, or where its elements lie in the scores; at least two axes.
 * @param options Amount, norm and axis, and earlier prunings.
 * @returns A new mask, 1 or 0 in the order of the scores.
 * @throws {@link PruneError} `argument`, `amount`, `dim` or `shape` if something given does not fit.
 * @example
 * ```ts
 * lnStructured(Float32Array.of(1, 2, 3, 4), [2, 2], { amount: 1, n: 2, dim: 0 }); // Uint8Array [0, 0, 1, 1]
 * ```
 */
export function lnStructured(
  scores: Float32Array,
  shapeOrLayout: readonly number[] | Layout,
  options: LnOptions,
): Uint8Array {
  return written(lnChannels(scores, shapeOrLayout, options));
}

/** {@link lnStructured}, written out only where whole channels do not say it all. */
export function lnChannels(
  scores: Float32Array,
  shapeOrLayout: readonly number[] | Layout,
  { amount, n, dim, mask }: LnOptions,
  sumSquares?: SumSquares,
): Uint8Array | ChannelMask {
  checkScores(scores, 'the tensor');
  const layout = layoutFrom(shapeOrLayout);
  checkLayout(layout, scores.length, 'the scores');
  const channels = channelsOf(layout, dim, mask);
  const { left } = channels;
  const count = pruneCount(amount, left.length);
  const norms = bitsOf(sliceNorms(scores, layout, dim, n, sumSquares));
  if (count === 0) return maskWithout(channels, []);
  const keys = Int32Array.from(left, (channel) => NAN_KEY - keyOf(norms[channel]!));
  const kept = takeSmallest(keys, left.length - count);
  return maskWithout(
    channels,
    left.filter((_, i) => kept[i] === 0),
  );
}

/**
 * A mask that prunes channels drawn at random.
 *
 * Source: `torch.nn.utils.prune.RandomStructured`: the same mask for the same seed. As there, two equal draws at the
 * cut (about once in 2²⁴ channels) are both pruned.
 *
 * @param shapeOrLayout Shape of a row-major tensor, or where its elements lie; at least two axes.
 * @param options Amount and axis, earlier prunings, and where the random numbers come from: one for each channel that is
 * left, none where none is to be pruned.
 * @returns A new mask, 1 or 0 in the order of the flat array.
 * @throws {@link PruneError} `argument`, `amount`, `dim` or `shape` if something given does not fit.
 * @example
 * ```ts
 * randomStructured([8, 3, 3, 3], { amount: 0.5, dim: 0, generator: new Generator(0) });
 * ```
 */
export function randomStructured(
  shapeOrLayout: readonly number[] | Layout,
  options: StructuredOptions & RandomOptions,
): Uint8Array {
  return written(randomChannels(shapeOrLayout, options));
}

/** {@link randomStructured}, written out only where whole channels do not say it all. */
export function randomChannels(
  shapeOrLayout: readonly number[] | Layout,
  { amount, dim, mask, generator = defaultGenerator }: StructuredOptions & RandomOptions,
): Uint8Array | ChannelMask {
  const layout = layoutFrom(shapeOrLayout);
  checkLayout(layout, layout.size, 'the tensor');
  const channels = channelsOf(layout, dim, mask);
  const { left } = channels;
  const count = pruneCount(amount, left.length);
  if (count === 0) return maskWithout(channels, []);
  const draws = new Int32Array(left.length);
  generator.fillRand24(draws);
  const { threshold } = findCut([{ bits: draws }], count);
  return maskWithout(
    channels,
    left.filter((_, i) => draws[i]! <= threshold),
  );
}

function channelsOf(layout: Layout, dim: number, mask: Uint8Array | undefined): Channels {
  const rank = layout.shape.length;
  if (rank < 2) {
    throw new PruneError(
      'argument',
      `Structured pruning needs a tensor of at least 2 axes, but got the shape [${layout.shape.join(', ')}]; prune it unstructured.`,
      { given: layout.shape, allowed: 'a shape of at least 2 axes' },
    );
  }
  const axis = resolveDim(dim, rank);
  const all = Array.from(layout.offsets[axis]!, (_, channel) => channel);
  const partial = partialMask(mask, layout.size, 'the tensor');
  if (partial === undefined) return { layout, axis, mask: partial, left: all };
  const alive = aliveChannels(layout, axis, partial);
  return { layout, axis, mask: partial, left: all.filter((channel) => alive[channel] === 1) };
}

/** For each channel, 1 where some of its entries are left. Looks no further once all are known to. */
function aliveChannels(layout: Layout, axis: number, mask: Uint8Array): Uint8Array {
  const count = layout.shape[axis]!;
  const slices = slicesOf(layout, axis);
  const order = slices === undefined ? sliceOrder(layout, axis) : undefined;
  const run = slices?.run ?? layout.size / count;
  const alive = new Uint8Array(count);
  let dead = count;
  for (let from = 0, slot = 0; dead > 0 && from < mask.length; from += run) {
    for (let i = from; alive[slot] === 0 && i < from + run; i++) {
      if (mask[order === undefined ? i : order[i]!] === 0) continue;
      alive[slot] = 1;
      dead--;
    }
    slot = slot + 1 === count ? 0 : slot + 1;
  }
  return slices === undefined ? alive : Uint8Array.from(slices.slots, (slot) => alive[slot]!);
}

/** What was left before, without some channels. */
function maskWithout(
  { layout, axis, mask: old }: Channels,
  removed: readonly number[],
): Uint8Array | ChannelMask {
  if (removed.length === 0 && old !== undefined) return old.slice();
  const slices = slicesOf(layout, axis);
  if (slices !== undefined && old === undefined) return new ChannelMask(layout.size, slices, removed);
  const mask =
    slices === undefined
      ? maskInOrder(layout, axis, removed)
      : new ChannelMask(layout.size, slices, removed).bytes;
  if (old !== undefined) for (let i = 0; i < mask.length; i++) mask[i]! &= old[i]!;
  return mask;
}

function maskInOrder(layout: Layout, axis: number, removed: readonly number[]): Uint8Array {
  const mask = new Uint8Array(layout.size).fill(1);
  const order = sliceOrder(layout, axis);
  const run = layout.size / layout.shape[axis]!;
  for (const channel of removed) for (let i = 0; i < run; i++) mask[order[channel * run + i]!] = 0;
  return mask;
}

function written(mask: Uint8Array | ChannelMask): Uint8Array {
  return mask instanceof ChannelMask ? mask.bytes : mask;
}
