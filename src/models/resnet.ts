import type * as tf from '@tensorflow/tfjs';
import { PruneError } from '../errors';
import { convsOf, planResNet, RESNET50, type ResNetPlan } from './resnet-plan';

/** One of torchvision's Bottleneck blocks. */
export interface Bottleneck {
  /** The 1×1 convolution that narrows. */
  readonly conv1: tf.layers.Layer;
  /** Batch normalisation after conv1. */
  readonly bn1: tf.layers.Layer;
  /** The 3×3 convolution, which strides in the first block of layer2, layer3 and layer4. */
  readonly conv2: tf.layers.Layer;
  /** Batch normalisation after conv2. */
  readonly bn2: tf.layers.Layer;
  /** The 1×1 convolution that widens. */
  readonly conv3: tf.layers.Layer;
  /** Batch normalisation after conv3. */
  readonly bn3: tf.layers.Layer;
  /** What brings the block's input to the size of its result, in the first block of each stage. */
  readonly downsample?: readonly [conv: tf.layers.Layer, bn: tf.layers.Layer];
}

/** The first block of a stage, whose result has another size than its input. */
export interface DownsamplingBottleneck extends Bottleneck {
  readonly downsample: readonly [conv: tf.layers.Layer, bn: tf.layers.Layer];
}

/** The children of torchvision's ResNets of bottlenecks, of whatever depth. */
export interface ResNetChildren {
  /** The stem: a 7×7 convolution of stride 2. */
  readonly conv1: tf.layers.Layer;
  /** Batch normalisation after the stem. */
  readonly bn1: tf.layers.Layer;
  /** The first stage: 256 channels. */
  readonly layer1: readonly Bottleneck[];
  /** The second stage: 512 channels. */
  readonly layer2: readonly Bottleneck[];
  /** The third stage: 1,024 channels. */
  readonly layer3: readonly Bottleneck[];
  /** The fourth stage: 2,048 channels. */
  readonly layer4: readonly Bottleneck[];
  /** The classifier, from pooled features to logits. */
  readonly fc: tf.layers.Layer;
}

/** The children of torchvision's ResNet50. */
export interface ResNet50Children extends ResNetChildren {
  /** The first stage: 3 blocks, 256 channels. */
  readonly layer1: readonly [DownsamplingBottleneck, Bottleneck, Bottleneck];
  /** The second stage: 4 blocks, 512 channels. */
  readonly layer2: readonly [DownsamplingBottleneck, Bottleneck, Bottleneck, Bottleneck];
  /** The third stage: 6 blocks, 1,024 channels. */
  readonly layer3: readonly [
    DownsamplingBottleneck,
    Bottleneck,
    Bottleneck,
    Bottleneck,
    Bottleneck,
    Bottleneck,
  ];
  /** The fourth stage: 3 blocks, 2,048 channels. */
  readonly layer4: readonly [DownsamplingBottleneck, Bottleneck, Bottleneck];
}

/** A ResNet50: a tf.LayersModel that has torch's children as properties. */
export type ResNet = tf.LayersModel & ResNet50Children;

const LISTED = 8;

/**
 * Gives a ResNet50 that `tf.loadLayersModel` loaded its children back: they are found by the names of its layers, and
 * set as properties of the model.
 *
 * @param model A ResNet50 by {@link resnet50}, saved and loaded.
 * @returns The same model.
 * @throws {@link PruneError} `argument` if the model lacks layers of a ResNet50.
 * @example
 * ```ts
 * const model = asResNet(await tf.loadLayersModel('indexeddb://resnet50'));
 * model.layer4[2].conv3;
 * ```
 */
export function asResNet(model: tf.LayersModel): ResNet {
  // RESNET50 lists the numbers of blocks that the type has, and every stage begins with another size.
  return Object.assign(model, childrenOf(model, planResNet(RESNET50)) as ResNet50Children);
}

function childrenOf(model: tf.LayersModel, plan: ResNetPlan): ResNetChildren {
  const layers = new Map(model.layers.map((layer) => [layer.name, layer]));
  const missing = layerNames(plan).filter((name) => !layers.has(name));
  if (missing.length > 0) {
    const more = missing.length > LISTED ? `, and ${missing.length - LISTED} more` : '';
    const list = missing.slice(0, LISTED).join(', ');
    const message = `The model '${model.name}' is not a ${plan.name}: it has no layers named ${list}${more}.`;
    throw new PruneError('argument', message, { given: missing, allowed: layerNames(plan) });
  }
  const layer = (name: string): tf.layers.Layer => layers.get(name)!;
  const stage = (index: number): Bottleneck[] =>
    plan.stages[index]!.map(({ name, downsample }) => ({
      conv1: layer(`${name}.conv1`),
      bn1: layer(`${name}.bn1`),
      conv2: layer(`${name}.conv2`),
      bn2: layer(`${name}.bn2`),
      conv3: layer(`${name}.conv3`),
      bn3: layer(`${name}.bn3`),
      ...(downsample && { downsample: [layer(downsample.name), layer(downsample.bn)] as const }),
    }));
  return {
    conv1: layer('conv1'),
    bn1: layer('bn1'),
    layer1: stage(0),
    layer2: stage(1),
    layer3: stage(2),
    layer4: stage(3),
    fc: layer('fc'),
  };
}

function layerNames(plan: ResNetPlan): string[] {
  return [...convsOf(plan).flatMap(({ name, bn }) => [name, bn]), plan.fc.name];
}
