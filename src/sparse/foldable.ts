/** Which layers can scale and shift their outputs by their own weights, and by which of them. */
import { slotsOf } from '../core/parameter';
import type { LayerConfig } from '../topology/model-config';

/** The weight that a layer's output channels are scaled by. */
interface OutputKernel {
  /** The layer's property that holds it. */
  readonly property: string;
  /** How many elements in a row belong to one output channel. */
  readonly run: (shape: readonly number[]) => number;
}

/** Output channels along the last axis; of a depthwise kernel along the last two, which are together one in the output. */
const last = (property: string): OutputKernel => ({ property, run: () => 1 });

/** [..., out, in] */
const transposed: OutputKernel = { property: 'kernel', run: (shape) => shape.at(-1)! };

const OUTPUT_KERNELS: ReadonlyMap<string, OutputKernel> = new Map([
  ['Conv1D', last('kernel')],
  ['Conv2D', last('kernel')],
  ['Conv3D', last('kernel')],
  ['Dense', last('kernel')],
  ['DepthwiseConv2D', last('depthwiseKernel')],
  ['SeparableConv2D', last('pointwiseKernel')],
  ['Conv2DTranspose', transposed],
  ['Conv3DTranspose', transposed],
]);

/**
 * @param className tfjs's name of a layer's class.
 * @returns The weight that scales such a layer's outputs; undefined where none does.
 */
export function outputKernelOf(className: string): OutputKernel | undefined {
  return OUTPUT_KERNELS.get(className);
}

/**
 * Whether what is done to each channel of a layer's outputs can be done by its weights.
 *
 * @param config The layer's configuration.
 * @param layer The layer.
 */
export function foldsInto({ className, config }: LayerConfig, layer: object): boolean {
  const isLinear = config.activation === 'linear' && (config.activityRegularizer ?? null) === null;
  // A Conv1D's configuration does not tell it; the layer does.
  const isChannelsFirst = Reflect.get(layer, 'dataFormat') === 'channelsFirst';
  if (outputKernelOf(className) === undefined || !isLinear || isChannelsFirst) return false;
  return slotsOf(layer).every(({ variable }) => variable === undefined || variable.dtype === 'float32');
}
