import * as tf from '@tensorflow/tfjs';
import { checkOptions } from '../core/options';
import { classNameOf, describe, layersOf, type Slot, slotsOf } from '../core/parameter';
import { PruneError } from '../errors';
import { activeHeap, type Heap } from '../wasm/heap';
import { type Kernels, kernelsFor } from '../wasm/kernels';
import { clearNormaliser, type Normaliser, setNormaliser } from './batch-norm';
import { type Decision, decide } from './decision';
import { pointwiseOffsets } from './geometry';
import { registerSparseKernels } from './kernels';
import { pack } from './packed';
import { clearSparseWeight, makeSparseWeight, type SparseWeight, setSparseWeight } from './sparse-weight';
import { makeWorkspace, type Workspace } from './workspace';

/** How a model is accelerated. */
export interface AccelerateOptions {
  /**
   * Refuses weights that are NaN or infinite. Zero weights are skipped, and so is 0 × NaN, which would be NaN: without
   * this option such values may be hidden. False by default.
   */
  readonly strict?: boolean;
}

/** What becomes of one weight. */
export interface LayerReport extends Decision {
  /** The layer's name. */
  readonly layer: string;
  /** tfjs's name of its class. */
  readonly className: string;
  /** tfjs's name of the weight. */
  readonly name: string;
  /** Number of its entries. */
  readonly size: number;
  /** How many are not zero. */
  readonly nonzeros: number;
  /** Bytes of the wasm backend's memory that it takes packed; 0 where it runs dense. */
  readonly bytes: number;
}

/** An accelerated model, until it is disposed. */
export interface Acceleration {
  /** What was decided for each weight of the model that is like a kernel. */
  readonly layers: readonly LayerReport[];
  /** Bytes of the wasm backend's memory that all packed weights take. */
  readonly bytes: number;
  /** Frees that memory; the model runs dense again. Further calls do nothing. */
  dispose(): void;
  /** The same, for `using`. */
  [Symbol.dispose](): void;
}

/** Layers whose kernels the sparse kernels run. */
const SPARSE_LAYERS: ReadonlyMap<string, string> = new Map([
  ['Conv1D', 'kernel'],
  ['Conv2D', 'kernel'],
  ['Dense', 'kernel'],
]);

/** A weight, and what it runs by where it is sparse. */
interface Prepared {
  readonly report: LayerReport;
  readonly weight?: { readonly dataId: object; readonly sparse: SparseWeight };
}

/**
 * Lets a model's convolutions and dense layers skip the weights that are zero, on tfjs's wasm backend: `model.predict`,
 * `model.apply`, and whatever else computes with the same tensors. Their results are equal to the bit. Batch
 * normalisations run on a faster kernel, whose results differ by some units in the last place. Each weight that is
 * worth it is packed, in about 8 bytes of the backend's memory for each value that is not zero; the model keeps its own
 * weights. A weight that is changed afterwards (by training, an assignment, a pruning) runs dense, and right, until the
 * model is accelerated again.
 *
 * @param model A built model, or one layer.
 * @param options Whether infinite weights are refused.
 * @returns What was decided for each layer. Dispose it when the model is no longer used.
 * @throws {@link PruneError} `unsupported` where the wasm backend is not active, or the engine lacks SIMD or may not
 * compile; `state` for a model that is not built or disposed, where memory does not suffice, and where `strict` meets
 * a weight that is not finite. Nothing has changed then.
 * @example
 * ```ts
 * await tf.setBackend('wasm');
 * prune.globalUnstructured(prune.parameters(model), prune.L1Unstructured, { amount: 0.9 });
 * const acceleration = await accelerate(model);
 * const logits = model.predict(images);
 * acceleration.dispose();
 * ```
 */
export async function accelerate(
  model: tf.LayersModel | tf.layers.Layer,
  options: AccelerateOptions = {},
): Promise<Acceleration> {
  checkOptions(options, ['strict']);
  const { strict = false } = options;
  const slots = kernelsOf(model);
  await tf.ready();
  const heap = activeHeap();
  if (heap === undefined) {
    const message = `accelerate works on tfjs's wasm backend, but '${tf.getBackend()}' is active. Import '@tensorflow/tfjs-backend-wasm' and await tf.setBackend('wasm') first.`;
    throw new PruneError('unsupported', message, { given: tf.getBackend(), allowed: 'wasm' });
  }
  const kernels = await kernelsFor(heap);
  const workspace = makeWorkspace(heap);
  const prepared: Prepared[] = [];
  try {
    for (const slot of slots) prepared.push(prepare(slot, { heap, kernels, workspace, strict }));
  } catch (error) {
    for (const { weight } of prepared) weight?.sparse.packed.free();
    throw error;
  }
  registerSparseKernels();
  for (const { weight } of prepared) if (weight !== undefined) setSparseWeight(weight.dataId, weight.sparse);
  const normaliser = { heap, kernels, workspace };
  const means = meansOf(model);
  for (const mean of means) setNormaliser(mean, normaliser);
  return accelerationOf(prepared, means, normaliser);
}

