/** How long the layers of a model take, each by itself, at the sizes that they have without some channels. */
import * as tf from '@tensorflow/tfjs';
import { PruneError } from '../../errors';
import { draftOf } from '../../topology/draft';
import type { LayerConfig } from '../../topology/model-config';
import { allOrNothing, disposeWeights } from '../../topology/rebuild';
import { layersIn, setOption } from '../apply-channels';
import { type ChannelGraph, countKept, type GraphCall, type SizeOption } from '../graph';
import { optionsIn } from '../layer-options';
import { disposeStates } from '../states';
import { callsOf } from '../summary-calls';
import { batchOf, inBatch, inTurns, samplesOf } from './measure';

/** Milliseconds by the kind of a layer, its options and the sizes of its inputs. */
export type LatencyTable = Map<string, number>;

/** A call of a layer, and what of it depends on channels. */
export interface TimedCall {
  /** Its name, after those of the models around it. */
  readonly path: string;
  readonly config: LayerConfig;
  /** How often it runs. */
  readonly times: number;
  readonly inputs: ReadonlyArray<{
    readonly shape: readonly number[];
    readonly axes: GraphCall['inputs'][number];
  }>;
  readonly options: readonly SizeOption[];
}

/** A call at certain sizes. */
interface SizedCall {
  readonly path: string;
  readonly config: LayerConfig;
  readonly shapes: readonly number[][];
}

/**
 * @param model A built model.
 * @param graph Its channels.
 * @param inputShapes The shape of each input without the batch axis, where the model leaves sizes open.
 * @returns All calls that take time, for one sample, or for a batch where the model fixes its size.
 * @throws {@link PruneError} `shape` where a size is not known.
 */
export function timedCalls(
  model: tf.LayersModel,
  graph: ChannelGraph,
  inputShapes: ReadonlyArray<readonly number[]> | undefined,
): TimedCall[] {
  const configs = layersIn(draftOf(model, 'planChannels'));
  const batchSize = batchOf(model);
  const axes = new Map(graph.calls.map((call) => [`${call.output} ${call.layer}`, call.inputs]));
  return callsOf(model, inputShapes).calls.flatMap(({ name, id, times, inputs }): TimedCall[] => {
    const traced = axes.get(`${id} ${name}`);
    // What applies a model to each step has no time of its own: the layers of that model are calls too.
    if (traced === undefined) return [];
    const sized = inputs.map(({ shape }, i) => ({ shape: inBatch(shape, batchSize), axes: traced[i]! }));
    const options = graph.options.filter(({ layer }) => layer === name);
    return [{ path: name, config: configs.get(name)!, times, inputs: sized, options }];
  });
}

/**
 * @param call A call.
 * @param isRemoved For each number of a channel 1 where it goes.
 * @param table What has been measured; what is missing is measured and added.
 * @returns Milliseconds of running the layer once.
 * @throws {@link PruneError} `unsupported` for a layer that cannot run by itself.
 */
export async function latencyOf(
  call: TimedCall,
  isRemoved: Uint8Array,
  table: LatencyTable,
): Promise<number> {
  const sized = without(call, isRemoved);
  const { className, config } = sized.config;
  const shapes = sized.shapes.map((shape) => shape.join('×'));
  const key = `${tf.getBackend()} ${className} ${shapes.join(', ')} ${optionsIn(config)}`;
  const known = table.get(key) ?? (await measured(sized));
  table.set(key, known);
  return known;
}

/**
 * @param calls All calls of a model.
 * @param isRemoved For each number of a channel 1 where it goes.
 * @param table What has been measured; what is missing is measured and added.
 * @returns The sum of their times, in milliseconds.
 * @throws {@link PruneError} `unsupported` for a layer that cannot run by itself.
 */
export async function layersLatency(
  calls: readonly TimedCall[],
  isRemoved: Uint8Array,
  table: LatencyTable,
): Promise<number> {
  let sum = 0;
  for (const call of calls) sum += call.times * (await latencyOf(call, isRemoved, table));
  return sum;
}

function without({ path, config, inputs, options }: TimedCall, isRemoved: Uint8Array): SizedCall {
  const sized = structuredClone(config);
  for (const { option, channels } of options) {
    const kept = countKept(channels, isRemoved);
    if (kept < channels.length) setOption(sized.config, option, kept);
  }
  const shapes = inputs.map(({ shape, axes }) =>
    shape.map((size, axis) => {
      const channels = axes[axis];
      return channels === undefined ? size : countKept(channels, isRemoved);
    }),
  );
  return { path, config: sized, shapes };
}

async function measured({ path, config, shapes }: SizedCall): Promise<number> {
  const given: tf.Tensor[] = [];
  let made: tf.LayersModel | undefined;
  try {
    made = alone(config, shapes);
    given.push(...shapes.map(samplesOf));
    const layer = made.getLayer(config.config.name);
    const [time] = await inTurns([() => layer.apply(given.length === 1 ? given[0]! : given) as tf.Tensor]); // not symbolic
    return time!;
  } catch (cause) {
    const message = `'${path}' cannot be timed by itself: ${String(cause)} Use targetMacs.`;
    throw new PruneError('unsupported', message, { given: path, cause });
  } finally {
    tf.dispose(given);
    if (made !== undefined) {
      disposeStates(made);
      disposeWeights(made);
    }
  }
}

/** A model of one layer. Its weights are zeros, which take as long as any other numbers. */
function alone(config: LayerConfig, shapes: readonly number[][]): tf.LayersModel {
  const inputs = shapes.map((shape, i): LayerConfig => {
    const name = `${config.config.name}/input_${i}`;
    return {
      className: 'InputLayer',
      name,
      config: { name, batchInputShape: shape, dtype: 'float32', sparse: false },
      inboundNodes: [],
    };
  });
  const sources = inputs.map(({ config: { name } }) => [name, 0, 0, {}]);
  const { batchInputShape: _, ...options } = config.config;
  const layer = { ...config, config: options, name: options.name, inboundNodes: [sources] };
  const model = {
    name: `${options.name}/alone`,
    layers: [...inputs, layer],
    inputLayers: inputs.map(({ config: { name } }) => [name, 0, 0]),
    outputLayers: [[options.name, 0, 0]],
  };
  return allOrNothing(() => tf.LayersModel.fromConfig<tf.LayersModel>(tf.LayersModel, model, {}, true));
}
