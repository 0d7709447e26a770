/**
 * torchvision's ResNets with PyTorch's names, weights and initialisation.
 *
 * @module tfjs-prune/models
 */
export { isPruneError, PruneError, type PruneErrorDetails, type PruneErrorKind } from '../errors';
export { IMAGENET_CATEGORIES } from './imagenet-categories';
export {
  type PretrainedWeights,
  ResNet18_Weights,
  ResNet34_Weights,
  ResNet50_Weights,
  ResNet101_Weights,
  ResNet152_Weights,
  type WeightsEnum,
  Wide_ResNet50_2_Weights,
  Wide_ResNet101_2_Weights,
} from './pretrained-weights';
export type { RegisteredWeights, WeightsName } from './registry';
export { asResNet, type ResNet, type ResNetChildren } from './resnet';
export type {
  BasicBlock,
  Blocks,
  BlockTypes,
  Bottleneck,
  Downsample,
  DownsamplingBasicBlock,
  DownsamplingBottleneck,
  Stage,
} from './resnet-blocks';
export type { AnyString, ResNetOptions } from './resnet-options';
export type { Architecture, Architectures, ResNetName } from './resnet-plan';
export {
  resnet18,
  resnet34,
  resnet50,
  resnet101,
  resnet152,
  wideResnet50_2,
  wideResnet101_2,
} from './resnets';
export {
  type ImagenetTransformsOptions,
  type ImageTransform,
  imagenetTransforms,
  type Rgb,
} from './transforms/imagenet-transforms';
export type { ImageSource, Pixels } from './transforms/pixels';
export type { Interpolation } from './transforms/resample';
