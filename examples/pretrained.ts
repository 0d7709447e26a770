import { basename } from 'node:path';
import {
  type ImageTransform,
  imagenetTransforms,
  type PretrainedWeights,
  ResNet18_Weights,
  ResNet34_Weights,
  ResNet50_Weights,
  ResNet101_Weights,
  ResNet152_Weights,
  resnet18,
  resnet34,
  resnet50,
  resnet101,
  resnet152,
  Wide_ResNet50_2_Weights,
  Wide_ResNet101_2_Weights,
  wideResnet50_2,
  wideResnet101_2,
} from 'tfjs-prune/models';

/** torchvision's ResNets by name, with their pretrained weights. */
export const MODELS = {
  resnet18: { build: resnet18, pretrained: ResNet18_Weights },
  resnet34: { build: resnet34, pretrained: ResNet34_Weights },
  resnet50: { build: resnet50, pretrained: ResNet50_Weights },
  resnet101: { build: resnet101, pretrained: ResNet101_Weights },
  resnet152: { build: resnet152, pretrained: ResNet152_Weights },
  wide_resnet50_2: { build: wideResnet50_2, pretrained: Wide_ResNet50_2_Weights },
  wide_resnet101_2: { build: wideResnet101_2, pretrained: Wide_ResNet101_2_Weights },
};

/** One of {@link MODELS}. */
export type ModelName = keyof typeof MODELS;

export function isModelName(name: string): name is ModelName {
  return Object.hasOwn(MODELS, name);
}

/**
 * How images must be prepared for weights: as they were in training, if that is known.
 *
 * @param model Which ResNet.
 * @param weights The weights' name in torchvision, or their file.
 */
export function preprocessingFor(model: ModelName, weights: string): ImageTransform {
  const pretrained: Readonly<Record<string, PretrainedWeights>> = MODELS[model].pretrained;
  const member = weights.slice(weights.lastIndexOf('.') + 1); // also of ResNet50_Weights.DEFAULT
  const known = Object.hasOwn(pretrained, member) ? pretrained[member] : undefined;
  const found = known ?? Object.values(pretrained).find(({ url }) => basename(url) === basename(weights));
  if (found !== undefined) return found.transforms();
  console.log(
    `How ${weights} was trained is not known: images are prepared as for torchvision's IMAGENET1K_V1.`,
  );
  return imagenetTransforms();
}
