/** Small networks in the style of well-known ones, and which channels of theirs live and die together, by hand. */
import * as tf from '@tensorflow/tfjs';
import { call, type Symbolic } from '../sparse/fold-models';

const L = tf.layers;

/** A network. */
export interface Architecture {
  readonly make: () => tf.LayersModel;
  /** The layers that make each group of channels; those of the outputs aside. */
  readonly groups: ReadonlyArray<readonly string[]>;
  /** The layers whose channels stay, besides those of the outputs. */
  readonly staying?: readonly string[];
}

const image = (size = 8): Symbolic => tf.input({ shape: [size, size, 3] });

type ConvOptions = Partial<Parameters<typeof L.conv2d>[0]>;

const conv = (name: string, filters: number, x: Symbolic, options: ConvOptions = {}): Symbolic =>
  call(L.conv2d({ name, filters, kernelSize: 3, padding: 'same', ...options }), x);

const relu = (x: Symbolic): Symbolic => call(L.reLU(), x);
const norm = (x: Symbolic): Symbolic => call(L.batchNormalization(), x);
const dense = (name: string, units: number, x: Symbolic): Symbolic => call(L.dense({ name, units }), x);
const add = (x: Symbolic, y: Symbolic): Symbolic => call(L.add(), [x, y]);
const concat = (...all: Symbolic[]): Symbolic => call(L.concatenate(), all);
const pooled = (x: Symbolic): Symbolic => call(L.globalAveragePooling2d({}), x);

/** Convolution, batch normalisation, ReLU. */
const cbr = (name: string, filters: number, x: Symbolic, options: ConvOptions = {}): Symbolic =>
  relu(norm(conv(name, filters, x, { useBias: false, ...options })));

const classifier = (inputs: Symbolic, x: Symbolic): tf.LayersModel =>
  tf.model({ inputs, outputs: dense('out', 3, x) });

function vgg(): tf.LayersModel {
  return tf.sequential({
    layers: [
      L.conv2d({ name: 'conv1', filters: 8, kernelSize: 3, activation: 'relu', inputShape: [8, 8, 3] }),
      L.maxPooling2d({ poolSize: 2 }),
      L.conv2d({ name: 'conv2', filters: 10, kernelSize: 3, padding: 'same', activation: 'relu' }),
      L.flatten(),
      L.dense({ name: 'fc1', units: 12, activation: 'relu' }),
      L.dropout({ rate: 0.5, seed: 1 }),
      L.dense({ name: 'fc2', units: 6, activation: 'relu' }),
      L.dense({ name: 'out', units: 3 }),
    ],
  });
}

function basicBlock(name: string, filters: number, x: Symbolic, strides = 1): Symbolic {
  const f = norm(conv(`${name}.conv2`, filters, cbr(`${name}.conv1`, filters, x, { strides })));
  const isSame = strides === 1;
  return relu(add(f, isSame ? x : norm(conv(`${name}.downsample`, filters, x, { kernelSize: 1, strides }))));
}

function resnetBasic(): tf.LayersModel {
  const x = image();
  const one = basicBlock('layer1.0', 6, cbr('conv1', 6, x));
  const two = basicBlock('layer2.1', 8, basicBlock('layer2.0', 8, one, 2));
  return classifier(x, pooled(two));
}

function bottleneck(name: string, width: number, x: Symbolic, strides = 1): Symbolic {
  const narrow = cbr(`${name}.conv1`, width, x, { kernelSize: 1 });
  const wide = cbr(`${name}.conv2`, width, narrow, { strides });
  const f = norm(conv(`${name}.conv3`, 4 * width, wide, { kernelSize: 1 }));
  const isSame = x.shape[3] === 4 * width && strides === 1;
  const shortcut = isSame ? x : norm(conv(`${name}.downsample`, 4 * width, x, { kernelSize: 1, strides }));
  return relu(add(f, shortcut));
}

function resnetBottleneck(): tf.LayersModel {
  const x = image();
  const stem = call(L.maxPooling2d({ poolSize: 2 }), cbr('conv1', 6, x));
  const one = bottleneck('layer1.1', 4, bottleneck('layer1.0', 4, stem));
  return classifier(x, pooled(bottleneck('layer2.0', 6, one, 2)));
}

