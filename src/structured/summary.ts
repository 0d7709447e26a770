import * as tf from '@tensorflow/tfjs';
import { peek } from '../core/memory';
import { checkOptions } from '../core/options';
import { classNameOf, describe, isModel, slotsOf } from '../core/parameter';
import { PruneError, shown } from '../errors';
import { sizeOf, type Work, workOf } from './macs';
import { callsOf, type LayerCall, type Value } from './summary-calls';
import { peakBytes } from './summary-peak';

/** What one layer of a model holds and does, for one sample. */
export interface LayerSummary {
  /** Its name; for a layer of a model within, after that model's name and a slash. */
  readonly name: string;
  /** tfjs's name of its class. */
  readonly className: string;
  /** The shape of its first output when it is called first, the batch axis being 1. */
  readonly outputShape: readonly number[];
  /** How often it runs: several times where it is shared, or for each step of a sequence. */
  readonly calls: number;
  /** Entries of its weights, as torch counts parameters: without the running statistics of a normalisation. */
  readonly parameters: number;
  /** Entries of what is no parameter: running statistics. */
  readonly buffers: number;
  /** How many of the parameters are not zero. */
  readonly nonzeros: number;
  /** Multiply-accumulates of all calls. */
  readonly macs: number;
  /** Those of them whose weight is not zero. */
  readonly nonzeroMacs: number;
  /** Bytes of the outputs of all calls. */
  readonly activationBytes: number;
  /** False for a layer whose multiplications are not known, and so not counted. */
  readonly isCounted: boolean;
}

/** What a model holds and does, for one sample: plain data. */
export interface ModelSummary {
  /** The layers in the order in which they run first, those of models within too; inputs left out. */
  readonly layers: readonly LayerSummary[];
  /** Of all layers. */
  readonly parameters: number;
  /** Of all layers. */
  readonly buffers: number;
  /** Of all layers. */
  readonly nonzeros: number;
  /** Of all layers. */
  readonly macs: number;
  /** Of all layers. */
  readonly nonzeroMacs: number;
  /** Of all layers: what training holds for the backward pass, before what the optimiser adds. */
  readonly activationBytes: number;
  /** The most that inputs and outputs take at a time in inference, each freed once nothing needs it any more. */
  readonly peakActivationBytes: number;
  /** The names of the layers whose multiplications are not known, and so not counted. */
  readonly uncounted: readonly string[];
}

/** Settings of {@link summary}. */
export interface SummaryOptions {
  /**
   * The shape of each input without the batch axis, in the order of `model.inputs`; by default those that the model names.
   * Needed where the model leaves sizes open.
   */
  readonly inputShapes?: ReadonlyArray<readonly number[]> | undefined;
}

/**
 * Counts what a model holds and does for one sample: parameters, multiply-accumulates, activations, and what pruning has
 * left of them, layer by layer. Nothing runs.
 *
 * A multiply-accumulate (MAC) is one product of a weight and an input, padding included, added to a sum; those of `Dot`
 * are of two inputs. Biases, normalisations, activations and other work element by element count as nothing, as in
 * torchvision's figures: 4.09 billion for a ResNet50. A shared layer has its parameters counted once and its MACs for each
 * call; a recurrent layer, for each step. A layer that is not one of tfjs's is named in `uncounted`.
 *
 * Source: the counts of fvcore's `FlopCountAnalysis` and torchvision's `_ops`, for convolutions and matrix products.
 *
 * @param model A built model; models within and shared layers are fine.
 * @param options `inputShapes`, where the model leaves sizes open.
 * @returns The counts; nothing to dispose.
 * @throws {@link PruneError} `argument` for what is no model or no such option, `state` for a model that is not built or
 * disposed or no longer fits a model within, `shape` where sizes are not known or `inputShapes` do not fit, `unsupported`
 * where tfjs cannot build a Sequential of its layers.
 * @example
 * ```ts
 * const { macs, parameters, nonzeros } = summary(model);
 * console.log(summaryTable(summary(model)));
 * ```
 */
