/**
 * torchvision's ResNets with PyTorch's names, weights and initialisation.
 *
 * @module tfjs-prune/models
 */
export { isPruneError, PruneError, type PruneErrorDetails, type PruneErrorKind } from '../errors';
export {
  asResNet,
  type Bottleneck,
  type DownsamplingBottleneck,
  type ResNet,
  type ResNet50Children,
  type ResNetChildren,
} from './resnet';
export { type ResNetOptions, resnet50 } from './resnet50';
export {
  type ImagenetTransformsOptions,
  type ImageTransform,
  imagenetTransforms,
  type Rgb,
} from './transforms/imagenet-transforms';
export type { ImageSource, Pixels } from './transforms/pixels';
export type { Interpolation } from './transforms/resample';
