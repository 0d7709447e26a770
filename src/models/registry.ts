import { PruneError, shown } from '../errors';
import { REGISTRY } from './registry-data';
import type { ResNetName } from './resnet-plan';
import type { Rgb } from './transforms/imagenet-transforms';

/** torchvision's name of weights: which of its recipes they were trained by. */
export type WeightsName = 'IMAGENET1K_V1' | 'IMAGENET1K_V2';

/** All of torchvision's names of weights. */
export const WEIGHTS_NAMES: readonly WeightsName[] = ['IMAGENET1K_V1', 'IMAGENET1K_V2'];

/** What is known of pretrained weights. */
export interface RegisteredWeights {
  /** torchvision's .pth file. The eight characters at the end of its name are the start of its SHA-256. */
  readonly url: string;
  /** The same weights as `model.safetensors` on the Hugging Face hub. */
  readonly hub: {
    /** Owner and name. */
    readonly repository: string;
    /** The file's SHA-256 in hexadecimal, where it is known. */
    readonly sha256?: string;
  };
  /** How many numbers training changes; running means and variances are not among them. */
  readonly numParams: number;
  /** How often the best of the classes is right, in percent of ImageNet-1K's validation images. */
  readonly acc1: number;
  /** How often the right class is among the best five, in percent. */
  readonly acc5: number;
  /** The page that says how they were trained. */
  readonly recipe: string;
  /** How an image must be prepared: what `transforms()` does. */
  readonly preprocessing: {
    /** Length of the shorter side after resizing, in pixels. */
    readonly resize: number;
    /** Height and width of the square cut from the centre, in pixels. */
    readonly crop: number;
    /** What is subtracted from each channel. */
    readonly mean: Rgb;
    /** What the difference is divided by. */
    readonly std: Rgb;
  };
}

/** The pretrained weights of one ResNet. */
export interface RegistryEntry {
  /** What torchvision calls them, such as `ResNet50_Weights`. */
  readonly enumName: string;
  /** What `DEFAULT` stands for. */
  readonly default: WeightsName;
  readonly weights: Readonly<Partial<Record<WeightsName, RegisteredWeights>>>;
}

/** What names registered weights: torchvision's enum, which may be left out, and its member. */
const NAMED = /^(?:(\w+_Weights)\.)?(IMAGENET1K_\w+|DEFAULT)$/;

/**
 * Finds registered weights by torchvision's name.
 *
 * @param model For which ResNet.
 * @param given What names the weights, such as `IMAGENET1K_V2` or `ResNet50_Weights.DEFAULT`; or a path or an address.
 * @returns The weights; undefined for what is no such name.
 * @throws {@link PruneError} `argument` for a name of weights that this ResNet does not have.
 */
export function findRegistered(model: ResNetName, given: string): RegisteredWeights | undefined {
  const [, enumName, member] = NAMED.exec(given) ?? [];
  if (member === undefined) return undefined;
  const { enumName: own, default: byDefault, weights } = REGISTRY[model];
  const wanted = member === 'DEFAULT' ? byDefault : member;
  const name =
    enumName === undefined || enumName === own ? WEIGHTS_NAMES.find((each) => each === wanted) : undefined;
  const registered = name === undefined ? undefined : weights[name];
  return registered ?? refuseWeights(model, given);
}

/**
 * Refuses weights of another ResNet, or of none.
 *
 * @param model The ResNet that was asked for.
 * @param given What was given.
 * @param cause Why it is no file either, if it might have been one.
 * @throws {@link PruneError} `argument`, always.
 */
export function refuseWeights(model: ResNetName, given: unknown, cause?: unknown): never {
  const { enumName, weights } = REGISTRY[model];
  const allowed = [...Object.keys(weights), 'DEFAULT'].map((name) => `${enumName}.${name}`);
  const noFile = cause === undefined ? '' : ', nor is there such a file';
  const message = `${model} has no pretrained weights ${shown(given)}${noFile}; it has: ${allowed.join(', ')}.`;
  throw new PruneError('argument', message, { given, allowed, cause });
}