function inceptionModule(name: string, x: Symbolic): Symbolic {
  const pool = call(L.maxPooling2d({ poolSize: 3, strides: 1, padding: 'same' }), x);
  return concat(
    cbr(`${name}.1x1`, 4, x, { kernelSize: 1 }),
    cbr(`${name}.3x3`, 6, cbr(`${name}.3x3reduce`, 4, x, { kernelSize: 1 })),
    cbr(`${name}.5x5`, 4, cbr(`${name}.5x5reduce`, 3, x, { kernelSize: 1 }), { kernelSize: 5 }),
    cbr(`${name}.pool`, 4, pool, { kernelSize: 1 }),
  );
}

function inception(): tf.LayersModel {
  const x = image();
  return classifier(x, pooled(inceptionModule('b', inceptionModule('a', cbr('stem', 6, x)))));
}

function densenet(): tf.LayersModel {
  const x = image();
  let y = conv('stem', 6, x);
  for (const i of [1, 2, 3]) {
    const narrow = conv(`layer${i}.conv1`, 8, relu(norm(y)), { kernelSize: 1 });
    y = concat(y, conv(`layer${i}.conv2`, 4, relu(norm(narrow))));
  }
  const transition = conv('transition', 9, relu(norm(y)), { kernelSize: 1 });
  return classifier(x, pooled(call(L.averagePooling2d({ poolSize: 2 }), transition)));
}

const depthwise = (x: Symbolic, strides = 1): Symbolic =>
  norm(call(L.depthwiseConv2d({ kernelSize: 3, padding: 'same', strides, useBias: false }), x));

function mobilenetV1(): tf.LayersModel {
  const x = image();
  const stem = cbr('stem', 6, x, { strides: 2 });
  const one = cbr('pointwise1', 8, relu(depthwise(stem)), { kernelSize: 1 });
  const two = cbr('pointwise2', 10, relu(depthwise(one, 2)), { kernelSize: 1 });
  return classifier(x, call(L.flatten(), conv('preds', 7, two, { kernelSize: 1 })));
}

function invertedResidual(name: string, filters: number, x: Symbolic, strides = 1): Symbolic {
  const wide = call(L.reLU({ maxValue: 6 }), norm(conv(`${name}.expand`, 12, x, { kernelSize: 1 })));
  const filtered = call(L.reLU({ maxValue: 6 }), depthwise(wide, strides));
  const narrow = norm(conv(`${name}.project`, filters, filtered, { kernelSize: 1 }));
  return x.shape[3] === filters && strides === 1 ? add(x, narrow) : narrow;
}

function mobilenetV2(): tf.LayersModel {
  const x = image();
  const one = invertedResidual('1', 6, cbr('stem', 6, x, { strides: 2 }));
  const two = invertedResidual('2', 8, one, 2);
  return classifier(x, pooled(invertedResidual('3', 8, two)));
}

const hardSwish = (x: Symbolic): Symbolic =>
  call(L.multiply(), [x, call(L.activation({ activation: 'hardSigmoid' }), x)]);

function excited(name: string, x: Symbolic): Symbolic {
  const channels = x.shape[3]!;
  const squeezed = call(L.reshape({ targetShape: [1, 1, channels] }), pooled(x));
  const narrow = conv(`${name}.squeeze`, 4, squeezed, { kernelSize: 1, activation: 'relu' });
  return call(L.multiply(), [
    x,
    conv(`${name}.excite`, channels, narrow, { kernelSize: 1, activation: 'hardSigmoid' }),
  ]);
}

function mobilenetV3(): tf.LayersModel {
  const x = image();
  const stem = hardSwish(norm(conv('stem', 6, x, { strides: 2 })));
  const wide = hardSwish(norm(conv('1.expand', 12, stem, { kernelSize: 1 })));
  const filtered = excited('1', hardSwish(depthwise(wide)));
  const one = add(stem, norm(conv('1.project', 6, filtered, { kernelSize: 1 })));
  const last = hardSwish(norm(conv('last', 10, one, { kernelSize: 1 })));
  return classifier(x, hardSwish(dense('hidden', 8, pooled(last))));
}

function unet(): tf.LayersModel {
  const x = image();
  const down1 = cbr('down1', 6, x);
  const down2 = cbr('down2', 8, call(L.maxPooling2d({ poolSize: 2 }), down1));
  const bottom = cbr('bottom', 10, call(L.maxPooling2d({ poolSize: 2 }), down2));
  const up2 = concat(conv('up2', 8, call(L.upSampling2d({}), bottom)), down2);
  const transposed = L.conv2dTranspose({ name: 'up1', filters: 6, kernelSize: 2, strides: 2 });
  const up1 = concat(call(transposed, cbr('merge2', 8, up2)), down1);
  return tf.model({ inputs: x, outputs: conv('out', 2, cbr('merge1', 6, up1), { kernelSize: 1 }) });
}

