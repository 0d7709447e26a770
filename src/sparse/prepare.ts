import * as tf from '@tensorflow/tfjs';
import { peek } from '../core/memory';
import { classNameOf, describe, layersOf, type Slot, slotsOf } from '../core/parameter';
import { PruneError, shown } from '../errors';
import { blocksOf, LEAST_WIDTH } from './block-stream';
import { makeBlockWeight } from './block-weight';
import { type Decision, decide, type KernelCounts } from './decision';
import { isStrided, pixelsOf } from './layer-shape';
import { type Trial, timesOf, trialOf } from './measure';
import type { Engine, SparseWeight } from './sparse-weight';
import { countNonzeros, MOST_WEIGHTS } from './tile-stream';
import { makeTileWeight } from './tile-weight';

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

/** Layers whose kernels the sparse kernels run. */
const SPARSE_LAYERS: ReadonlyMap<string, string> = new Map([
  ['Conv1D', 'kernel'],
  ['Conv2D', 'kernel'],
  ['Dense', 'kernel'],
]);

/** A weight, and what it runs by where it is sparse. */
export interface Prepared {
  readonly report: LayerReport;
  readonly weight?: { readonly dataId: object; readonly sparse: SparseWeight };
}

/** A slot whose variable is there. */
export type Built = Slot & { readonly variable: tf.Variable };

/**
 * The weights of a model that are like kernels, each once.
 *
 * @param model A model, or one layer.
 * @throws {@link PruneError} `argument` for what is neither; `state` if a layer is not built or is disposed.
 */
