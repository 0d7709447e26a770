/** What ranks channels. */
import * as tf from '@tensorflow/tfjs';
import { PruneError, shown } from '../../errors';
import { defaultGenerator, Generator } from '../../masks/generator';
import type { ChannelGraph, ChannelGroup } from '../graph';
import { checkSamples } from '../samples';
import { activationScores } from './activation';
import { geometricMedianScores } from './geometric-median';
import { bnScales, magnitudes } from './magnitude';
import { spread, spreadKnown } from './spread';
import { taylorScores } from './taylor';

/** What tells the channels of a group apart from others. */
export interface RankedGroup {
  /** The first layer that makes the channels, by name; for one of a model within, after that model's name and a slash. */
  readonly id: string;
  /** All layers that make them. */
  readonly layers: readonly string[];
  /** How many there are. */
  readonly channels: number;
}

/**
 * How channels are ranked; the least important ones go.
 *
 * - `'l1'`, `'l2'`, `'linf'`: the norm of all entries of kernels that go with the channel, whatever layer makes or reads it
 *   (Li et al. 2017, "Pruning Filters for Efficient ConvNets", over the group as in Fang et al. 2023, "DepGraph")
 * - `'bnScale'`: the sum of |γ| over the batch and layer normalisations that scale it (Liu et al. 2017, "Network
 *   Slimming")
 * - `'random'`: evenly, from {@link ChannelPlanOptions.seed}
 * - `'fpgm'`: the sum of distances to all other kernels of its layer, least near their geometric median (He et al. 2019,
 *   "Filter Pruning via Geometric Median")
 * - `'lamp'`: its squared L2 norm over that of all in the group that are no smaller (Lee et al. 2021, "Layer-Adaptive
 *   Sparsity for the Magnitude-based Pruning")
 * - `'taylor'`: by how much the loss would change to first order if what makes it were zero, |Σ g · w| over kernels and
 *   biases (Molchanov et al. 2019, "Importance Estimation for Neural Network Pruning"); needs a `loss`
 * - `'activation'`: the mean of |x| where it is read (Molchanov et al. 2017, "Pruning Convolutional Neural Networks for
 *   Resource Efficient Inference"); needs `samples`
 * - a function: for a group, a finite number for each channel
 */
export type Importance =
  | 'l1'
  | 'l2'
  | 'linf'
  | 'bnScale'
  | 'random'
  | 'fpgm'
  | 'lamp'
  | 'taylor'
  | 'activation'
  | ((group: RankedGroup) => ArrayLike<number> | Promise<ArrayLike<number>>);

/** What ranking may need. */
export interface ImportanceOptions {
  /** How channels are ranked; `'l2'` by default. */
  readonly importance?: Importance | undefined;
  /** For `'activation'`: what goes into the model, a batch for each of its inputs. They stay with the caller. */
  readonly samples?: tf.Tensor | readonly tf.Tensor[] | undefined;
  /** For `'taylor'`: computes the loss of the model on data of yours. It runs once. */
  readonly loss?: (() => tf.Scalar) | undefined;
  /** For `'random'`: a whole number; by default numbers are drawn from the generator that `manualSeed` seeds. */
  readonly seed?: number | bigint | undefined;
}

/** For each group a number for each of its channels; undefined for a group that this cannot rank. */
export type Scores = ReadonlyArray<Float64Array | undefined>;

const NAMES: readonly unknown[] = [
  ...['l1', 'l2', 'linf', 'bnScale', 'random', 'fpgm', 'lamp', 'taylor', 'activation'],
];
/** Which importance each option is for. */
const NEEDED_BY = { samples: 'activation', loss: 'taylor', seed: 'random' } as const;

/**
 * Refuses an importance that there is not, and one that lacks what it needs or is given what it would ignore.
 *
 * @param options What the caller gave.
 * @param inputs How many inputs the model has.
 * @throws {@link PruneError} `argument`.
 */
