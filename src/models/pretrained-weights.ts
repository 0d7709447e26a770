import { type RegisteredWeights, WEIGHTS_NAMES, type WeightsName } from './registry';
import { REGISTRY } from './registry-data';
import type { ResNetName } from './resnet-plan';
import { type ImageTransform, imagenetTransforms } from './transforms/imagenet-transforms';

/** torchvision's pretrained weights: where they are, how good they are, and what they expect. They hold no values. */
export interface PretrainedWeights extends RegisteredWeights {
  /** torchvision's name of the ResNet that they are for. */
  readonly model: ResNetName;
  /** torchvision's name of the weights. */
  readonly name: WeightsName;
  /** @returns torchvision's preprocessing for these weights, from an image to a float32 tensor [crop, crop, 3]. */
  transforms(): ImageTransform;
}

/** The weights of one ResNet under torchvision's names. `DEFAULT` is the best of them. */
export type WeightsEnum<Name extends WeightsName> = Readonly<Record<Name | 'DEFAULT', PretrainedWeights>>;

function weightsEnum<Name extends WeightsName>(model: ResNetName): WeightsEnum<Name> {
  const entry = REGISTRY[model];
  const members: Record<string, PretrainedWeights> = {};
  for (const name of WEIGHTS_NAMES) {
    const weights = entry.weights[name];
    if (weights === undefined) continue;
    const transforms = (): ImageTransform => imagenetTransforms(weights.preprocessing);
    members[name] = Object.freeze({ model, name, ...weights, transforms });
  }
  members.DEFAULT = members[entry.default]!;
  // Each call below names what the registry holds, as the tests check.
  return Object.freeze(members) as WeightsEnum<Name>;
}

/** Pretrained weights of `resnet18`, as in torchvision. */
export const ResNet18_Weights: WeightsEnum<'IMAGENET1K_V1'> = /* @__PURE__ */ weightsEnum('resnet18');

/** Pretrained weights of `resnet34`, as in torchvision. */
export const ResNet34_Weights: WeightsEnum<'IMAGENET1K_V1'> = /* @__PURE__ */ weightsEnum('resnet34');

/**
 * Pretrained weights of `resnet50`, as in torchvision.
 *
 * @example
 * ```ts
 * const weights = ResNet50_Weights.IMAGENET1K_V2;
 * const model = await resnet50({ weights });
 * const preprocess = weights.transforms();
 * const logits = tf.tidy(() => model.predict(preprocess(canvas).expandDims()));
 * ```
 */
export const ResNet50_Weights: WeightsEnum<WeightsName> = /* @__PURE__ */ weightsEnum('resnet50');

/** Pretrained weights of `resnet101`, as in torchvision. */
export const ResNet101_Weights: WeightsEnum<WeightsName> = /* @__PURE__ */ weightsEnum('resnet101');

/** Pretrained weights of `resnet152`, as in torchvision. */
export const ResNet152_Weights: WeightsEnum<WeightsName> = /* @__PURE__ */ weightsEnum('resnet152');

/** Pretrained weights of `wideResnet50_2`, as in torchvision. */
export const Wide_ResNet50_2_Weights: WeightsEnum<WeightsName> =
  /* @__PURE__ */ weightsEnum('wide_resnet50_2');

/** Pretrained weights of `wideResnet101_2`, as in torchvision. */
export const Wide_ResNet101_2_Weights: WeightsEnum<WeightsName> =
  /* @__PURE__ */ weightsEnum('wide_resnet101_2');