function lstmStack(): tf.LayersModel {
  const x = tf.input({ shape: [5, 4] });
  const one = call(L.lstm({ name: 'lstm1', units: 8, returnSequences: true }), x);
  const inner = L.lstm({ units: 6, returnSequences: true }) as tf.RNN;
  const two = call(L.bidirectional({ name: 'both', layer: inner, mergeMode: 'concat' }), one);
  const three = call(L.lstm({ name: 'lstm3', units: 7 }), call(L.dropout({ rate: 0.2 }), two));
  return classifier(x, three);
}

/** Blocks as in a transformer: what a block adds to is normalised, what is within it is not. */
function mlpWithLayerNorm(): tf.LayersModel {
  const x = tf.input({ shape: [4] });
  const norm = (y: Symbolic): Symbolic => call(L.layerNormalization(), y);
  const gelu = (y: Symbolic): Symbolic => call(L.activation({ activation: 'swish' }), y);
  let y = dense('embed', 6, x);
  for (const i of [1, 2]) {
    y = add(y, dense(`block${i}.narrow`, 6, gelu(dense(`block${i}.wide`, 12, norm(y)))));
  }
  return classifier(x, norm(y));
}

function siamese(): tf.LayersModel {
  const [one, two] = [image(), image()];
  const within = image();
  const features = call(L.maxPooling2d({ poolSize: 2 }), cbr('conv1', 6, within));
  const embedding = dense('embedding', 8, call(L.flatten(), cbr('conv2', 8, features)));
  const tower = tf.model({ name: 'tower', inputs: within, outputs: embedding });
  const both = call(L.multiply(), [call(tower, one), call(tower, two)]);
  return tf.model({ inputs: [one, two], outputs: dense('out', 1, both) });
}

const inceptionGroups = (name: string): string[][] =>
  ['1x1', '3x3reduce', '3x3', '5x5reduce', '5x5', 'pool'].map((branch) => [`${name}.${branch}`]);

const single = (...names: string[]): string[][] => names.map((name) => [name]);

/** By name. */
export const architectures: Readonly<Record<string, Architecture>> = {
  VGG: { make: vgg, groups: single('conv1', 'conv2', 'fc1', 'fc2') },
  'ResNet, basic': {
    make: resnetBasic,
    groups: [
      ['conv1', 'layer1.0.conv2'],
      ['layer1.0.conv1'],
      ['layer2.0.conv1'],
      ['layer2.0.conv2', 'layer2.0.downsample', 'layer2.1.conv2'],
      ['layer2.1.conv1'],
    ],
  },
  'ResNet, bottleneck': {
    make: resnetBottleneck,
    groups: [
      ...single('conv1', 'layer1.0.conv1', 'layer1.0.conv2', 'layer1.1.conv1', 'layer1.1.conv2'),
      ['layer1.0.conv3', 'layer1.0.downsample', 'layer1.1.conv3'],
      ...single('layer2.0.conv1', 'layer2.0.conv2'),
      ['layer2.0.conv3', 'layer2.0.downsample'],
    ],
  },
  Inception: { make: inception, groups: [['stem'], ...inceptionGroups('a'), ...inceptionGroups('b')] },
  DenseNet: {
    make: densenet,
    groups: single('stem', ...[1, 2, 3].flatMap((i) => [`layer${i}.conv1`, `layer${i}.conv2`]), 'transition'),
  },
  'MobileNet V1': { make: mobilenetV1, groups: single('stem', 'pointwise1', 'pointwise2', 'preds') },
  'MobileNet V2': {
    make: mobilenetV2,
    groups: [
      ['stem', '1.project'],
      ['2.project', '3.project'],
      ...single('1.expand', '2.expand', '3.expand'),
    ],
  },
  'MobileNet V3': {
    make: mobilenetV3,
    groups: [['stem', '1.project'], ['1.expand', '1.excite'], ...single('1.squeeze', 'last', 'hidden')],
  },
  'U-Net': {
    make: unet,
    groups: single('down1', 'down2', 'bottom', 'up2', 'merge2', 'up1', 'merge1'),
  },
  'LSTM stack': { make: lstmStack, groups: single('lstm1', 'both', 'lstm3') },
  'MLP with LayerNorm': {
    make: mlpWithLayerNorm,
    groups: [['embed', 'block1.narrow', 'block2.narrow'], ...single('block1.wide', 'block2.wide')],
    staying: ['embed'],
  },
  'siamese towers': { make: siamese, groups: single('tower/conv1', 'tower/conv2', 'tower/embedding') },
};