export function checkImportance(options: ImportanceOptions, inputs: number): void {
  const { importance = 'l2', samples, loss } = options;
  if (typeof importance !== 'function' && !NAMES.includes(importance)) {
    const allowed = `one of ${NAMES.join(', ')}, or a function`;
    const message = `The importance must be ${allowed}, but got ${shown(importance)}.`;
    throw new PruneError('argument', message, { given: importance, allowed });
  }
  for (const [option, user] of Object.entries(NEEDED_BY)) {
    const given: unknown = Reflect.get(options, option);
    if (given === undefined || importance === user) continue;
    const message = `${option} is for the importance '${user}', but that is ${shown(importance)}. Leave it out.`;
    throw new PruneError('argument', message, { given, allowed: `importance: '${user}'` });
  }
  const batches = samples instanceof tf.Tensor ? [samples] : samples;
  const isRun = Array.isArray(batches) && batches.length === inputs && batches.every(isTensor);
  if (importance === 'activation' && !isRun) {
    const allowed = `samples: a tensor for each of the model's ${inputs} inputs`;
    throw new PruneError('argument', `The importance 'activation' needs ${allowed}.`, {
      given: samples,
      allowed,
    });
  }
  if (importance === 'taylor' && typeof loss !== 'function') {
    const allowed = 'loss: a function that gives a scalar';
    const message = `The importance 'taylor' needs ${allowed}, but got ${shown(loss)}.`;
    throw new PruneError('argument', message, { given: loss, allowed });
  }
}

function isTensor(value: unknown): boolean {
  return value instanceof tf.Tensor;
}

/**
 * @param model The model.
 * @param graph Its channels.
 * @param options What {@link checkImportance} has checked.
 * @returns The scores, more for what is more important.
 * @throws {@link PruneError} `argument` for scores that are not one finite number for each channel.
 */
export async function scoresOf(
  model: tf.LayersModel,
  graph: ChannelGraph,
  options: ImportanceOptions,
): Promise<Scores> {
  const { importance = 'l2' } = options;
  if (typeof importance === 'function') {
    const given = await Promise.all(graph.groups.map((group) => importance(described(group))));
    return given.map((each, i) => checked(each, graph.groups[i]!));
  }
  const scores = await builtIn(importance, model, graph, options);
  return scores.map((each, i) => each && checked(each, graph.groups[i]!));
}

function described({ id, layers, channels }: ChannelGroup): RankedGroup {
  return { id, layers, channels: channels.length };
}

async function builtIn(
  importance: Exclude<Importance, (group: RankedGroup) => unknown>,
  model: tf.LayersModel,
  graph: ChannelGraph,
  { samples, loss, seed }: ImportanceOptions,
): Promise<Scores> {
  switch (importance) {
    case 'l1':
    case 'l2':
    case 'linf':
      return spread(graph, magnitudes(model, graph, importance));
    case 'lamp':
      return spread(graph, magnitudes(model, graph, 'l2')).map(layerAdaptive);
    case 'bnScale':
      return spreadKnown(graph, bnScales(model, graph));
    case 'fpgm':
      return spread(graph, geometricMedianScores(model, graph));
    case 'taylor':
      // checkImportance has seen that it is there.
      return spreadKnown(graph, await taylorScores(model, graph, loss!));
    case 'activation':
      // checkImportance has seen that they are there.
      checkSamples(samples!, model);
      return spreadKnown(graph, activationScores(model, graph, samples!));
    case 'random': {
      const generator = seed === undefined ? defaultGenerator : new Generator(seed);
      return graph.groups.map(({ channels }) => Float64Array.from(channels, () => generator.u53()));
    }
  }
}

/** The squares over the sum of all that are no smaller. */
function layerAdaptive(norms: Float64Array): Float64Array {
  const order = [...norms.keys()].sort((a, b) => norms[b]! - norms[a]!);
  const scores = new Float64Array(norms.length);
  let sum = 0;
  for (const channel of order) {
    const square = norms[channel]! ** 2;
    sum += square;
    scores[channel] = sum === 0 ? 0 : square / sum;
  }
  return scores;
}

function checked(scores: unknown, { id, channels }: ChannelGroup): Float64Array {
  const isList = Array.isArray(scores) || (ArrayBuffer.isView(scores) && !(scores instanceof DataView));
  // All views but a DataView are lists of numbers.
  const values = isList ? Array.from(scores as ArrayLike<unknown>) : [];
  const hasWrong = values.some(isWrong);
  if (isList && values.length === channels.length && !hasWrong) return Float64Array.from(values, Number);
  const allowed = `${channels.length} finite numbers`;
  const given = hasWrong ? values.find(isWrong) : scores;
  const what = `${shown(given)}${hasWrong ? ' among them' : ''}`;
  const message = `The importance of the channels of '${id}' must be ${allowed}, but got ${what}.`;
  throw new PruneError('argument', message, { given, allowed });
}

function isWrong(score: unknown): boolean {
  return typeof score !== 'number' || !Number.isFinite(score);
}
