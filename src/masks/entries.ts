import { PruneError } from '../errors';
import { checkLength } from './checks';
import { flatGrid, type Grid, gridOf } from './grid';
import { type Layout, reachOf, rowMajor } from './layout';

/** A tensor whose entries are to be ranked, checked. */
export interface Entries {
  /** Length of its flat array. */
  readonly size: number;
  /** Where its elements lie; undefined for row-major order. */
  readonly layout: Layout | undefined;
  /** The same as positions to walk over. */
  readonly grid: Grid;
  /** What earlier prunings left, in the order of the array; undefined where that is everything. */
  readonly mask: Uint8Array | undefined;
  /** How many entries there are to rank. */
  readonly remaining: number;
}

/**
 * Checks what was given for one tensor.
 *
 * @param size Length of the flat array.
 * @param layout Where its elements lie; in row-major order by default.
 * @param mask What earlier prunings left; everything by default.
 * @param where How messages name the tensor.
 * @returns The checked entries.
 * @throws {@link PruneError} `shape` if a length does not fit, `argument` if the mask holds anything but 0 and 1.
 */
export function entriesOf(
  size: number,
  layout: Layout | undefined,
  mask: Uint8Array | undefined,
  where: string,
): Entries {
  if (layout !== undefined) checkLayout(layout, size, where);
  const grid = layout === undefined ? flatGrid(size) : gridOf(layout);
  if (mask === undefined) return { size, layout, grid, mask, remaining: size };
  checkLength(mask.length, size, `The mask of ${where}`);
  const remaining = ones(mask, `The mask of ${where}`);
  return { size, layout, grid, mask: remaining === size ? undefined : mask, remaining };
}

/**
 * Checks what earlier prunings left.
 *
 * @param mask 1 or 0 an entry; everything by default.
 * @param size How many entries there are.
 * @param where How messages name the tensor.
 * @returns The mask; undefined where it leaves nothing out.
 * @throws {@link PruneError} `shape` if its length does not fit, `argument` if it holds anything but 0 and 1.
 */
export function partialMask(
  mask: Uint8Array | undefined,
  size: number,
  where: string,
): Uint8Array | undefined {
  if (mask === undefined) return undefined;
  checkLength(mask.length, size, `The mask of ${where}`);
  return ones(mask, `The mask of ${where}`) === size ? undefined : mask;
}

/**
 * The layout that a shape or a layout stands for.
 *
 * @param shapeOrLayout Sizes of a row-major array, or a layout.
 * @returns The layout.
 * @throws {@link PruneError} `shape` if a size is not a whole number ≥ 0.
 */
export function layoutFrom(shapeOrLayout: readonly number[] | Layout): Layout {
  return 'offsets' in shapeOrLayout ? shapeOrLayout : rowMajor(shapeOrLayout);
}

/**
 * Checks that scores are floats.
 *
 * @param scores What the caller gave.
 * @param where How messages name the tensor.
 * @throws {@link PruneError} `argument` if they are not a Float32Array.
 */
export function checkScores(scores: unknown, where: string): asserts scores is Float32Array {
  if (scores instanceof Float32Array) return;
  const given =
    scores === null ? 'null' : typeof scores === 'object' ? scores.constructor?.name : typeof scores;
  throw new PruneError('argument', `The scores of ${where} must be a Float32Array, but got ${given}.`, {
    given: scores,
    allowed: 'a Float32Array',
  });
}

/**
 * Checks that a layout describes the whole of an array.
 *
 * @param layout The layout.
 * @param size Length of the array.
 * @param where How messages name the tensor.
 * @throws {@link PruneError} `shape` if it has another number of elements or reaches outside.
 */
export function checkLayout(layout: Layout, size: number, where: string): void {
  checkLength(layout.size, size, `The layout [${layout.shape.join(', ')}] of ${where}`);
  if (size === 0 || layout.contiguous) return;
  const { lowest, highest } = reachOf(layout);
  if (lowest === 0 && highest === size - 1) return;
  throw new PruneError(
    'shape',
    `The layout of ${where} must reach from 0 to ${size - 1}, but it reaches from ${lowest} to ${highest}.`,
    { given: layout, allowed: `a layout of all ${size} entries` },
  );
}

/**
 * Counts the ones of a mask.
 *
 * @param mask Numbers that must be 0 or 1.
 * @param what The mask, as the subject of a sentence.
 * @returns How many are 1.
 * @throws {@link PruneError} `argument` if one is neither.
 */
export function ones(mask: ArrayLike<number>, what: string): number {
  let count = 0;
  for (let i = 0; i < mask.length; i++) {
    const value = mask[i]!;
    // One test that is never true, instead of two that are true half of the time.
    if (value * (1 - value) !== 0) {
      throw new PruneError('argument', `${what} must hold only 0 and 1, but entry ${i} is ${value}.`, {
        given: value,
        allowed: ['0', '1'],
      });
    }
    count += value;
  }
  return count;
}

/** How many entries there are to rank, over all tensors. */
export function remainingOf(entries: readonly Entries[]): number {
  return entries.reduce((sum, { remaining }) => sum + remaining, 0);
}

/** The mask of a tensor of which nothing is pruned now. */
export function unchanged({ size, mask }: Entries): Uint8Array {
  return mask === undefined ? new Uint8Array(size).fill(1) : mask.slice();
}

/** How messages name one of several tensors. */
export function nameOf(part: number, parts: number): string {
  return parts === 1 ? 'the tensor' : `part ${part}`;
}
