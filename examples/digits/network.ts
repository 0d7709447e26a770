import * as tf from '@tensorflow/tfjs';

const SIDE = 28;
const CLASSES = 10;
const WIDTHS = [16, 32, 64] as const;

type Symbolic = tf.SymbolicTensor;

/** The seeds of the layers' initialisers, one after the other. */
type Seeds = () => number;

/**
 * A ResNet of eight layers for digits of 28×28: a strided convolution, three basic blocks of 16, 32 and 64 channels, and a
 * classifier. It is the ResNet for small images of "Deep Residual Learning for Image Recognition" (He et al., section 4.2)
 * with one block a stage and a first stride of 2; its shortcuts are torchvision's, and so are its layers' names.
 *
 * @param seed Of its initial weights, a whole number.
 * @returns The model, from images [batch, 28, 28, 1] to logits [batch, 10]; the caller disposes it.
 */
export function resnet8(seed: number): tf.LayersModel {
  let next = seed;
  const seeds: Seeds = () => next++;
  const images = tf.input({ shape: [SIDE, SIDE, 1], name: 'images' });
  let x = relu(normalised(images, 'conv1', 'bn1', { filters: WIDTHS[0], strides: 2, seeds }), 'relu');
  WIDTHS.forEach((filters, stage) => {
    x = basicBlock(x, `layer${stage + 1}.0`, { filters, strides: stage === 0 ? 1 : 2, seeds });
  });
  x = tf.layers.globalAveragePooling2d({ name: 'avgpool' }).apply(x) as Symbolic; // of a symbolic tensor
  const kernelInitializer = tf.initializers.glorotUniform({ seed: seeds() });
  const fc = tf.layers.dense({ units: CLASSES, kernelInitializer, name: 'fc' });
  return tf.model({ inputs: images, outputs: fc.apply(x) as Symbolic, name: 'resnet8' });
}

interface Convolution {
  readonly filters: number;
  readonly strides: number;
  readonly seeds: Seeds;
  readonly kernelSize?: number;
}

function basicBlock(input: Symbolic, name: string, { filters, strides, seeds }: Convolution): Symbolic {
  let x = normalised(input, `${name}.conv1`, `${name}.bn1`, { filters, strides, seeds });
  x = relu(x, `${name}.relu1`);
  x = normalised(x, `${name}.conv2`, `${name}.bn2`, { filters, strides: 1, seeds });
  const shortcut =
    strides === 1
      ? input
      : normalised(input, `${name}.downsample.0`, `${name}.downsample.1`, {
          filters,
          strides,
          seeds,
          kernelSize: 1,
        });
  const sum = tf.layers.add({ name: `${name}.add` }).apply([x, shortcut]) as Symbolic;
  return relu(sum, `${name}.relu2`);
}

/** A convolution without a bias, and its batch normalisation. */
function normalised(
  input: Symbolic,
  name: string,
  bn: string,
  { filters, strides, seeds, kernelSize = 3 }: Convolution,
): Symbolic {
  const conv = tf.layers.conv2d({
    filters,
    kernelSize,
    strides,
    padding: 'same',
    useBias: false,
    kernelInitializer: tf.initializers.heNormal({ seed: seeds() }),
    name,
  });
  const norm = tf.layers.batchNormalization({ epsilon: 1e-5, momentum: 0.9, name: bn });
  return norm.apply(conv.apply(input)) as Symbolic;
}

function relu(input: Symbolic, name: string): Symbolic {
  return tf.layers.activation({ activation: 'relu', name }).apply(input) as Symbolic;
}
