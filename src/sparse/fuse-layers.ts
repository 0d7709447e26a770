/** What else than batch normalisation needs no layer of its own in inference. */
import { type Draft, remove } from '../topology/draft';
import { followerOf, isBetween, type LayerConfig } from '../topology/model-config';

/** Layers that pass on what they get when nothing is being trained. */
const TRAINING_ONLY: ReadonlySet<string> = new Set([
  'AlphaDropout',
  'Dropout',
  'GaussianDropout',
  'GaussianNoise',
  'SpatialDropout1D',
]);

/**
 * Drops the layers that do nothing in inference: dropout, noise, and the linear activation.
 *
 * @param draft The draft, which is changed.
 */
export function dropIdentities(draft: Draft): void {
  for (const layer of [...draft.config.layers]) {
    const { className, config } = layer;
    const isLinear = className === 'Activation' && config.activation === 'linear';
    const isIdentity = isLinear || TRAINING_ONLY.has(className);
    if (isIdentity && isBetween(draft.config, layer)) remove(draft, layer);
  }
}

/**
 * Lets a Conv2D or Dense layer compute the ReLU after it, which tfjs then does in the same kernel. Of the other
 * activations tfjs's layers fuse only ELU, and the sparse kernels do not.
 *
 * @param draft The draft, which is changed.
 */
export function fuseActivations(draft: Draft): void {
  for (const layer of [...draft.config.layers]) {
    const { className, config } = layer;
    const canFuse = (className === 'Conv2D' || className === 'Dense') && config.activation === 'linear';
    if (!canFuse || (config.activityRegularizer ?? null) !== null) continue;
    const follower = followerOf(draft.config, layer);
    if (follower === undefined || !isRelu(follower)) continue;
    config.activation = 'relu';
    remove(draft, follower, layer);
  }
}

function isRelu({ className, config }: LayerConfig): boolean {
  if (className === 'ReLU') return (config.maxValue ?? null) === null;
  return className === 'Activation' && config.activation === 'relu';
}

/**
 * Lets a convolution pad its input as the ZeroPadding2D before it does, where that is what 'same' means.
 *
 * @param draft The draft, which is changed.
 */
export function mergePadding(draft: Draft): void {
  for (const padding of [...draft.config.layers]) {
    if (padding.className !== 'ZeroPadding2D' || !isBetween(draft.config, padding)) continue;
    const layer = followerOf(draft.config, padding);
    if (layer === undefined || !isSameAs(padding, layer, inputSizeOf(draft, padding))) continue;
    layer.config.padding = 'same';
    remove(draft, padding, layer);
  }
}

/** Height and width of what goes into a layer, null where any size may; undefined where it is called several times. */
function inputSizeOf({ model }: Draft, { config }: LayerConfig): ReadonlyArray<number | null> | undefined {
  const [node, ...others] = model.getLayer(config.name).inboundNodes;
  if (node === undefined || others.length > 0) return undefined;
  const shape = node.inputShapes.flat();
  return shape.slice(1, 3);
}

function isSameAs(
  padding: LayerConfig,
  { className, config }: LayerConfig,
  size: ReadonlyArray<number | null> | undefined,
): boolean {
  const isConvolution = className === 'Conv2D' || className === 'DepthwiseConv2D';
  if (!isConvolution || config.padding !== 'valid') return false;
  if (padding.config.dataFormat !== 'channelsLast' || config.dataFormat !== 'channelsLast') return false;
  // Height, then width; of the margins both sides of each.
  const [kernel, strides, dilation] = [config.kernelSize, config.strides, config.dilationRate].map(numbersOf);
  const margins = numbersOf(padding.config.padding);
  return [0, 1].every((axis) => {
    const same = samePadding(size?.[axis] ?? null, kernel![axis]!, strides![axis]!);
    const [before, after] = margins.slice(2 * axis);
    return dilation![axis] === 1 && same?.before === before && same?.after === after;
  });
}

function numbersOf(value: unknown): number[] {
  return [value].flat(3).map(Number);
}

interface Margin {
  readonly before: number;
  readonly after: number;
}

/** How much TensorFlow's 'same' pads along an axis; undefined where that depends on a size that is not known. */
function samePadding(size: number | null, kernel: number, stride: number): Margin | undefined {
  // tfjs's wasm backend is wrong for strides that leave out pixels.
  if (stride > kernel || (size === null && stride > 1)) return undefined;
  const overlap = size === null ? kernel - 1 : (Math.ceil(size / stride) - 1) * stride + kernel - size;
  const total = Math.max(overlap, 0);
  const before = Math.floor(total / 2);
  return { before, after: total - before };
}
