import type * as tf from '@tensorflow/tfjs';
import { PruneError, shown } from '../errors';
import type { Stage } from './resnet-blocks';
import { convsOf, planResNet, RESNETS, type ResNetName, type ResNetPlan } from './resnet-plan';

/** The children of one of torchvision's ResNets. */
export interface ResNetChildren<Name extends ResNetName> {
  /** The stem: a 7×7 convolution of stride 2. */
  readonly conv1: tf.layers.Layer;
  /** Batch normalisation after the stem. */
  readonly bn1: tf.layers.Layer;
  /** The first stage: 64 channels, or 256 of bottlenecks. */
  readonly layer1: Stage<Name, 0>;
  /** The second stage: 128 channels, or 512. */
  readonly layer2: Stage<Name, 1>;
  /** The third stage: 256 channels, or 1,024. */
  readonly layer3: Stage<Name, 2>;
  /** The fourth stage: 512 channels, or 2,048. */
  readonly layer4: Stage<Name, 3>;
  /** The classifier, from pooled features to logits; an identity in a model without one. */
  readonly fc: tf.layers.Layer;
}

/** A ResNet, by default a ResNet50: a tf.LayersModel that has torch's children as properties. */
export type ResNet<Name extends ResNetName = 'resnet50'> = tf.LayersModel & ResNetChildren<Name>;

const LISTED = 8;

/** The convolutions in the blocks of a ResNet. */
const IN_BLOCK = /^layer[1-4]\.\d+\.(conv\d|downsample\.0)$/;

/**
 * Gives a ResNet that `tf.loadLayersModel` loaded its children back: they are found by the names of its layers, and set
 * as properties of the model.
 *
 * @param model A ResNet that this library made, saved and loaded.
 * @param name Which one, by torchvision's name; a `resnet50` by default.
 * @returns The same model.
 * @throws {@link PruneError} `argument` for what is no model, or if its layers are not those of this ResNet.
 * @example
 * ```ts
 * const model = asResNet(await tf.loadLayersModel('indexeddb://resnet18'), 'resnet18');
 * model.layer4[1].conv2;
 * ```
 */
export function asResNet<Name extends ResNetName = 'resnet50'>(
  model: tf.LayersModel,
  name?: Name,
): ResNet<Name> {
  const plan = planResNet(checkedName(name ?? 'resnet50'));
  checkModel(model);
  const layers = new Map(model.layers.map((layer) => [layer.name, layer]));
  checkLayers(model, layers, plan);
  // Name is 'resnet50' where it is not given, and RESNETS, which the plan is laid out from, gives the type its blocks.
  return Object.assign(model, childrenOf(layers, plan) as ResNetChildren<Name>);
}

function checkedName(name: unknown): ResNetName {
  const names = Object.keys(RESNETS);
  // A key of RESNETS is a ResNetName.
  if (typeof name === 'string' && names.includes(name)) return name as ResNetName;
  const message = `There is no ResNet ${shown(name)}; there are: ${names.join(', ')}.`;
  throw new PruneError('argument', message, { given: name, allowed: names });
}

function checkModel(model: unknown): void {
  if (typeof model === 'object' && model !== null && 'layers' in model && Array.isArray(model.layers)) return;
  const allowed = 'a tf.LayersModel';
  throw new PruneError('argument', `asResNet takes ${allowed}, but got ${shown(model)}.`, {
    given: model,
    allowed,
  });
}

function checkLayers(
  model: tf.LayersModel,
  layers: ReadonlyMap<string, tf.layers.Layer>,
  plan: ResNetPlan,
): void {
  const expected = [...convsOf(plan).flatMap(({ name, bn }) => [name, bn]), plan.fc.name];
  const missing = expected.filter((name) => !layers.has(name));
  const extra = [...layers.keys()].filter((name) => IN_BLOCK.test(name) && !expected.includes(name));
  if (missing.length === 0 && extra.length === 0) return;
  const problem = missing.length > 0 ? `has no layers named ${listed(missing)}` : `also has ${listed(extra)}`;
  throw new PruneError('argument', `The model '${model.name}' is not a ${plan.name}: it ${problem}.`, {
    given: missing.length > 0 ? missing : extra,
    allowed: expected,
  });
}

function listed(names: readonly string[]): string {
  const more = names.length > LISTED ? `, and ${names.length - LISTED} more` : '';
  return names.slice(0, LISTED).join(', ') + more;
}

function childrenOf(layers: ReadonlyMap<string, tf.layers.Layer>, plan: ResNetPlan): object {
  const layer = (name: string): tf.layers.Layer => layers.get(name)!;
  const stages = plan.stages.map((blocks, stage) => [
    `layer${stage + 1}`,
    blocks.map(({ convs, downsample }) => ({
      ...Object.fromEntries(
        convs.flatMap(({ name, bn }, i) => [
          [`conv${i + 1}`, layer(name)],
          [`bn${i + 1}`, layer(bn)],
        ]),
      ),
      ...(downsample && { downsample: [layer(downsample.name), layer(downsample.bn)] }),
    })),
  ]);
  const { stem, fc } = plan;
  return {
    conv1: layer(stem.name),
    bn1: layer(stem.bn),
    ...Object.fromEntries(stages),
    fc: layer(fc.name),
  };
}