export function summary(model: tf.LayersModel, options: SummaryOptions = {}): ModelSummary {
  checkModel(model);
  checkOptions(options, ['inputShapes']);
  const { calls, inputs, outputs } = callsOf(model, options.inputShapes);
  const byLayer = new Map<object, LayerCall[]>();
  for (const call of calls) byLayer.set(call.layer, [...(byLayer.get(call.layer) ?? []), call]);
  const seen = new Set<tf.Variable>();
  const layers = [...byLayer.values()].map((each) => summaryOfLayer(each, seen));
  const total = (count: (layer: LayerSummary) => number): number =>
    layers.reduce((sum, layer) => sum + count(layer), 0);
  return {
    layers,
    parameters: total(({ parameters }) => parameters),
    buffers: total(({ buffers }) => buffers),
    nonzeros: total(({ nonzeros }) => nonzeros),
    macs: total(({ macs }) => macs),
    nonzeroMacs: total(({ nonzeroMacs }) => nonzeroMacs),
    activationBytes: total(({ activationBytes }) => activationBytes),
    peakActivationBytes: peakBytes(calls, inputs, outputs),
    uncounted: layers.filter(({ isCounted }) => !isCounted).map(({ name }) => name),
  };
}

function checkModel(model: unknown): void {
  if (typeof model !== 'object' || model === null || !isModel(model) || !('getClassName' in model)) {
    const allowed = 'a tf.LayersModel';
    throw new PruneError('argument', `summary takes ${allowed}, but got ${shown(model)}.`, {
      given: model,
      allowed,
    });
  }
  // A Sequential has no graph before it knows what goes into it.
  if (!Array.isArray(Reflect.get(model, 'outputs')) || model.layers.length === 0) {
    const allowed = 'a built model';
    const message = `${describe(model)} is not built yet. Give its first layer an inputShape.`;
    throw new PruneError('state', message, { given: model, allowed });
  }
}

/** How many entries a weight of a layer has, and how often each is multiplied by. */
interface Weight {
  readonly isBuffer: boolean;
  readonly size: number;
  readonly nonzeros: number;
  readonly uses: number;
}

function summaryOfLayer(calls: readonly LayerCall[], seen: Set<tf.Variable>): LayerSummary {
  const { layer, name, outputs } = calls[0]!;
  const works = calls.map(({ times, ...call }) => ({ times, work: workOfCall(call) }));
  const weights = weightsOf(layer, works, seen);
  const total = (count: (weight: Weight) => number): number =>
    weights.reduce((sum, weight) => sum + count(weight), 0);
  const dense = works.reduce((sum, { work, times }) => sum + times * (work?.betweenInputs ?? 0), 0);
  return {
    name,
    className: classNameOf(layer)!,
    outputShape: outputs[0]!.shape,
    calls: calls.reduce((sum, { times }) => sum + times, 0),
    parameters: total(({ isBuffer, size }) => (isBuffer ? 0 : size)),
    buffers: total(({ isBuffer, size }) => (isBuffer ? size : 0)),
    nonzeros: total(({ isBuffer, nonzeros }) => (isBuffer ? 0 : nonzeros)),
    macs: dense + total(({ size, uses }) => size * uses),
    nonzeroMacs: dense + total(({ nonzeros, uses }) => nonzeros * uses),
    activationBytes: calls.reduce((sum, call) => sum + call.times * bytesOf(call.outputs), 0),
    isCounted: works.every(({ work }) => work !== undefined),
  };
}

function workOfCall({ layer, inputs, outputs }: Omit<LayerCall, 'times'>): Work | undefined {
  return workOf(
    layer,
    inputs.map(({ shape }) => shape),
    outputs[0]!.shape,
  );
}

function weightsOf(
  layer: object,
  works: ReadonlyArray<{ times: number; work: Work | undefined }>,
  seen: Set<tf.Variable>,
): Weight[] {
  return slotsOf(layer).flatMap(({ variable, owner, property, role }): Weight[] => {
    if (variable === undefined || seen.has(variable)) return [];
    if (variable.isDisposed) {
      throw new PruneError('state', `${describe(layer)} has been disposed.`, { given: layer });
    }
    seen.add(variable);
    const uses = works.reduce(
      (sum, { work, times }) => sum + times * (work?.uses.get(owner)?.[property] ?? 0),
      0,
    );
    const nonzeros = tf.tidy(() => countNonzeros(peek(variable)));
    return [{ isBuffer: role === 'buffer', size: sizeOf(variable.shape), nonzeros, uses }];
  });
}

function countNonzeros(values: Float32Array): number {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) count++;
  return count;
}

function bytesOf(values: readonly Value[]): number {
  return values.reduce((sum, { bytes }) => sum + bytes, 0);
}
