import { checkOptions } from '../core/options';
import { PruneError, shown } from '../errors';
import type { DownloadOptions } from '../weights/download/remote-file';
import type { StateDict } from '../weights/tensor-data';
import type { PretrainedWeights } from './pretrained-weights';
import type { WeightsName } from './registry';
import type { Output } from './resnet-graph';
import type { ResNetName } from './resnet-plan';

/** Any string, where some are named besides: as a plain `string` it would keep editors from offering those. */
export type AnyString = string & Record<never, never>;

/** What kind of ResNet to make, and where its weights come from. What a download needs is used only by one. */
export interface ResNetOptions extends DownloadOptions {
  /**
   * The weights. Without them they are random, as torch would draw them.
   *
   * - torchvision's pretrained ones: `ResNet50_Weights.IMAGENET1K_V2` or its name, `'IMAGENET1K_V2'`, `'DEFAULT'` or
   *   `'ResNet50_Weights.DEFAULT'`. They are downloaded once and kept in a cache.
   * - A .pth or .safetensors file: its path (in Node), its bytes, or its address, a `URL` or a string that starts with
   *   `https://` or `http://`, which is downloaded to the cache too.
   * - A state dict.
   */
  readonly weights?:
    | WeightsName
    | 'DEFAULT'
    | AnyString
    | URL
    | ArrayBuffer
    | Uint8Array
    | StateDict
    | PretrainedWeights;
  /**
   * Where pretrained weights come from: `'torchvision'`, its .pth file, by default in Node; `'huggingface'`, the same
   * values as safetensors on the Hugging Face hub, by default in browsers, which may not read torchvision's host; or a
   * mirror. The address of a mirror that ends in `/` is a folder with files of torchvision's names, whose hashes are
   * checked; any other is that of the file itself.
   */
  readonly source?: 'torchvision' | 'huggingface' | `${'http' | 'https'}://${string}`;
  /**
   * How many classes to tell apart; 1,000 by default. Weights for another number of classes are taken all but fc, which
   * is drawn afresh, as torch draws a new `torch.nn.Linear`.
   */
  readonly numClasses?: number;
  /**
   * `false` leaves the classifier out: fc becomes an identity, and the weights' fc is left out. True by default.
   *
   * @example
   * ```ts
   * const model = await resnet50({ weights: 'DEFAULT', includeTop: false });
   * const features = model.predict(images); // [batch, 2048]
   * ```
   */
  readonly includeTop?: boolean;
  /**
   * What a model without a classifier gives: `'avg'`, features [batch, channels], the mean over the image; or `'none'`,
   * the last stage's map [batch, height / 32, width / 32, channels], the sides rounded up. `'avg'` by default.
   *
   * @example
   * ```ts
   * const model = await resnet50({ weights: 'DEFAULT', includeTop: false, pooling: 'none' });
   * const map = model.predict(images); // [batch, 7, 7, 2048]
   * ```
   */
  readonly pooling?: 'avg' | 'none';
  /** Height, width and channels of an image; 224×224×3 by default, at least 32×32. */
  readonly inputShape?: readonly [height: number, width: number, channels: 3];
  /**
   * Gives the random weights that torch draws after `torch.manual_seed(seed)`: a whole number. By default they are drawn
   * from the generator that `manualSeed` seeds. Where there are weights, all that is drawn is an fc for another number of
   * classes.
   */
  readonly seed?: number | bigint;
}

/** Options that have been checked, and what they leave open filled in. */
export interface Settings extends ResNetOptions {
  readonly inputShape: readonly [height: number, width: number, channels: 3];
  readonly output: Output;
}

const KNOWN: ReadonlyArray<keyof ResNetOptions> = [
  'weights',
  'source',
  'numClasses',
  'includeTop',
  'pooling',
  'inputShape',
  'seed',
  'onProgress',
  'signal',
  'cache',
];
const SMALLEST_SIDE = 32;
/** More than any data set has; the weights of fc must fit into an array. */
const MOST_CLASSES = 100_000;

/**
 * Checks the options of a ResNet, besides the weights and what concerns their download.
 *
 * @param model Which ResNet.
 * @param options What the caller gave.
 * @returns The same, complete.
 * @throws {@link PruneError} `argument` for options that are not allowed, also together.
 */
export function checkResNetOptions(model: ResNetName, options: ResNetOptions): Settings {
  checkOptions(options, KNOWN);
  const {
    weights,
    source,
    numClasses,
    includeTop = true,
    pooling,
    inputShape = [224, 224, 3],
    seed,
  } = options;
  check(isInputShape(inputShape), 'inputShape', inputShape, SHAPES);
  check(typeof includeTop === 'boolean', 'includeTop', includeTop, 'true or false');
  check(numClasses === undefined || isCount(numClasses), 'numClasses', numClasses, COUNTS);
  check(
    pooling === undefined || pooling === 'avg' || pooling === 'none',
    'pooling',
    pooling,
    "'avg' or 'none'",
  );
  const isFree = weights !== undefined && (numClasses === undefined || !includeTop);
  if (isFree && seed !== undefined) refuse(model, 'either weights or a seed', `seed ${seed}`, DRAWS_NOTHING);
  if (!includeTop && numClasses !== undefined)
    refuse(
      model,
      'either numClasses or includeTop: false',
      `numClasses ${numClasses}`,
      'Leave one of them out',
    );
  if (includeTop && pooling !== undefined)
    refuse(
      model,
      'pooling only with includeTop: false',
      `pooling '${pooling}'`,
      'Leave it out, or the classifier',
    );
  if (weights === undefined && source !== undefined)
    refuse(
      model,
      'a source only with weights',
      `source '${source}'`,
      "Name them: { weights: 'DEFAULT', source }",
    );
  return { ...options, inputShape, output: includeTop ? 'logits' : pooling === 'none' ? 'map' : 'pooled' };
}

const SHAPES = `[height, width, 3] with whole sides of at least ${SMALLEST_SIDE}`;
const COUNTS = `a whole number from 1 to ${MOST_CLASSES}`;
const DRAWS_NOTHING = 'A seed draws weights where none are given, or an fc for another number of classes';

function isInputShape(shape: unknown): boolean {
  const isSide = (side: unknown): boolean => Number.isSafeInteger(side) && Number(side) >= SMALLEST_SIDE;
  return Array.isArray(shape) && shape.length === 3 && isSide(shape[0]) && isSide(shape[1]) && shape[2] === 3;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= MOST_CLASSES;
}

function check(holds: boolean, option: keyof ResNetOptions, given: unknown, allowed: string): void {
  if (holds) return;
  const value = Array.isArray(given) ? JSON.stringify(given) : shown(given);
  throw new PruneError('argument', `${option} must be ${allowed}, but got ${value}.`, { given, allowed });
}

function refuse(model: ResNetName, allowed: string, given: string, advice: string): never {
  throw new PruneError('argument', `${model} takes ${allowed}, but got ${given} besides. ${advice}.`, {
    given,
    allowed,
  });
}
