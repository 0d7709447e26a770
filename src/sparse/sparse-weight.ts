import type { Heap } from '../wasm/heap';
import type { Kernels } from '../wasm/kernels';
import { type Convolution, type Geometry, geometryOf, pointwiseOffsets } from './geometry';
import { changeOffsets, type Packed } from './packed';
import type { Workspace } from './workspace';

/** A weight whose layers run sparse, for as long as its tensor's data stays the same. */
export interface SparseWeight {
  readonly heap: Heap;
  readonly kernels: Kernels;
  readonly workspace: Workspace;
  readonly packed: Packed;
  /** Offsets for the tiles of a pointwise convolution or of a dense layer. */
  usePointwise(): void;
  /**
   * Offsets for a convolution of images of a certain size.
   *
   * @param convolution The convolution.
   * @returns How the images are laid out.
   */
  useSpatial(convolution: Convolution): Geometry;
}

/** By the identity of a tensor's data, which changes with whatever is assigned. */
const weights = new WeakMap<object, SparseWeight>();

/**
 * @param dataId A tensor's.
 * @returns The packed weight that stands for it, undefined where it is to run dense.
 */
export function sparseWeightOf(dataId: object): SparseWeight | undefined {
  return weights.get(dataId);
}

/**
 * Lets every layer with a tensor run sparse.
 *
 * @param dataId The tensor's.
 * @param weight Its packed weight.
 */
export function setSparseWeight(dataId: object, weight: SparseWeight): void {
  weights.set(dataId, weight);
}

/**
 * Lets layers with a tensor run dense again.
 *
 * @param dataId The tensor's.
 * @param weight The packed weight, which may have been replaced by another.
 */
export function clearSparseWeight(dataId: object, weight: SparseWeight): void {
  if (weights.get(dataId) === weight) weights.delete(dataId);
}

/** What of a convolution decides how its images are laid out. */
const LAYOUT_FIELDS = [
  'inHeight',
  'inWidth',
  'outHeight',
  'outWidth',
  'filterHeight',
  'filterWidth',
  'strideHeight',
  'strideWidth',
  'dilationHeight',
  'dilationWidth',
  'padTop',
  'padLeft',
] as const satisfies ReadonlyArray<keyof Convolution>;

/**
 * Makes a sparse weight.
 *
 * @param heap Where it is packed.
 * @param kernels The kernels for that memory.
 * @param workspace Room for them to work in.
 * @param packed The weight, packed with the offsets of a pointwise convolution.
 * @param taps Number of weights of an output channel, zeros included.
 */
export function makeSparseWeight(
  heap: Heap,
  kernels: Kernels,
  workspace: Workspace,
  packed: Packed,
  taps: number,
): SparseWeight {
  const pointwise = pointwiseOffsets(taps);
  let offsets = pointwise;
  let geometry: Geometry | undefined;
  const use = (wanted: Int32Array): void => {
    if (wanted !== offsets) changeOffsets(heap, packed, offsets, wanted);
    offsets = wanted;
  };
  return {
    heap,
    kernels,
    workspace,
    packed,
    usePointwise: () => use(pointwise),
    useSpatial(convolution) {
      const current = geometry?.convolution;
      if (geometry === undefined || LAYOUT_FIELDS.some((field) => current?.[field] !== convolution[field])) {
        geometry = geometryOf(convolution);
      }
      use(geometry.offsets);
      return geometry;
    },
  };
}
