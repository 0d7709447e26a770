import type * as tf from '@tensorflow/tfjs';
import { PruneError, shown } from '../../errors';
import type { Metrics } from '../experiment/records';
import { isExamples } from './batches';
import type { FineTuneData, PruneAndFineTuneOptions } from './options';

/** Metrics of which the accuracy is known. */
export type Measured = Metrics & { readonly accuracy: number };

/**
 * Measures a model: as the user says, else with its own loss and metrics on the validation data.
 *
 * @param model The compiled model.
 * @param data What it is judged on.
 * @param options How, and the size of batches.
 * @throws {@link PruneError} `argument` if that gives no accuracy.
 */
export async function measure(
  model: tf.LayersModel,
  { validation }: FineTuneData,
  { evaluate, batchSize = 32 }: PruneAndFineTuneOptions,
): Promise<Measured> {
  const metrics =
    evaluate === undefined ? await evaluated(model, validation, batchSize) : await evaluate(model);
  const { accuracy, loss } = Object(metrics) as Metrics; // a user's function may give anything
  if (typeof accuracy === 'number' && accuracy >= 0 && accuracy <= 1) {
    return loss === undefined ? { accuracy } : { accuracy, loss };
  }
  const allowed = 'a number in [0, 1]';
  const message = `The accuracy must be ${allowed}, but got ${shown(accuracy)}. Compile the model with metrics: ['accuracy'], or give the option evaluate.`;
  throw new PruneError('argument', message, { given: accuracy, allowed });
}

async function evaluated(
  model: tf.LayersModel,
  validation: FineTuneData['validation'],
  batchSize: number,
): Promise<Metrics> {
  const results = isExamples(validation)
    ? model.evaluate(validation.xs, validation.ys, { batchSize })
    : // What is no pipeline of { xs, ys } is refused by tfjs itself.
      await model.evaluateDataset(validation as tf.data.Dataset<{ xs: tf.Tensor; ys: tf.Tensor }>, {});
  const scalars = Array.isArray(results) ? results : [results];
  const values = await Promise.all(scalars.map(async (scalar) => (await scalar.data())[0]));
  for (const scalar of scalars) scalar.dispose();
  const named = new Map(model.metricsNames.map((name, i) => [name, values[i]]));
  const accuracy = named.get('acc') ?? named.get('accuracy');
  const loss = named.get('loss');
  return {
    ...(loss === undefined || !Number.isFinite(loss) ? {} : { loss }),
    ...(accuracy === undefined ? {} : { accuracy }),
  };
}
