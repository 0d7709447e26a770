import * as tf from '@tensorflow/tfjs';
import { checkOptions } from '../core/options';
import { classNameOf, layersOf, slotsOf } from '../core/parameter';
import { isPruneError, PruneError, shown } from '../errors';
import { activeHeap, type Heap } from '../wasm/heap';
import { type Kernels, kernelBytes, kernelsFor } from '../wasm/kernels';
import { relaxedBytes, relaxedKernelsFor } from '../wasm/relaxed-kernels';
import { startTeam } from '../wasm/team';
import { makeWorkspace } from '../wasm/workspace';
import { clearNormaliser, setNormaliser } from './batch-norm';
import { registerSparseKernels } from './kernels';
import { kernelsOf, type LayerReport, leftDense, type Preparation, type Prepared, prepare } from './prepare';
import { clearSparseWeight, type Engine, setSparseWeight } from './sparse-weight';

/** How a model is accelerated. */
export interface AccelerateOptions {
  /**
   * Refuses weights that are NaN or infinite. Zero weights are skipped, and so is 0 × NaN, which would be NaN: without
   * this option such values may be hidden. False by default.
   */
  readonly strict?: boolean;
  /**
   * Decides by timing each layer on this device, dense and packed, for one input of the size that the model was built
   * for: some 30 runs of each layer, of small ones more. Weights without zeros may turn out to be faster packed too. Layers whose input has
   * no fixed size, and layers of your own, are decided by what is expected. False by default.
   */
  readonly measure?: boolean;
  /**
   * Lets a product and the sum that it is added to be rounded together (fused multiply-add), which is faster where the
   * engine can: results then differ from tfjs's by some units in the last place, and may from machine to machine. Without
   * WebAssembly's relaxed SIMD, such as in Node 20, it changes nothing. False by default.
   */
  readonly relaxed?: boolean;
}

/** An accelerated model, until it is disposed. */
export interface Acceleration {
  /** What was decided for each weight of the model that is like a kernel. */
  readonly layers: readonly LayerReport[];
  /** Bytes of the wasm backend's memory that all packed weights take. */
  readonly bytes: number;
  /**
   * How many threads the sparse kernels run on: as many as tfjs's dense ones, which are more than one on a page that is
   * cross-origin isolated. One where a content security policy allows no workers of `blob:`.
   */
  readonly threads: number;
  /**
   * Frees that memory; the model runs dense again, save layers that another acceleration has packed too. Further calls do
   * nothing.
   */
  dispose(): void;
  /** The same, for `using`. */
  [Symbol.dispose](): void;
}

