import type * as tf from '@tensorflow/tfjs';
import { checkOptions } from '../core/options';
import { classNameOf, layersOf } from '../core/parameter';
import { PruneError } from '../errors';
import { refused } from './refusal';

/** What of a batch normalisation stays as it is. */
export interface FreezeBatchNormOptions {
  /** Whether scale and shift (gamma, beta) are still trained; false by default. */
  readonly trainAffine?: boolean | undefined;
}

/** What has been frozen. */
export interface Frozen {
  /** The names of the layers. */
  readonly layers: readonly string[];
  /** Makes them as they were before; what was frozen last is restored first. Compile the model anew afterwards. */
  restore(): void;
}

/**
 * Lets the batch normalisations of a model run as in inference while it is trained: with the statistics that they have,
 * which then stay as they are. For fine-tuning with small batches, whose own statistics would be noise.
 *
 * Call it before `model.compile`, which notes down what is trained.
 *
 * Source: `FrozenBatchNorm2d` of `torchvision.ops`.
 *
 * @param model A model, or one layer. Batch normalisations of models within are frozen too.
 * @param options Whether scale and shift are still trained.
 * @returns The names of the layers, and how to undo it.
 * @throws {@link PruneError} `argument` for what is no model, or for options that are not allowed.
 * @example
 * ```ts
 * freezeBatchNorm(model);
 * model.compile({ optimizer: tf.train.momentum(1e-3, 0.9), loss: 'categoricalCrossentropy' });
 * ```
 */
export function freezeBatchNorm(model: object, options: FreezeBatchNormOptions = {}): Frozen {
  checkOptions(options, ['trainAffine']);
  const { trainAffine = false } = options;
  if (typeof trainAffine !== 'boolean') throw refused('trainAffine', trainAffine, 'true or false');
  const layers = tfjsLayers(model).filter((layer) => classNameOf(layer) === 'BatchNormalization');
  const undos = layers.map((layer) => {
    const call = layer.call.bind(layer);
    const own = Object.getOwnPropertyDescriptor(layer, 'call');
    layer.call = (inputs, kwargs) => call(inputs, { ...kwargs, training: false });
    const thaw = trainAffine ? () => {} : setTrainable(layer, false);
    return () => {
      Reflect.deleteProperty(layer, 'call');
      if (own !== undefined) Object.defineProperty(layer, 'call', own);
      thaw();
    };
  });
  return frozen(layers, undos);
}

/**
 * Keeps the weights of some layers as they are while the others are trained. Call it before `model.compile`.
 *
 * @param model A model, or one layer.
 * @param select The names of the layers, or a function that says of each whether it is to be frozen.
 * @returns The names of the layers, and how to undo it.
 * @throws {@link PruneError} `argument`, with nothing changed, for a name that no layer has.
 * @example
 * ```ts
 * freezeLayers(model, (layer) => !layer.name.startsWith('fc')); // train the classifier only
 * ```
 */
export function freezeLayers(
  model: object,
  select: readonly string[] | ((layer: tf.layers.Layer) => boolean),
): Frozen {
  const all = tfjsLayers(model);
  const names = all.map(({ name }) => name);
  if (typeof select !== 'function') {
    if (!Array.isArray(select)) throw refused('select', select, 'an array of names or a function of a layer');
    const stray = select.find((name) => !names.includes(name));
    if (stray !== undefined) {
      const message = `The model has no layer '${stray}'; it has: ${names.join(', ')}.`;
      throw new PruneError('argument', message, { given: stray, allowed: names });
    }
  }
  const isChosen =
    typeof select === 'function' ? select : ({ name }: tf.layers.Layer) => select.includes(name);
  const layers = all.filter((layer) => isChosen(layer));
  return frozen(
    layers,
    layers.map((layer) => setTrainable(layer, false)),
  );
}

/** What `layersOf` gives of a model are tfjs's layers; of either copy. */
function tfjsLayers(model: object): tf.layers.Layer[] {
  return layersOf(model) as tf.layers.Layer[];
}

function setTrainable(layer: tf.layers.Layer, trainable: boolean): () => void {
  const before = layer.trainable;
  layer.trainable = trainable;
  return () => {
    layer.trainable = before;
  };
}

function frozen(layers: readonly tf.layers.Layer[], undos: ReadonlyArray<() => void>): Frozen {
  return {
    layers: layers.map(({ name }) => name),
    restore: () => {
      for (const undo of undos) undo();
    },
  };
}
