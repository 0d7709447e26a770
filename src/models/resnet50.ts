import * as tf from '@tensorflow/tfjs';
import { PruneError, shown } from '../errors';
import { defaultGenerator, Generator } from '../masks/generator';
import { readPth } from '../weights/pth/read-pth';
import { assignParameter, loadStateDict } from '../weights/state-dict/load-state-dict';
import { namedParameters } from '../weights/state-dict/named-parameters';
import type { StateDict } from '../weights/tensor-data';
import { asResNet, type ResNet } from './resnet';
import { buildGraph } from './resnet-graph';
import { initialWeights } from './resnet-initialise';
import { planResNet, RESNET50 } from './resnet-plan';

/** What kind of {@link resnet50} to make. */
export interface ResNetOptions {
  /**
   * The weights: the path of a .pth file (in Node), its bytes, or a state dict. Without them the weights are random, as
   * torch would draw them.
   */
  readonly weights?: string | ArrayBuffer | Uint8Array | StateDict;
  /**
   * Gives the weights that torch draws after `torch.manual_seed(seed)`: a whole number. By default they are drawn from
   * the generator that `manualSeed` seeds.
   */
  readonly seed?: number | bigint;
  /** Height, width and channels of an image; 224×224×3 by default, at least 32×32. */
  readonly inputShape?: readonly [height: number, width: number, channels: 3];
}

/** torchvision's names for its pretrained weights, and the files that hold them. */
const PRETRAINED: ReadonlyMap<string, string> = new Map([
  ['IMAGENET1K_V1', 'resnet50-0676ba61.pth'],
  ['IMAGENET1K_V2', 'resnet50-11ad3fa6.pth'],
  ['DEFAULT', 'resnet50-11ad3fa6.pth'],
]);

const SMALLEST_SIDE = 32;

/**
 * torchvision's `resnet50`: version 1.5, for 1,000 classes, in torch's order of layers and with torch's names.
 *
 * Differs from PyTorch: images are NHWC. The running variance that training updates is the biased one, as everywhere in
 * tfjs.
 *
 * @param options The weights or the seed, and the size of an image.
 * @returns A model from images [batch, height, width, 3] to logits [batch, 1000], with torch's children as properties.
 * The caller disposes it.
 * @throws {@link PruneError} `argument` for options that are not allowed; `unsupported` for the name of pretrained
 * weights, which must be downloaded by hand; `file` for a file that cannot be read; `parameter` or `shape` for weights
 * that do not fit. No tensor is left behind.
 * @example
 * ```ts
 * const model = await resnet50({ weights: 'resnet50-11ad3fa6.pth' });
 * prune.l1Unstructured(model.layer1[0].conv1, 'weight', 0.2);
 * ```
 */
export async function resnet50(options: ResNetOptions = {}): Promise<ResNet> {
  if (typeof options !== 'object' || options === null) {
    const allowed = '{ weights }, { seed } or { inputShape }';
    const message = `resnet50 takes an object of options, such as ${allowed}, but got ${shown(options)}.`;
    throw new PruneError('argument', message, { given: options, allowed });
  }
  const { weights, seed, inputShape = [224, 224, 3] } = options;
  checkInputShape(inputShape);
  if (weights !== undefined && seed !== undefined) {
    throw new PruneError(
      'argument',
      `resnet50 takes either weights or a seed, but got both (seed ${seed}).`,
      {
        given: seed,
        allowed: 'weights or seed',
      },
    );
  }
  const plan = planResNet(RESNET50);
  const generator = seed === undefined ? defaultGenerator : new Generator(seed);
  const state = weights === undefined ? undefined : await readWeights(weights);
  await tf.ready();
  const model = buildGraph(plan, inputShape);
  try {
    if (state === undefined) setWeights(model, initialWeights(plan, generator));
    else loadStateDict(model, state);
    return asResNet(model);
  } catch (error) {
    model.dispose();
    throw error;
  }
}

function setWeights(model: tf.LayersModel, weights: Iterable<[name: string, values: Float32Array]>): void {
  const parameters = new Map(namedParameters(model).map(({ name, parameter }) => [name, parameter]));
  for (const [name, values] of weights) assignParameter(parameters.get(name)!, values);
}

function checkInputShape(shape: unknown): asserts shape is readonly [number, number, 3] {
  const isSide = (side: unknown): boolean => Number.isSafeInteger(side) && Number(side) >= SMALLEST_SIDE;
  if (Array.isArray(shape) && shape.length === 3 && isSide(shape[0]) && isSide(shape[1]) && shape[2] === 3)
    return;
  const allowed = `[height, width, 3] with whole sides of at least ${SMALLEST_SIDE}`;
  throw new PruneError('argument', `inputShape must be ${allowed}, but got ${JSON.stringify(shape)}.`, {
    given: shape,
    allowed,
  });
}

async function readWeights(weights: NonNullable<ResNetOptions['weights']>): Promise<StateDict> {
  if (weights instanceof Map) return weights;
  if (typeof weights !== 'string' && !(weights instanceof ArrayBuffer || weights instanceof Uint8Array)) {
    const allowed = "a .pth file's path or bytes, or a state dict (a Map)";
    const message = `weights must be ${allowed}, but got ${shown(weights)}.`;
    throw new PruneError('argument', message, { given: weights, allowed });
  }
  const file = typeof weights === 'string' ? pretrainedFile(weights) : undefined;
  if (file === undefined) return readPth(weights);
  throw new PruneError(
    'unsupported',
    `The weights '${weights}' cannot be downloaded yet. Download https://download.pytorch.org/models/${file} by hand ` +
      `and pass its path (in Node) or its bytes: resnet50({ weights: '${file}' }).`,
    { given: weights, allowed: 'the path or the bytes of a .pth file' },
  );
}

/** The file behind a name such as IMAGENET1K_V2; undefined for a path. */
function pretrainedFile(weights: string): string | undefined {
  const name = weights.replace(/^ResNet50_Weights\./, '');
  return PRETRAINED.get(name);
}
