import type { Layout } from './layout';

type Numbers = Float32Array | Uint8Array | Uint32Array | Int32Array;

/**
 * Calls `row` for every innermost row of a layout, in row-major order: `base` is the position of the row's first
 * index without the last axis' own offset, `start` the number of elements that came before it.
 */
function forEachRow(layout: Layout, row: (base: number, start: number) => void): void {
  const outer = layout.offsets.slice(0, -1);
  const length = layout.offsets.at(-1)?.length ?? 1;
  if (layout.size === 0) return;
  const index = new Int32Array(outer.length);
  for (let start = 0; start < layout.size; start += length) {
    let base = 0;
    for (let axis = 0; axis < outer.length; axis++) base += outer[axis]![index[axis]!]!;
    row(base, start);
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      if (index[axis]! < outer[axis]!.length) break;
      index[axis] = 0;
    }
  }
}

const single = Int32Array.of(0);

/**
 * Copies the elements of a layout into a row-major array.
 *
 * @param source The flat array that the layout points into.
 * @param layout Where its elements lie.
 * @param into Where they go, row-major; at least `layout.size` long.
 * @returns `into`.
 */
export function gather<T extends Numbers>(source: T, layout: Layout, into: T): T {
  if (layout.contiguous) {
    into.set(source.subarray(0, layout.size));
    return into;
  }
  const last = layout.offsets.at(-1) ?? single;
  forEachRow(layout, (base, start) => {
    for (let i = 0; i < last.length; i++) into[start + i] = source[base + last[i]!]!;
  });
  return into;
}

/**
 * Copies a row-major array to the places that a layout names: the inverse of {@link gather}.
 *
 * @param source Row-major values, `layout.size` of them.
 * @param layout Where they go.
 * @param into The flat array that the layout points into; positions that it does not name stay as they are.
 * @returns `into`.
 */
export function scatter<T extends Numbers>(source: T, layout: Layout, into: T): T {
  if (layout.contiguous) {
    into.set(source.subarray(0, layout.size));
    return into;
  }
  const last = layout.offsets.at(-1) ?? single;
  forEachRow(layout, (base, start) => {
    for (let i = 0; i < last.length; i++) into[base + last[i]!] = source[start + i]!;
  });
  return into;
}
