/** Models that are to be built anew, while their configuration is edited. */
import * as tf from '@tensorflow/tfjs';
import { classNameOf, describe, layersOf, slotsOf } from '../core/parameter';
import { PruneError, shown } from '../errors';
import {
  isModelConfig,
  type LayerConfig,
  type LayerOptions,
  type ModelConfig,
  takeOut,
} from './model-config';

/** A layer that a model built anew is without. */
export interface RemovedLayer {
  /** Its name in the original; for one of a model within, after that model's name and a slash. */
  readonly layer: string;
  /** tfjs's name of its class. */
  readonly className: string;
  /** The layer that does its work now; undefined where there is none to do in inference. */
  readonly into: string | undefined;
}

/** A model's configuration, to be edited, beside the model itself. */
export interface Draft {
  readonly model: tf.LayersModel;
  readonly config: ModelConfig;
  /** By the name of a layer, the draft of the model that it is or applies. */
  readonly inner: ReadonlyMap<string, Draft>;
  /** What was taken out, also of models within. */
  readonly removed: RemovedLayer[];
  /** What comes before the names of the model's layers in `removed`. */
  readonly prefix: string;
}

/**
 * @param model Anything that was given for a model.
 * @param purpose What it is to be used for, in messages.
 * @returns Its draft.
 * @throws {@link PruneError} `argument` for what is no LayersModel, `state` for one that is not built or disposed.
 */
export function draftOf(model: unknown, purpose: string): Draft {
  checkModel(model, purpose);
  // What getConfig gives may hold the layers' own arrays.
  const config: ModelConfig = JSON.parse(JSON.stringify(model.getConfig()));
  return draftWithin(model, config, [], '');
}

function checkModel(model: unknown, purpose: string): asserts model is tf.LayersModel {
  if (!(model instanceof tf.LayersModel)) {
    const allowed = 'a tf.LayersModel';
    throw new PruneError('argument', `${purpose} takes ${allowed}, but got ${shown(model)}.`, {
      given: model,
      allowed,
    });
  }
  if (model.layers.length === 0) {
    const message = `${describe(model)} has no layers yet. Add them, the first one with an inputShape, before ${purpose}.`;
    throw new PruneError('state', message, { given: model, allowed: 'a built model' });
  }
  for (const layer of layersOf(model)) {
    if (slotsOf(layer).some(({ variable }) => variable?.isDisposed)) {
      throw new PruneError('state', `${describe(layer)} has been disposed.`, { given: layer });
    }
  }
}

/** By class, an option that tfjs leaves out of a layer's configuration. */
const FORGOTTEN: ReadonlyMap<string, string> = new Map([
  ['SeparableConv2D', 'depthMultiplier'],
  ['Conv1D', 'dataFormat'],
  ['AlphaDropout', 'noiseShape'],
]);

function draftWithin(
  model: tf.LayersModel,
  config: ModelConfig,
  removed: RemovedLayer[],
  prefix: string,
): Draft {
  const inner = new Map<string, Draft>();
  for (const [i, { config: options }] of config.layers.entries()) {
    const layer = model.layers[i]!;
    // Not every layer of a user's own names itself.
    options.name ??= layer.name;
    const forgotten = FORGOTTEN.get(classNameOf(layer) ?? '');
    if (forgotten !== undefined) options[forgotten] ??= Reflect.get(layer, forgotten);
    const within = modelWithin(layer);
    const configured = within && configWithin(options);
    if (within === undefined || configured === undefined) continue;
    inner.set(layer.name, draftWithin(within, configured, removed, `${prefix}${layer.name}/`));
  }
  return { model, config, inner, removed, prefix };
}

/**
 * @param layer A layer.
 * @returns The model that it is, or that it applies to each step of a sequence; undefined for all other layers.
 */
export function modelWithin(layer: object): tf.LayersModel | undefined {
  if (layer instanceof tf.LayersModel) return layer;
  const applied: unknown = classNameOf(layer) === 'TimeDistributed' ? Reflect.get(layer, 'layer') : undefined;
  return typeof applied === 'object' && applied !== null ? modelWithin(applied) : undefined;
}

function configWithin(options: LayerOptions): ModelConfig | undefined {
  if (isModelConfig(options)) return options;
  // tfjs's format: what a wrapper applies is a layer's configuration.
  const applied = options.layer as LayerConfig | undefined;
  return applied === undefined ? undefined : configWithin(applied.config);
}

/**
 * Edits a draft, and those of the models within.
 *
 * @param draft The draft.
 * @param pass What edits one.
 */
export function edit(draft: Draft, pass: (draft: Draft) => void): void {
  for (const each of draft.inner.values()) edit(each, pass);
  pass(draft);
}

/**
 * Takes a layer out of a draft.
 *
 * @param draft The layer's draft.
 * @param layer The layer.
 * @param into The one that does its work.
 */
export function remove({ config, removed, prefix }: Draft, layer: LayerConfig, into?: LayerConfig): void {
  takeOut(config, layer);
  removed.push({
    layer: prefix + layer.config.name,
    className: layer.className,
    into: into && prefix + into.config.name,
  });
}
