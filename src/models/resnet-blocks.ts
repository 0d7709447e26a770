import type * as tf from '@tensorflow/tfjs';
import type { Architectures, ResNetName } from './resnet-plan';

/** What brings a block's input to the size of its result. */
export type Downsample = readonly [conv: tf.layers.Layer, bn: tf.layers.Layer];

/** One of the BasicBlocks of ResNet18 and ResNet34. */
export interface BasicBlock {
  /** The first 3×3 convolution, which strides in the first block of layer2, layer3 and layer4. */
  readonly conv1: tf.layers.Layer;
  /** Batch normalisation after conv1. */
  readonly bn1: tf.layers.Layer;
  /** The second 3×3 convolution. */
  readonly conv2: tf.layers.Layer;
  /** Batch normalisation after conv2. */
  readonly bn2: tf.layers.Layer;
  /** What brings the block's input to the size of its result, in the first block of layer2, layer3 and layer4. */
  readonly downsample?: Downsample;
}

/** The first block of a stage, whose result has another size than its input. */
export interface DownsamplingBasicBlock extends BasicBlock {
  readonly downsample: Downsample;
}

/** One of the Bottleneck blocks of ResNet50 and the larger ones. */
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
  readonly downsample?: Downsample;
}

/** The first block of a stage, whose result has another size than its input. */
export interface DownsamplingBottleneck extends Bottleneck {
  readonly downsample: Downsample;
}

/** The blocks of a stage: the first one, and the others. */
export interface BlockTypes {
  /** Of ResNet18 and ResNet34. */
  readonly basic: readonly [first: DownsamplingBasicBlock, other: BasicBlock];
  /** Of ResNet50 and the larger ones. */
  readonly bottleneck: readonly [first: DownsamplingBottleneck, other: Bottleneck];
  /** Of the first stage of ResNet18 and ResNet34, which keeps the size of its input. */
  readonly keeping: readonly [first: BasicBlock, other: BasicBlock];
}

/** `Depth` blocks, counted in the type, so that none of them may be undefined. */
export type Blocks<
  Types extends readonly [first: unknown, other: unknown],
  Depth extends number,
  Built extends readonly unknown[] = readonly [Types[0]],
> = Built['length'] extends Depth ? Built : Blocks<Types, Depth, readonly [...Built, Types[1]]>;

/** One of the four stages of a ResNet, counted from 0. */
export type Stage<Name extends ResNetName, Index extends 0 | 1 | 2 | 3> = Blocks<
  Architectures[Name]['block'] extends 'basic'
    ? BlockTypes[Index extends 0 ? 'keeping' : 'basic']
    : BlockTypes['bottleneck'],
  Architectures[Name]['depths'][Index]
>;