/** What tells the moving means of a model's batch normalisations. */
function meansOf(model: object): object[] {
  return layersOf(model)
    .flatMap(slotsOf)
    .flatMap(({ property, owner, variable }) =>
      property === 'movingMean' && classNameOf(owner) === 'BatchNormalization' && variable
        ? [variable.dataId]
        : [],
    );
}

function accelerationOf(
  prepared: readonly Prepared[],
  means: readonly object[],
  normaliser: Normaliser,
): Acceleration {
  const layers = prepared.map(({ report }) => report);
  let isDisposed = false;
  const dispose = (): void => {
    if (isDisposed) return;
    isDisposed = true;
    for (const { weight } of prepared) {
      if (weight === undefined) continue;
      clearSparseWeight(weight.dataId, weight.sparse);
      weight.sparse.packed.free();
    }
    for (const mean of means) clearNormaliser(mean, normaliser);
    normaliser.workspace.free();
  };
  const acceleration = { layers, bytes: layers.reduce((sum, { bytes }) => sum + bytes, 0), dispose };
  // Not every browser has the symbol yet.
  return Object.assign(acceleration, {
    [Symbol.dispose ?? Symbol.for('Symbol.dispose')]: dispose,
  }) as Acceleration;
}

/** A slot whose variable is there. */
type Built = Slot & { readonly variable: tf.Variable };

function kernelsOf(model: object): Built[] {
  const seen = new Set<tf.Variable>();
  return layersOf(model).flatMap((layer) => {
    if (Reflect.get(layer, 'built') === false) {
      const message = `${describe(layer)} has not been built yet. Call the model on an input, or give its first layer an inputShape, before it is accelerated.`;
      throw new PruneError('state', message, { given: layer, allowed: 'a built model' });
    }
    return slotsOf(layer).flatMap((slot): Built[] => {
      const { variable, role } = slot;
      if (variable === undefined || role !== 'kernel' || seen.has(variable)) return [];
      if (variable.isDisposed) {
        throw new PruneError('state', `${describe(layer)} has been disposed.`, { given: layer });
      }
      seen.add(variable);
      return [{ ...slot, variable }];
    });
  });
}

/** What a weight is packed with. */
interface Context {
  readonly heap: Heap;
  readonly kernels: Kernels;
  readonly workspace: Workspace;
  readonly strict: boolean;
}

function prepare(slot: Built, { heap, kernels, workspace, strict }: Context): Prepared {
  const { variable, layer, owner, property } = slot;
  const className = classNameOf(owner) ?? '';
  const named = {
    layer: String(Reflect.get(layer, 'name')),
    className,
    name: slot.name,
    size: variable.size,
  };
  const address = heap.addressOf(variable.dataId);
  if (address === undefined) {
    throw new PruneError('state', `The weights of ${describe(layer)} are not in the wasm backend's memory.`, {
      given: layer,
    });
  }
  const bits = new Int32Array(heap.buffer, address, variable.size);
  const { nonzeros, allFinite } = count(bits);
  if (strict && !allFinite) {
    const message = `'${slot.name}' of ${describe(layer)} holds NaN or an infinite value, which skipping zeros could hide.`;
    throw new PruneError('state', message, { given: slot.name, allowed: 'finite weights, or strict: false' });
  }
  // A layer of the user's own may convolve with four axes or multiply by two.
  const isOwn = slot.kind === undefined && (variable.rank === 2 || variable.rank === 4);
  if (!isOwn && SPARSE_LAYERS.get(className) !== property) {
    const reason = `there is no sparse kernel for the ${slot.name} of ${className}`;
    return { report: { ...named, nonzeros, bytes: 0, runs: 'dense', reason } };
  }
  const channels = variable.shape.at(-1) ?? 1;
  const taps = variable.size / Math.max(channels, 1);
  const window = variable.shape.slice(0, -2).reduce((product, size) => product * size, 1);
  const decision = decide({ taps, channels, window }, nonzeros);
  if (decision.runs === 'dense') return { report: { ...named, nonzeros, bytes: 0, ...decision } };
  const packed = pack(heap, address, pointwiseOffsets(taps), channels);
  if (packed === undefined) {
    throw new PruneError(
      'state',
      `The wasm backend has no memory left for the ${8 * nonzeros} bytes of ${describe(layer)}.`,
      {
        given: nonzeros,
      },
    );
  }
  const sparse = makeSparseWeight(heap, kernels, workspace, packed, taps);
  return {
    report: { ...named, nonzeros, bytes: packed.bytes, ...decision },
    weight: { dataId: variable.dataId, sparse },
  };
}

/** Bits of a float besides its sign, and the least of those that are not finite. */
const MAGNITUDE = 0x7fffffff;
const INFINITE = 0x7f800000;

function count(bits: Int32Array): { nonzeros: number; allFinite: boolean } {
  let zeros = 0;
  let most = 0;
  for (let i = 0; i < bits.length; i++) {
    const magnitude = bits[i]! & MAGNITUDE;
    zeros += (magnitude - 1) >>> 31;
    most = Math.max(most, magnitude);
  }
  return { nonzeros: bits.length - zeros, allFinite: most < INFINITE };
}
