import * as tf from '@tensorflow/tfjs';

/** One weight of one kind of layer, with what PyTorch calls it and how PyTorch lays it out. */
export interface LayerKind {
  readonly title: string;
  readonly make: () => tf.layers.Layer;
  /** An input that builds the layer, batch axis included. */
  readonly input: () => tf.Tensor;
  /** The name in PyTorch; undefined where PyTorch has no such layer. */
  readonly torch?: string;
  readonly tfjs: string;
  /** PyTorch's layout of the stored tensor, by tfjs operations. */
  readonly toTorch: (stored: tf.Tensor) => tf.Tensor;
  readonly torchShape: readonly number[];
  /** Dims of output and input channels in PyTorch's layout. */
  readonly out?: number;
  readonly in?: number;
  /** Which of `layer.weights` it is. */
  readonly index: number;
  /** Whether parameters(model) lists it by default. */
  readonly kernel: boolean;
}

const asStored = (stored: tf.Tensor): tf.Tensor => stored;
const transposed =
  (...order: number[]) =>
  (stored: tf.Tensor): tf.Tensor =>
    tf.transpose(stored, order);

function random(...shape: number[]): () => tf.Tensor {
  return () => tf.randomUniform(shape, -1, 1, 'float32', 5);
}

interface Layer {
  readonly title: string;
  readonly make: () => tf.layers.Layer;
  readonly input: () => tf.Tensor;
}

function kernel(
  layer: Layer,
  torchShape: number[],
  toTorch: (stored: tf.Tensor) => tf.Tensor,
  axes: { out: number; in: number } = { out: 0, in: 1 },
): LayerKind {
  return { ...layer, torch: 'weight', tfjs: 'kernel', toTorch, torchShape, index: 0, kernel: true, ...axes };
}

function vector(
  layer: Layer,
  torch: string,
  tfjs: string,
  torchShape: number[],
  index: number,
  toTorch = asStored,
): LayerKind {
  return { ...layer, torch, tfjs, toTorch, torchShape, index, kernel: false };
}

const conv1d: Layer = {
  title: 'Conv1D',
  make: () => tf.layers.conv1d({ filters: 4, kernelSize: 3 }),
  input: random(2, 6, 2),
};
const conv2d: Layer = {
  title: 'Conv2D',
  make: () => tf.layers.conv2d({ filters: 4, kernelSize: [3, 2] }),
  input: random(2, 5, 5, 3),
};
const conv3d: Layer = {
  title: 'Conv3D',
  make: () => tf.layers.conv3d({ filters: 3, kernelSize: [2, 3, 1] }),
  input: random(1, 3, 4, 3, 2),
};
const conv2dTranspose: Layer = {
  title: 'Conv2DTranspose',
  make: () => tf.layers.conv2dTranspose({ filters: 4, kernelSize: [3, 2], strides: 2 }),
  input: random(2, 3, 3, 5),
};
const conv3dTranspose: Layer = {
  title: 'Conv3DTranspose',
  make: () => tf.layers.conv3dTranspose({ filters: 3, kernelSize: [2, 3, 1] }),
  input: random(1, 3, 2, 3, 2),
};
const depthwise: Layer = {
  title: 'DepthwiseConv2D',
  make: () => tf.layers.depthwiseConv2d({ kernelSize: [3, 2], depthMultiplier: 2 }),
  input: random(2, 4, 4, 3),
};
const separable: Layer = {
  title: 'SeparableConv2D',
  make: () => tf.layers.separableConv2d({ filters: 4, kernelSize: 2, depthMultiplier: 2 }),
  input: random(2, 4, 4, 3),
};
const dense: Layer = { title: 'Dense', make: () => tf.layers.dense({ units: 3 }), input: random(2, 4) };
const embedding: Layer = {
  title: 'Embedding',
  make: () => tf.layers.embedding({ inputDim: 6, outputDim: 3 }),
  input: () => tf.tensor2d([[0, 1, 5, 2, 3, 4]], [1, 6], 'int32'),
};
const batchNorm: Layer = {
  title: 'BatchNormalization',
  make: () => tf.layers.batchNormalization({}),
  input: random(2, 3, 5),
};
const layerNorm: Layer = {
  title: 'LayerNormalization',
  make: () => tf.layers.layerNormalization({}),
  input: random(2, 5),
};
const prelu: Layer = {
  title: 'PReLU, shared axes',
  make: () => tf.layers.prelu({ sharedAxes: [1, 2] }),
  input: random(2, 3, 3, 5),
};
const preluFull: Layer = { title: 'PReLU, all axes', make: () => tf.layers.prelu(), input: random(2, 3, 4) };
const convLstm: Layer = {
  title: 'ConvLSTM2D',
  make: () => tf.layers.convLstm2d({ filters: 2, kernelSize: 2, dataFormat: 'channelsLast' }),
  input: random(1, 2, 4, 4, 3),
};

