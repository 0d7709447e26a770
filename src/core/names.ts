import { expanded, type Layout, merged, permuted, rowMajor, taken } from '../masks/layout';

/** The axes of output and input channels in PyTorch's layout; in tfjs's where PyTorch has no such layer. */
export interface Axes {
  /** The axis of output channels. */
  readonly out?: number;
  /** The axis of input channels. */
  readonly in?: number;
}

/** What a weight is for. Only kernels are pruned by default, and buffers never: nothing trains them. */
export type Role = 'kernel' | 'bias' | 'norm' | 'buffer';

/** How one weight of a kind of layer is named and laid out, by tfjs and by PyTorch. */
export interface WeightKind {
  /** The layer's property that holds the variable: its name in tfjs. */
  readonly property: string;
  /** Its name in PyTorch, for layers that PyTorch has. */
  readonly torch?: string;
  readonly role: Role;
  /** PyTorch's layout of an array stored in tfjs's shape. */
  readonly torchLayout: (stored: readonly number[]) => Layout;
  readonly axes: Axes;
}

/** HWIO → OIHW, [in, out] → [out, in], and the same for one and three spatial axes: the last two axes come first, swapped. */
function channelsFirst(stored: readonly number[]): Layout {
  const last = stored.length - 1;
  return permuted(stored, [last, last - 1, ...Array.from({ length: last - 1 }, (_, axis) => axis)]);
}

/** [h, w, in, multiplier] → [in × multiplier, 1, h, w]. */
function depthwise(stored: readonly number[]): Layout {
  return expanded(merged(permuted(stored, [2, 3, 0, 1]), 0), 1);
}

/** PyTorch's PReLU has one slope a channel; tfjs keeps broadcast axes of size one. */
function slopes(stored: readonly number[]): Layout {
  const wide = stored.filter((size) => size !== 1);
  return wide.length <= 1 ? rowMajor([wide[0] ?? 1]) : rowMajor(stored);
}

/** tfjs orders the gates of a GRU z, r, h; PyTorch r, z, n. */
function gruGates(layout: Layout): Layout {
  const hidden = layout.shape[0]! / 3;
  const order = [1, 0, 2].flatMap((gate) => Array.from({ length: hidden }, (_, i) => gate * hidden + i));
  return taken(layout, 0, order);
}

const none: Axes = {};
const outIn: Axes = { out: 0, in: 1 };

function kernel(property: string, torch: string, torchLayout = channelsFirst): WeightKind {
  return { property, torch, role: 'kernel', torchLayout, axes: outIn };
}

function vector(property: string, torch: string, role: Role, torchLayout = rowMajor): WeightKind {
  return { property, torch, role, torchLayout, axes: none };
}

function untranslated(property: string, axes: Axes): WeightKind {
  return { property, role: 'kernel', torchLayout: rowMajor, axes };
}

const bias = vector('bias', 'bias', 'bias');
const conv: readonly WeightKind[] = [kernel('kernel', 'weight'), bias];
const transposedConv: readonly WeightKind[] = [
  {
    property: 'kernel',
    torch: 'weight',
    role: 'kernel',
    torchLayout: channelsFirst,
    axes: { out: 1, in: 0 },
  },
  bias,
];
const recurrentCell: readonly WeightKind[] = [
  kernel('kernel', 'weight_ih'),
  kernel('recurrentKernel', 'weight_hh'),
  vector('bias', 'bias_ih', 'bias'),
];
const gruCell: readonly WeightKind[] = [
  kernel('kernel', 'weight_ih', (stored) => gruGates(channelsFirst(stored))),
  kernel('recurrentKernel', 'weight_hh', (stored) => gruGates(channelsFirst(stored))),
  vector('bias', 'bias_ih', 'bias', (stored) => gruGates(rowMajor(stored))),
];
const scaleAndShift: readonly WeightKind[] = [
  vector('gamma', 'weight', 'norm'),
  vector('beta', 'bias', 'norm'),
];

/** The weights of every kind of layer in tfjs that has some, by class name. */
export const weightKinds: ReadonlyMap<string, readonly WeightKind[]> = new Map([
  ['Conv1D', conv],
  ['Conv2D', conv],
  ['Conv3D', conv],
  ['Conv2DTranspose', transposedConv],
  ['Conv3DTranspose', transposedConv],
  ['Dense', conv],
  [
    'DepthwiseConv2D',
    [
      {
        property: 'depthwiseKernel',
        torch: 'weight',
        role: 'kernel',
        torchLayout: depthwise,
        axes: outIn,
      },
      bias,
    ],
  ],
  [
    'SeparableConv2D',
    [untranslated('depthwiseKernel', { in: 2 }), untranslated('pointwiseKernel', { out: 3, in: 2 }), bias],
  ],
  [
    'Embedding',
    [
      {
        property: 'embeddings',
        torch: 'weight',
        role: 'kernel',
        torchLayout: rowMajor,
        axes: { out: 1, in: 0 },
      },
    ],
  ],
  [
    'BatchNormalization',
    [
      ...scaleAndShift,
      vector('movingMean', 'running_mean', 'buffer'),
      vector('movingVariance', 'running_var', 'buffer'),
    ],
  ],
  ['LayerNormalization', scaleAndShift],
  ['PReLU', [vector('alpha', 'weight', 'norm', slopes)]],
  ['SimpleRNNCell', recurrentCell],
  ['LSTMCell', recurrentCell],
  ['GRUCell', gruCell],
  [
    'ConvLSTM2DCell',
    [untranslated('kernel', { out: 3, in: 2 }), untranslated('recurrentKernel', { out: 3, in: 2 }), bias],
  ],
]);
