/** How long models and their layers take, on this device and the active backend. */
import * as tf from '@tensorflow/tfjs';
import { classNameOf, describe } from '../../core/parameter';
import { PruneError } from '../../errors';
import { optionsOf } from '../layer-options';
import { callsOf, type LayerCall } from '../summary-calls';

/** Milliseconds by the kind of a layer, its options and the sizes of its inputs. */
export type LatencyTable = Map<string, number>;

/** The engine compiles what runs often, and a backend its programs. */
const WARM_UPS = 5;
const RUNS = 5;

/**
 * The sum of the times of a model's layers, each by itself for one sample.
 *
 * @param model A built model.
 * @param inputShapes The shape of each input without the batch axis, where the model leaves sizes open.
 * @param table What has been measured; what is missing is measured and added.
 * @returns Milliseconds.
 * @throws {@link PruneError} `shape` where a size is not known, `unsupported` for a layer that cannot run by itself.
 */
export async function layersLatency(
  model: tf.LayersModel,
  inputShapes: ReadonlyArray<readonly number[]> | undefined,
  table: LatencyTable,
): Promise<number> {
  let sum = 0;
  for (const call of callsOf(model, inputShapes).calls) {
    // The layers of a model within are calls of their own.
    if (classNameOf(call.layer) === 'TimeDistributed' && 'layers' in Object(Reflect.get(call.layer, 'layer')))
      continue;
    const key = keyOf(call);
    const known = table.get(key) ?? (await latencyOf(call));
    table.set(key, known);
    sum += call.times * known;
  }
  return sum;
}

function keyOf({ layer, inputs }: LayerCall): string {
  const shapes = inputs.map(({ shape }) => shape.join('×'));
  return `${tf.getBackend()} ${classNameOf(layer)} ${shapes.join(', ')} ${optionsOf(layer)}`;
}

async function latencyOf({ layer, inputs }: LayerCall): Promise<number> {
  const given = inputs.map(({ shape }) => tf.randomUniform([...shape], 0, 1, 'float32', 0));
  try {
    return await timed(() => layer.apply(given.length === 1 ? given[0]! : given));
  } catch (cause) {
    const message = `${describe(layer)} cannot be timed by itself: ${String(cause)} Use targetMacs.`;
    throw new PruneError('unsupported', message, { given: layer, cause });
  } finally {
    tf.dispose(given);
  }
}

/**
 * @param model A built model.
 * @param inputShapes The shape of each input without the batch axis, where the model leaves sizes open.
 * @returns Milliseconds of a prediction of one sample, the median of five.
 */
export async function modelLatency(
  model: tf.LayersModel,
  inputShapes: ReadonlyArray<readonly number[]> | undefined,
): Promise<number> {
  const given = callsOf(model, inputShapes).inputs.map(({ shape }) =>
    tf.randomUniform([...shape], 0, 1, 'float32', 0),
  );
  try {
    return await timed(() => model.predict(given));
  } finally {
    tf.dispose(given);
  }
}

/** The median over some runs, each to the end: a backend may work on after it has given a tensor. */
async function timed(run: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let i = -WARM_UPS; i < RUNS; i++) {
    const start = performance.now();
    const made = [tf.tidy(() => tensorsIn(run()))].flat();
    await made[0]?.data();
    if (i >= 0) times.push(performance.now() - start);
    tf.dispose(made);
  }
  return times.sort((a, b) => a - b)[RUNS >> 1]!;
}

function tensorsIn(result: unknown): tf.Tensor[] {
  return [result].flat().filter((each) => each instanceof tf.Tensor);
}
