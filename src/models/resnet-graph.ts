import * as tf from '@tensorflow/tfjs';
import type { BlockPlan, ConvPlan, ResNetPlan } from './resnet-plan';

type Layer = tf.layers.Layer;
type Symbolic = tf.SymbolicTensor;

/** What a ResNet gives: a number for each class, or what the classifier would see: pooled, or where in the image it is. */
export type Output = 'logits' | 'pooled' | 'map';

/**
 * Builds the graph of a ResNet out of stock layers, named as in torchvision. Its weights are all zero: the initialisers
 * that its configuration names do not run.
 *
 * @param plan The ResNet.
 * @param inputShape Height, width and channels of an image.
 * @param output What comes out of it. Without logits fc is there as in torch: an identity.
 * @returns The model, from NHWC images; the caller disposes it.
 */
export function buildGraph(
  plan: ResNetPlan,
  inputShape: readonly [number, number, 3],
  output: Output = 'logits',
): tf.LayersModel {
  const images = tf.input({ shape: [...inputShape], name: 'images' });
  let x = relu(normalised(images, plan.stem), 'relu');
  // torch pads with −∞. After a ReLU nothing is below 0, so that zeros never win over what is there.
  x = apply(tf.layers.zeroPadding2d({ padding: 1, name: 'maxpool.pad' }), x);
  x = apply(tf.layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'valid', name: 'maxpool' }), x);
  for (const block of plan.stages.flat()) x = residual(x, block);
  if (output !== 'map') x = apply(tf.layers.globalAveragePooling2d({ name: 'avgpool' }), x);
  const { name, out } = plan.fc;
  const fc =
    output === 'logits'
      ? tf.layers.dense({ units: out, kernelInitializer: 'heUniform', name })
      : tf.layers.activation({ activation: 'linear', name });
  return tf.model({ inputs: images, outputs: apply(fc, x), name: plan.name });
}

function residual(input: Symbolic, { name, convs, downsample }: BlockPlan): Symbolic {
  let x = input;
  convs.forEach((conv, i) => {
    x = normalised(x, conv);
    if (i < convs.length - 1) x = relu(x, `${name}.relu${i + 1}`);
  });
  const shortcut = downsample === undefined ? input : normalised(input, downsample);
  return relu(apply(tf.layers.add({ name: `${name}.add` }), [x, shortcut]), `${name}.relu${convs.length}`);
}

/** A convolution and its batch normalisation. */
function normalised(input: Symbolic, { name, bn, out, kernel, stride }: ConvPlan): Symbolic {
  // torch pads the same on all sides. tfjs's 'same' does too at stride 1, but only on one side at stride 2.
  const isPadded = kernel > 1 && stride > 1;
  const padding = (kernel - 1) / 2;
  const x = isPadded ? apply(tf.layers.zeroPadding2d({ padding, name: `${name}.pad` }), input) : input;
  const conv = tf.layers.conv2d({
    filters: out,
    kernelSize: kernel,
    strides: stride,
    padding: kernel > 1 && stride === 1 ? 'same' : 'valid',
    useBias: false,
    kernelInitializer: tf.initializers.varianceScaling({ scale: 2, mode: 'fanOut', distribution: 'normal' }),
    name,
  });
  // torch's momentum is the share of the new value, 0.1; tfjs's that of the old.
  return apply(tf.layers.batchNormalization({ epsilon: 1e-5, momentum: 0.9, name: bn }), apply(conv, x));
}

function relu(input: Symbolic, name: string): Symbolic {
  return apply(tf.layers.activation({ activation: 'relu', name }), input);
}

function apply(layer: Layer, input: Symbolic | Symbolic[]): Symbolic {
  layer.setFastWeightInitDuringBuild(true);
  // A layer with one output that is called on symbolic tensors returns one symbolic tensor.
  return layer.apply(input) as Symbolic;
}
