import { expanded, type Layout, merged, permuted, taken } from '../../src/masks/layout';

/** A parameter of the fixtures: see generate/masks.py. */
export interface Parameter {
  readonly layer: { readonly kind: string; readonly groups?: number };
  readonly parameter: string;
  readonly shape: readonly number[];
}

const REVERSED = [3, 2, 0, 1];

/** torch's view of a parameter that lies in memory as TensorFlow stores it. */
export function storedLayout({ layer, shape }: Parameter): Layout {
  if (shape.length === 1) return permuted(shape, [0]);
  if (layer.groups !== undefined) return depthwise(shape, layer.groups);
  if (layer.kind === 'GRU') return gates(shape);
  if (shape.length === 2) return fromStored(shape, [1, 0]);
  if (shape.length === 3) return fromStored(shape, [2, 1, 0]);
  if (shape.length === 4) return fromStored(shape, REVERSED);
  return fromStored(shape, [4, 3, 0, 1, 2]);
}

function fromStored(shape: readonly number[], order: readonly number[]): Layout {
  const stored = new Array<number>(shape.length);
  order.forEach((axis, i) => {
    stored[axis] = shape[i]!;
  });
  return permuted(stored, order);
}

/** [channels × multiplier, 1, height, width] from [height, width, channels, multiplier]. */
function depthwise([out, , height, width]: readonly number[], channels: number): Layout {
  const stored = permuted([height!, width!, channels, out! / channels], [2, 3, 0, 1]);
  return expanded(merged(stored, 0), 1);
}

/** torch's gates r, z, n from Keras's z, r, h, transposed. */
function gates(shape: readonly number[]): Layout {
  const units = shape[0]! / 3;
  const block = (gate: number): number[] => Array.from({ length: units }, (_, i) => gate * units + i);
  return taken(fromStored(shape, [1, 0]), 0, [...block(1), ...block(0), ...block(2)]);
}