export function kernelsOf(model: object): Built[] {
  const layers = layersOf(model);
  if (layers.length === 0) {
    const message = `${describe(model)} has no layers yet. Add them, the first one with an inputShape, before it is accelerated.`;
    throw new PruneError('state', message, { given: model, allowed: 'a built model' });
  }
  const seen = new Set<tf.Variable>();
  return layers.flatMap((layer) => {
    checkLayer(layer);
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

/** Refuses what has no layers' manner; not by its class, which may come from a second copy of tfjs. */
function checkLayer(layer: object): void {
  if (typeof Reflect.get(layer, 'built') === 'boolean') return;
  const allowed = 'a tf.LayersModel or a layer';
  const hint =
    layer instanceof tf.GraphModel
      ? 'a GraphModel, which does not tell its kernels; it runs sparse where it shares the tensors of a LayersModel that is accelerated'
      : shown(layer);
  throw new PruneError('argument', `accelerate takes ${allowed}, but got ${hint}.`, {
    given: layer,
    allowed,
  });
}

/** How weights are decided about and checked. */
export interface Preparation {
  /** Whether a value that is not finite is refused. */
  readonly strict: boolean;
  /** Whether the layers are timed. */
  readonly measure: boolean;
}

/**
 * Decides about a weight and packs it if it is worth it.
 *
 * @param slot Where the weight is.
 * @param engine What it is packed and run with.
 * @param preparation How it is decided and checked.
 * @throws {@link PruneError} `state` for such a value, for weights that are elsewhere, or where memory does not suffice.
 */
export function prepare(slot: Built, engine: Engine, { strict, measure }: Preparation): Prepared {
  const { variable, layer } = slot;
  const { heap } = engine;
  if (variable.dtype !== 'float32') return leftDense(slot, `its values are ${variable.dtype}, not float32`);
  const address = heap.addressOf(variable.dataId);
  if (address === undefined) {
    throw new PruneError('state', `The weights of ${describe(layer)} are not in the wasm backend's memory.`, {
      given: layer,
    });
  }
  const bits = new Int32Array(heap.buffer, address, variable.size);
  if (strict && !allFinite(bits)) {
    const message = `'${slot.name}' of ${describe(layer)} holds NaN or an infinite value, which skipping zeros could hide.`;
    throw new PruneError('state', message, { given: slot.name, allowed: 'finite weights, or strict: false' });
  }
  const channels = variable.shape.at(-1) ?? 1;
  const left = countNonzeros(bits, channels);
  const nonzeros = left.reduce((sum, count) => sum + count, 0);
  const report = { ...named(slot), nonzeros, bytes: 0 };
  if (!hasSparseKernel(slot)) {
    const reason = `there is no sparse kernel for the ${slot.name} of ${report.className}`;
    return { report: { ...report, runs: 'dense', reason } };
  }
  const taps = variable.size / Math.max(channels, 1);
  if (taps > MOST_WEIGHTS) {
    const reason = `an output channel has more than ${MOST_WEIGHTS} weights`;
    return { report: { ...report, runs: 'dense', reason } };
  }
  const window = variable.shape.slice(0, -2).reduce((product, size) => product * size, 1);
  const blocks = channels % LEAST_WIDTH === 0 ? blocksOf(bits, channels) : undefined;
  const pack = (runs: 'values' | 'blocks'): SparseWeight => {
    const sparse =
      runs === 'blocks' && blocks !== undefined
        ? makeBlockWeight(engine, address, blocks, taps)
        : makeTileWeight(engine, address, left, taps, window);
    if (sparse !== undefined) return sparse;
    const message = `The wasm backend has no memory left to pack the ${nonzeros} weights of ${describe(layer)}.`;
    throw new PruneError('state', message, { given: nonzeros });
  };
  const pixels = pixelsOf(slot.owner, variable.rank === 2);
  const counts = { taps, channels, window, isStrided: isStrided(slot.owner), pixels, nonzeros, blocks };
  // A layer of the user's own may not take random numbers, or may remember them.
  const trial = measure && slot.kind !== undefined ? trialOf(layer) : undefined;
  const { decision, sparse } =
    trial === undefined ? expected(decide(counts), pack) : measured(trial, variable, counts, pack);
  if (sparse === undefined) return { report: { ...report, ...decision } };
  return {
    report: { ...report, ...decision, bytes: sparse.bytes },
    weight: { dataId: variable.dataId, sparse },
  };
}

/** A decision, and the weight packed for it. */
interface Decided {
  readonly decision: Decision;
  /** Undefined where it runs dense. */
  readonly sparse?: SparseWeight;
}

type Pack = (runs: 'values' | 'blocks') => SparseWeight;

function expected(decision: Decision, pack: Pack): Decided {
  return decision.runs === 'dense' ? { decision } : { decision, sparse: pack(decision.runs) };
}

/** The share of the dense layer's time that a packed weight must save to be taken: medians differ by chance. */
const LEAST_GAIN = 0.03;

function measured(trial: Trial, { dataId }: tf.Variable, counts: KernelCounts, pack: Pack): Decided {
  const ways = counts.blocks === undefined ? (['values'] as const) : (['values', 'blocks'] as const);
  const packed: SparseWeight[] = [];
  let best: SparseWeight | undefined;
  try {
    for (const way of ways) packed.push(pack(way));
    const times = timesOf(trial, dataId, packed);
    const least = Math.min(...times.packed);
    const at = times.packed.indexOf(least);
    const isFaster = least < (1 - LEAST_GAIN) * times.dense;
    if (isFaster) best = packed[at];
    const zeros = `${(100 * (1 - counts.nonzeros / (counts.taps * counts.channels))).toFixed(1)} % zeros`;
    const reason = `${zeros}: took ${least.toFixed(2)} ms packed, ${times.dense.toFixed(2)} ms dense`;
    return { decision: { runs: isFaster ? ways[at]! : 'dense', reason }, ...(best && { sparse: best }) };
  } finally {
    for (const each of packed) if (each !== best) each.free();
  }
}

/**
 * A weight that is not packed.
 *
 * @param slot Where the weight is.
 * @param reason Why.
 */
export function leftDense(slot: Built, reason: string): Prepared {
  const values = peek(slot.variable);
  let nonzeros = 0;
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) nonzeros++;
  return { report: { ...named(slot), nonzeros, bytes: 0, runs: 'dense', reason } };
}

function named({
  layer,
  owner,
  name,
  variable,
}: Built): Pick<LayerReport, 'layer' | 'className' | 'name' | 'size'> {
  const className = classNameOf(owner) ?? owner.constructor.name;
  return { layer: String(Reflect.get(layer, 'name')), className, name, size: variable.size };
}

/** A layer of the user's own may convolve with four axes or multiply by two. */
function hasSparseKernel({ kind, owner, property, variable }: Built): boolean {
  const isOwn = kind === undefined && (variable.rank === 2 || variable.rank === 4);
  return isOwn || SPARSE_LAYERS.get(classNameOf(owner) ?? '') === property;
}

/** Bits of a float besides its sign, and the least of those that are not finite. */
const MAGNITUDE = 0x7fffffff;
const INFINITE = 0x7f800000;

function allFinite(bits: Int32Array): boolean {
  let most = 0;
  for (let i = 0; i < bits.length; i++) most = Math.max(most, bits[i]! & MAGNITUDE);
  return most < INFINITE;
}
