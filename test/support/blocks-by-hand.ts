/** A second implementation of block and N:M pruning: over lists of positions, by sorting. */

/**
 * The row-major positions of groups of neighbours along one axis.
 *
 * @param shape Shape of the tensor.
 * @param dim The axis.
 * @param size How many neighbours make a group; the last one may have fewer.
 * @returns The positions of each group in the order of the axis; the groups in no particular order.
 */
export function groupsOf(shape: readonly number[], dim: number, size: number): number[][] {
  const groups = new Map<string, number[]>();
  const total = shape.reduce((product, length) => product * length, 1);
  for (let position = 0; position < total; position++) {
    const index: number[] = [];
    for (let axis = shape.length - 1, rest = position; axis >= 0; axis--) {
      index.unshift(rest % shape[axis]!);
      rest = Math.floor(rest / shape[axis]!);
    }
    index[dim] = Math.floor(index[dim]! / size);
    const key = index.join();
    groups.set(key, [...(groups.get(key) ?? []), position]);
  }
  return [...groups.values()];
}

/** The n-norm of the mean of some entries, those that are pruned being zeros; in float32. */
export function blockNorm(
  scores: ArrayLike<number>,
  mask: ArrayLike<number>,
  block: readonly number[],
  n: number,
): number {
  const sizes = block.map((position) => (mask[position] === 0 ? 0 : Math.abs(scores[position]!)));
  if (n === Infinity) return Math.max(...sizes);
  if (n === 0) return Math.fround(sizes.filter((size) => size !== 0).length / sizes.length);
  return Math.fround((sizes.reduce((sum, size) => sum + size ** n, 0) / sizes.length) ** (1 / n));
}

/** Blocks of which something is left. */
export function blocksLeft(mask: ArrayLike<number>, blocks: readonly number[][]): number[][] {
  return blocks.filter((block) => block.some((position) => mask[position] === 1));
}

/** The mask without the `count` weakest blocks of those that are left; of equals any. */
export function withoutWeakest(
  scores: ArrayLike<number>,
  mask: ArrayLike<number>,
  blocks: readonly number[][],
  count: number,
  n: number,
): number[] {
  const ranked = blocksLeft(mask, blocks).sort(
    (a, b) => blockNorm(scores, mask, a, n) - blockNorm(scores, mask, b, n),
  );
  const pruned = Array.from(mask);
  for (const block of ranked.slice(0, count)) for (const position of block) pruned[position] = 0;
  return pruned;
}

/** The mask of which each group keeps its `n` strongest entries; of equals the first. */
export function strongestOfEach(
  scores: ArrayLike<number>,
  mask: ArrayLike<number>,
  groups: readonly number[][],
  n: number,
): number[] {
  // Above infinity NaN; both far above what a float32 can be.
  const strength = (position: number): number =>
    Number.isNaN(scores[position]) ? 2 ** 300 : Math.min(Math.abs(scores[position]!), 2 ** 200);
  const kept = new Array<number>(mask.length).fill(0);
  for (const group of groups) {
    const left = group.filter((position) => mask[position] === 1);
    const ranked = left.sort((a, b) => strength(b) - strength(a));
    for (const position of ranked.slice(0, n)) kept[position] = 1;
  }
  return kept;
}
