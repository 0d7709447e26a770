/** A model's configuration, as its `getConfig` gives it, and how layers are taken out of it. */
import type * as tf from '@tensorflow/tfjs';

/** What feeds a call: a layer, which of its calls, which of that call's outputs; then arguments of the call that is fed. */
export type Source = [layer: string, call: number, output: number, ...args: tf.serialization.ConfigDict[]];

/** What a layer is made of, by tfjs's names. */
export interface LayerOptions extends tf.serialization.ConfigDict {
  name: string;
}

/** A layer of a model. */
export interface LayerConfig extends tf.serialization.ConfigDict {
  className: string;
  config: LayerOptions;
}

/** A model: a Sequential, whose layers follow each other, or a graph. */
export interface ModelConfig extends LayerOptions {
  layers: LayerConfig[];
}

/** Whether the options of a layer are those of a model. */
export function isModelConfig(options: LayerOptions): options is ModelConfig {
  return Array.isArray(options.layers);
}

/** The calls of a layer; none in a Sequential and of inputs. */
export function callsOf({ inboundNodes }: LayerConfig): Source[][] {
  // tfjs's format: a list of calls, each a list of sources.
  return (inboundNodes ?? []) as Source[][];
}

/** What a graph gives; undefined for a Sequential. */
export function outputsOf({ outputLayers }: ModelConfig): Source[] | undefined {
  // tfjs's format: a list of sources.
  return outputLayers as Source[] | undefined;
}

/** Everything in a model that feeds something, to be changed in place. */
export function sourcesOf(model: ModelConfig): Source[] {
  return [...model.layers.flatMap(callsOf), outputsOf(model) ?? []].flat();
}

function isFedBy(sources: readonly Source[], { config }: LayerConfig): boolean {
  return sources.some(([layer]) => layer === config.name);
}

/** Whether a layer is called once, on one tensor and with no further arguments. */
function isCalledPlainly(layer: LayerConfig): boolean {
  const [call, ...others] = callsOf(layer);
  if (call?.length !== 1 || others.length > 0) return false;
  const [, , , ...args] = call[0]!;
  return args.every((named) => Object.values(named).every((value) => value === null));
}

/**
 * The layer that alone takes what another gives, once and nothing else. It can become a part of that other one, which is
 * then called once too: a graph has no calls that nobody takes.
 *
 * @param model The model of both.
 * @param layer The one before.
 * @returns The one after; undefined where several layers, or the model's own outputs, take what the layer gives.
 */
export function followerOf(model: ModelConfig, layer: LayerConfig): LayerConfig | undefined {
  const { layers } = model;
  const outputs = outputsOf(model);
  if (outputs === undefined) return layers[layers.indexOf(layer) + 1];
  if (isFedBy(outputs, layer)) return undefined;
  const [follower, ...others] = layers.filter((other) => callsOf(other).some((call) => isFedBy(call, layer)));
  return follower !== undefined && others.length === 0 && isCalledPlainly(follower) ? follower : undefined;
}

/**
 * Whether a layer stands between others, so that the model is whole without it.
 *
 * @param model The layer's model.
 * @param layer A layer of one input and one output, of the same shape or not.
 */
export function isBetween(model: ModelConfig, layer: LayerConfig): boolean {
  const outputs = outputsOf(model);
  if (outputs !== undefined) return isCalledPlainly(layer) && !isFedBy(outputs, layer);
  const index = model.layers.indexOf(layer);
  // The first layer of a Sequential says what goes into it.
  return index > 0 && index < model.layers.length - 1;
}

/**
 * Takes a layer out of a model: who took what it gives takes what went into it.
 *
 * @param model The model, which is changed.
 * @param layer One that follows another or is between others.
 */
export function takeOut(model: ModelConfig, layer: LayerConfig): void {
  const source = callsOf(layer)[0]?.[0];
  model.layers.splice(model.layers.indexOf(layer), 1);
  if (source === undefined) return;
  for (const each of sourcesOf(model)) {
    if (each[0] === layer.config.name) [each[0], each[1], each[2]] = source;
  }
}