/** Weights that PyTorch has no name for: tfjs's layout under tfjs's name. */
function own(layer: Layer, tfjs: string, shape: number[], index: number, isKernel = true): LayerKind {
  return { ...layer, tfjs, toTorch: asStored, torchShape: shape, index, kernel: isKernel };
}

/** Every weight of every kind of layer but recurrent ones and wrappers. */
export const layerKinds: readonly LayerKind[] = [
  kernel(conv1d, [4, 2, 3], transposed(2, 1, 0)),
  vector(conv1d, 'bias', 'bias', [4], 1),
  kernel(conv2d, [4, 3, 3, 2], transposed(3, 2, 0, 1)),
  vector(conv2d, 'bias', 'bias', [4], 1),
  kernel(conv3d, [3, 2, 2, 3, 1], transposed(4, 3, 0, 1, 2)),
  kernel(conv2dTranspose, [5, 4, 3, 2], transposed(3, 2, 0, 1), { out: 1, in: 0 }),
  vector(conv2dTranspose, 'bias', 'bias', [4], 1),
  kernel(conv3dTranspose, [2, 3, 2, 3, 1], transposed(4, 3, 0, 1, 2), { out: 1, in: 0 }),
  {
    ...depthwise,
    torch: 'weight',
    tfjs: 'depthwiseKernel',
    toTorch: (stored) => tf.reshape(tf.transpose(stored, [2, 3, 0, 1]), [6, 1, 3, 2]),
    torchShape: [6, 1, 3, 2],
    index: 0,
    kernel: true,
  },
  vector(depthwise, 'bias', 'bias', [6], 1),
  own(separable, 'depthwiseKernel', [2, 2, 3, 2], 0),
  own(separable, 'pointwiseKernel', [1, 1, 6, 4], 1),
  vector(separable, 'bias', 'bias', [4], 2),
  kernel(dense, [3, 4], transposed(1, 0)),
  vector(dense, 'bias', 'bias', [3], 1),
  {
    ...embedding,
    torch: 'weight',
    tfjs: 'embeddings',
    toTorch: asStored,
    torchShape: [6, 3],
    index: 0,
    kernel: true,
  },
  vector(batchNorm, 'weight', 'gamma', [5], 0),
  vector(batchNorm, 'bias', 'beta', [5], 1),
  vector(layerNorm, 'weight', 'gamma', [5], 0),
  vector(layerNorm, 'bias', 'beta', [5], 1),
  vector(prelu, 'weight', 'alpha', [5], 0, (stored) => tf.reshape(stored, [5])),
  vector(preluFull, 'weight', 'alpha', [3, 4], 0),
  own(convLstm, 'kernel', [2, 2, 3, 8], 0),
  own(convLstm, 'recurrentKernel', [2, 2, 2, 8], 1),
  own(convLstm, 'bias', [8], 2, false),
];
