/** Builds a model from a draft, with weights from the original. */
import * as tf from '@tensorflow/tfjs';
import { classNameOf, describe, layersOf, slotsOf } from '../core/parameter';
import { PruneError, shown } from '../errors';
import { renumberCalls } from './call-order';
import { type Draft, edit, modelWithin } from './draft';

/**
 * Gives a layer that was just built its weights.
 *
 * @param original The layer of the same name in the original, which stays as it is.
 * @param made The one that was built.
 * @param path Its name, after those of the models around it, each with a slash.
 */
export type Transfer = (original: object, made: object, path: string) => void;

/**
 * @param draft The draft; it is used up.
 * @param transfer Fills each layer of the new model.
 * @returns The model; the caller disposes it.
 * @throws {@link PruneError} `unsupported` where tfjs cannot build it. No variable is left behind.
 */
export function rebuild(draft: Draft, transfer: Transfer): tf.LayersModel {
  return allOrNothing(() => {
    edit(draft, ({ config }) => renumberCalls(config));
    const model = build(draft);
    fill(draft, model, transfer);
    return model;
  });
}

/**
 * @param make Makes something with variables.
 * @returns What it gives. Where it throws, the variables that it has made are disposed.
 */
export function allOrNothing<T>(make: () => T): T {
  const before = new Set(variables());
  try {
    return make();
  } catch (error) {
    for (const variable of variables()) if (!before.has(variable)) variable.dispose();
    throw error;
  }
}

/**
 * Disposes all weights of a model that nobody else has seen; its own dispose leaves those of layers that are called twice.
 *
 * @param model The model.
 */
export function disposeWeights(model: tf.LayersModel): void {
  for (const { variable } of layersOf(model).flatMap(slotsOf)) {
    if (variable?.isDisposed === false) variable.dispose();
  }
}

function variables(): tf.Variable[] {
  return Object.values(tf.engine().state.registeredVariables);
}

/** The initialisers that the configuration names do not run. */
function build({ model, config }: Draft): tf.LayersModel {
  const isSequential = classNameOf(model) === 'Sequential';
  try {
    return isSequential
      ? tf.Sequential.fromConfig<tf.Sequential>(tf.Sequential, config, {}, true)
      : tf.LayersModel.fromConfig<tf.LayersModel>(tf.LayersModel, config, {}, true);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : shown(cause);
    const message = `tfjs cannot build ${describe(model)} from its configuration: ${reason} Register layers of your own with tf.serialization.registerClass, and let their getConfig say all that their constructor takes.`;
    throw new PruneError('unsupported', message, { given: model, cause });
  }
}

function fill({ model, inner, prefix }: Draft, made: tf.LayersModel, transfer: Transfer): void {
  const originals = new Map(model.layers.map((layer) => [layer.name, layer]));
  for (const layer of made.layers) {
    const draft = inner.get(layer.name);
    const within = modelWithin(layer);
    if (draft !== undefined && within !== undefined) {
      fill(draft, within, transfer);
      continue;
    }
    const original = originals.get(layer.name);
    if (original === undefined) {
      const message = `tfjs built ${describe(layer)}, a name that the model does not have. Let the getConfig of your own layers include what super.getConfig() gives, and pass it on to super().`;
      throw new PruneError('unsupported', message, { given: layer.name, allowed: [...originals.keys()] });
    }
    transfer(original, layer, prefix + layer.name);
  }
}
