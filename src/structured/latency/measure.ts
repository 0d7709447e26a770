/** How long something takes, on this device and the active backend. */
import * as tf from '@tensorflow/tfjs';
import { callsOf } from '../summary-calls';

/** The engine compiles what runs often, and a backend its programs. */
const WARM_UPS = 3;
const ROUNDS = 5;

/** What takes its time: it gives tensors. */
type Run = () => tf.Tensor | tf.Tensor[];

/**
 * Times things in turns, since a device may become quicker or slower meanwhile: what happens to one happens to the others.
 *
 * @param runs What to time.
 * @returns For each the milliseconds, the median of five rounds.
 */
export async function inTurns(runs: readonly Run[]): Promise<number[]> {
  const times: number[][] = runs.map(() => []);
  for (let round = -WARM_UPS; round < ROUNDS; round++) {
    for (const [i, run] of runs.entries()) {
      const time = await timed(run);
      if (round >= 0) times[i]!.push(time);
    }
  }
  return times.map((each) => each.sort((a, b) => a - b)[ROUNDS >> 1]!);
}

/** Milliseconds to the end: a backend may work on after it has given a tensor. */
async function timed(run: Run): Promise<number> {
  const start = performance.now();
  const made = [tf.tidy(run)].flat();
  // All of it would have to be copied, which for a layer can take longer than the layer itself.
  const one = tf.tidy(() => {
    const [first] = made as [tf.Tensor]; // every layer and model gives one
    return first.slice(
      first.shape.map(() => 0),
      first.shape.map(() => 1),
    );
  });
  await one.data();
  const time = performance.now() - start;
  tf.dispose([one, made]);
  return time;
}

/**
 * @param models Built models of the same inputs.
 * @param inputShapes The shape of each input without the batch axis, where the models leave sizes open.
 * @returns For each the milliseconds of a prediction of one sample, or of a batch where the models fix its size.
 * @throws {@link PruneError} `shape` where a size is not known.
 */
export async function modelLatencies(
  models: readonly tf.LayersModel[],
  inputShapes: ReadonlyArray<readonly number[]> | undefined,
): Promise<number[]> {
  const [first] = models as [tf.LayersModel]; // somebody wants it timed
  const batchSize = batchOf(first);
  const given = callsOf(first, inputShapes).inputs.map(({ shape }) => samplesOf(inBatch(shape, batchSize)));
  try {
    return await inTurns(models.map((model) => () => model.predict(given, { batchSize })));
  } finally {
    tf.dispose(given);
  }
}

/**
 * @param model A built model.
 * @returns How many samples it takes at once; 1 where it takes any number.
 */
export function batchOf({ inputs }: tf.LayersModel): number {
  return inputs.map(({ shape: [batch] }) => batch).find((batch) => typeof batch === 'number') ?? 1;
}

/** @returns The same shape, of one sample, for several. */
export function inBatch([, ...sizes]: readonly number[], batchSize: number): number[] {
  return [batchSize, ...sizes];
}

/**
 * @param shape The shape of a tensor.
 * @returns One of random numbers, the same each time; the caller disposes it.
 */
export function samplesOf(shape: readonly number[]): tf.Tensor {
  return tf.randomUniform([...shape], 0, 1, 'float32', 0);
}
