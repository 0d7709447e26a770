import * as tf from '@tensorflow/tfjs';
import { PruneError, shown } from '../../errors';
import { Generator } from '../../masks/generator';
import type { BatchedDataset, Examples, FineTuneData } from './options';

/** One batch; its user disposes the tensors. */
export type Batch = Examples;

/**
 * The batches of an epoch: the same ones whenever it is asked for them.
 *
 * @param train What the user gave.
 * @param epoch Counts from 0 over all rounds.
 * @param from How many batches to leave out.
 * @param options Of tensors: size of a batch and seed.
 * @throws {@link PruneError} `argument` for what is no batch.
 */
export async function* batchesOf(
  train: FineTuneData['train'],
  epoch: number,
  from: number,
  { batchSize, seed }: { readonly batchSize: number; readonly seed: number },
): AsyncGenerator<Batch> {
  if (isExamples(train)) {
    yield* shuffled(train, seed + epoch, from, batchSize);
    return;
  }
  const dataset: unknown = typeof train === 'function' ? await train(epoch) : train;
  if (!isDataset(dataset)) {
    const allowed = 'tensors { xs, ys }, a tf.data.Dataset, or a function from an epoch to a tf.data.Dataset';
    throw new PruneError('argument', `train must be ${allowed}, but got ${shown(dataset)}.`, {
      given: dataset,
      allowed,
    });
  }
  const iterator = await dataset.skip(from).iterator();
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    yield checkedBatch(next.value);
  }
}

/** Whether data are tensors. */
export function isExamples(data: unknown): data is Examples {
  const { xs, ys } = Object(data) as Partial<Record<string, unknown>>; // anything may be given
  return xs instanceof tf.Tensor && ys instanceof tf.Tensor;
}

/** Not by the class: it may be of another copy of tfjs. */
function isDataset(value: unknown): value is BatchedDataset {
  const { iterator, skip } = Object(value) as Partial<Record<string, unknown>>; // anything may be given
  return typeof iterator === 'function' && typeof skip === 'function';
}

function checkedBatch(batch: unknown): Batch {
  if (isExamples(batch)) return batch;
  const allowed = '{ xs, ys } with a tensor each';
  throw new PruneError('argument', `A batch must be ${allowed}, but got ${shown(batch)}.`, {
    given: batch,
    allowed,
  });
}

function* shuffled({ xs, ys }: Examples, seed: number, from: number, batchSize: number): Iterable<Batch> {
  const order = orderOf(xs.shape[0] ?? 0, seed);
  for (let start = from * batchSize; start < order.length; start += batchSize) {
    const indices = tf.tensor1d(order.slice(start, start + batchSize), 'int32');
    try {
      yield { xs: tf.gather(xs, indices), ys: tf.gather(ys, indices) };
    } finally {
      indices.dispose();
    }
  }
}

/** Fisher and Yates's shuffle. */
function orderOf(count: number, seed: number): Int32Array {
  const generator = new Generator(seed);
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = generator.random() % (i + 1);
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  return order;
}