/**
 * Lets a model's convolutions and dense layers skip the weights that are zero, on tfjs's wasm backend: `model.predict`,
 * `model.apply`, and whatever else computes with the same tensors. Their results are equal to the bit, unless sums are to be
 * `relaxed`. Batch normalisations run on a faster kernel, whose results differ by some units in the last place. Each weight that
 * is worth it is packed: for each value that is not zero, in six bytes of the backend's memory, in eight where filters have more
 * than one pixel; the model keeps its own weights. A weight that is changed afterwards (by training, an assignment, a pruning)
 * runs dense, and right, until the model is accelerated again.
 *
 * @param model A built model, or one layer.
 * @param options Whether infinite weights are refused, whether layers are timed, and how sums are rounded.
 * @returns What was decided for each layer. Dispose it when the model is no longer used. Where the engine lacks SIMD, or a
 * content security policy forbids to compile the kernels, every layer stays dense and gives that as its reason.
 * @throws {@link PruneError} `argument` for what is neither a model nor a layer, such as a GraphModel, and for options that
 * there are not; `unsupported` where the wasm backend is not active; `state` for a model that is not built or disposed,
 * also before the promise is settled, where memory does not suffice, and where `strict` meets a weight that is not finite.
 * Nothing has changed then.
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
  checkOptions(options, ['strict', 'measure', 'relaxed']);
  const { strict = false, measure = false, relaxed = false } = options;
  checkBoolean('strict', strict);
  checkBoolean('measure', measure);
  checkBoolean('relaxed', relaxed);
  kernelsOf(model);
  await tf.ready();
  const heap = activeHeap();
  if (heap === undefined) throw otherBackend();
  const kernels = await kernelsOrReason(heap, relaxed);
  if (typeof kernels === 'string') {
    if (activeHeap() !== heap) throw otherBackend();
    return accelerationOf(kernelsOf(model).map((slot) => leftDense(slot, kernels)));
  }
  const team = await startTeam(heap, modulesOf(heap, relaxed), heap.threads);
  const engine: Engine = { heap, kernels, team, workspace: makeWorkspace(heap) };
  try {
    // Whatever has happened while this was waiting: from here on it does not wait.
    if (activeHeap() !== heap) throw otherBackend();
    const prepared = prepareAll(model, engine, { strict, measure });
    const means = meansOf(model);
    for (const mean of means) setNormaliser(mean, engine);
    return accelerationOf(prepared, engine, means);
  } catch (error) {
    freeEngine(engine);
    throw error;
  }
}

/** Packs what is to run sparse, and lets it; if that fails, none. */
function prepareAll(model: object, engine: Engine, options: Preparation): Prepared[] {
  const slots = kernelsOf(model);
  registerSparseKernels();
  const prepared: Prepared[] = [];
  try {
    for (const slot of slots) prepared.push(prepare(slot, engine, options));
  } catch (error) {
    for (const { weight } of prepared) weight?.sparse.free();
    throw error;
  }
  for (const { weight } of prepared) if (weight !== undefined) setSparseWeight(weight.dataId, weight.sparse);
  return prepared;
}

function freeEngine({ team, workspace }: Engine): void {
  team.free();
  workspace.free();
}

function checkBoolean(name: string, given: unknown): void {
  if (typeof given === 'boolean') return;
  const allowed = 'true or false';
  throw new PruneError('argument', `'${name}' must be ${allowed}, but got ${shown(given)}.`, {
    given,
    allowed,
  });
}

function otherBackend(): PruneError {
  const message = `accelerate works on tfjs's wasm backend, but '${tf.getBackend()}' is active. Import '@tensorflow/tfjs-backend-wasm' and await tf.setBackend('wasm') first.`;
  return new PruneError('unsupported', message, { given: tf.getBackend(), allowed: 'wasm' });
}

/** The kernels, or why there are none here. */
async function kernelsOrReason(heap: Heap, relaxed: boolean): Promise<Kernels | string> {
  try {
    const exact = await kernelsFor(heap);
    return relaxed ? { ...exact, ...(await relaxedKernelsFor(heap)) } : exact;
  } catch (error) {
    if (isPruneError(error, 'unsupported')) return error.message;
    throw error;
  }
}

/** The modules that other threads need for the same kernels. */
function modulesOf({ memory }: Heap, relaxed: boolean): Uint8Array[] {
  if (memory === undefined) return [];
  const modules = [kernelBytes(memory), ...(relaxed ? [relaxedBytes(memory)] : [])];
  return modules.filter((bytes) => WebAssembly.validate(bytes));
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
  engine?: Engine,
  means: readonly object[] = [],
): Acceleration {
  const layers = prepared.map(({ report }) => report);
  let isDisposed = false;
  const dispose = (): void => {
    if (isDisposed) return;
    isDisposed = true;
    for (const { weight } of prepared) {
      if (weight === undefined) continue;
      clearSparseWeight(weight.dataId, weight.sparse);
      weight.sparse.free();
    }
    if (engine === undefined) return;
    for (const mean of means) clearNormaliser(mean, engine);
    freeEngine(engine);
  };
  const bytes = layers.reduce((sum, layer) => sum + layer.bytes, 0);
  const acceleration = { layers, bytes, threads: engine?.team.threads ?? 1, dispose };
  // Not every browser has the symbol yet.
  return Object.assign(acceleration, {
    [Symbol.dispose ?? Symbol.for('Symbol.dispose')]: dispose,
  }) as Acceleration;
}
