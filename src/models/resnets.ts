import { buildResNet } from './build-resnet';
import type { ResNet } from './resnet';
import type { ResNetOptions } from './resnet-options';

/**
 * torchvision's `resnet18`, of basic blocks: 11.7 million parameters.
 *
 * Differs from PyTorch: see {@link resnet50}.
 *
 * @param options As for {@link resnet50}.
 * @returns A model from images [batch, height, width, 3] to logits [batch, classes], or to 512 features. The caller
 * disposes it.
 * @throws {@link PruneError} as {@link resnet50}.
 * @example
 * ```ts
 * const model = await resnet18({ weights: 'DEFAULT', numClasses: 10 });
 * prune.l1Unstructured(model.layer1[0].conv2, 'weight', 0.2);
 * ```
 */
export async function resnet18(options: ResNetOptions = {}): Promise<ResNet<'resnet18'>> {
  return buildResNet('resnet18', options);
}

/**
 * torchvision's `resnet34`, of basic blocks: 21.8 million parameters.
 *
 * Differs from PyTorch: see {@link resnet50}.
 *
 * @param options As for {@link resnet50}.
 * @returns A model from images [batch, height, width, 3] to logits [batch, classes], or to 512 features. The caller
 * disposes it.
 * @throws {@link PruneError} as {@link resnet50}.
 * @example
 * ```ts
 * const model = await resnet34({ seed: 0, inputShape: [64, 64, 3] });
 * ```
 */
export async function resnet34(options: ResNetOptions = {}): Promise<ResNet<'resnet34'>> {
  return buildResNet('resnet34', options);
}

/**
 * torchvision's `resnet50`, version 1.5, in torch's order of layers and with torch's names: 25.6 million parameters.
 *
 * Differs from PyTorch: images are NHWC. The running variance that training updates is the biased one, as everywhere in
 * tfjs. `weights` also takes files and state dicts, and with them `numClasses` may differ from theirs.
 *
 * @param options The weights or the seed, the number of classes, and the size of an image.
 * @returns A model from images [batch, height, width, 3] to logits [batch, classes], or to 2,048 features with
 * `includeTop: false`, with torch's children as properties. The caller disposes it.
 * @throws {@link PruneError} `argument` for options that are not allowed; `network` for a download that failed, which says
 * how to get the file by hand; `integrity` for one that is not what it should be; `file` for a file that cannot be read;
 * `parameter` or `shape` for weights that do not fit. No tensor is left behind. An aborted download throws the signal's
 * reason.
 * @example
 * ```ts
 * const model = await resnet50({ weights: 'IMAGENET1K_V2', onProgress: (part) => bar.update(part) });
 * prune.l1Unstructured(model.layer1[0].conv1, 'weight', 0.2);
 *
 * const own = await resnet50({ weights: 'resnet50-11ad3fa6.pth', numClasses: 10, seed: 0 });
 * const features = await resnet50({ weights: ResNet50_Weights.DEFAULT, includeTop: false });
 * ```
 */
export async function resnet50(options: ResNetOptions = {}): Promise<ResNet<'resnet50'>> {
  return buildResNet('resnet50', options);
}

/**
 * torchvision's `resnet101`, version 1.5: 44.5 million parameters.
 *
 * Differs from PyTorch: see {@link resnet50}.
 *
 * @param options As for {@link resnet50}.
 * @returns A model from images [batch, height, width, 3] to logits [batch, classes], or to 2,048 features. The caller
 * disposes it.
 * @throws {@link PruneError} as {@link resnet50}.
 * @example
 * ```ts
 * const model = await resnet101({ weights: 'IMAGENET1K_V2' });
 * model.layer3[22].conv3;
 * ```
 */
export async function resnet101(options: ResNetOptions = {}): Promise<ResNet<'resnet101'>> {
  return buildResNet('resnet101', options);
}

/**
 * torchvision's `resnet152`, version 1.5: 60.2 million parameters.
 *
 * Differs from PyTorch: see {@link resnet50}.
 *
 * @param options As for {@link resnet50}.
 * @returns A model from images [batch, height, width, 3] to logits [batch, classes], or to 2,048 features. The caller
 * disposes it.
 * @throws {@link PruneError} as {@link resnet50}.
 * @example
 * ```ts
 * const model = await resnet152({ weights: 'IMAGENET1K_V2' });
 * model.layer3[35].conv3;
 * ```
 */
export async function resnet152(options: ResNetOptions = {}): Promise<ResNet<'resnet152'>> {
  return buildResNet('resnet152', options);
}

/**
 * torchvision's `wide_resnet50_2` (Zagoruyko and Komodakis 2016, "Wide residual networks"): a ResNet50 whose blocks are
 * twice as wide inside, of 68.9 million parameters.
 *
 * Differs from PyTorch: see {@link resnet50}.
 *
 * @param options As for {@link resnet50}.
 * @returns A model from images [batch, height, width, 3] to logits [batch, classes], or to 2,048 features. The caller
 * disposes it.
 * @throws {@link PruneError} as {@link resnet50}.
 * @example
 * ```ts
 * const model = await wideResnet50_2({ weights: Wide_ResNet50_2_Weights.DEFAULT });
 * ```
 */
export async function wideResnet50_2(options: ResNetOptions = {}): Promise<ResNet<'wide_resnet50_2'>> {
  return buildResNet('wide_resnet50_2', options);
}

/**
 * torchvision's `wide_resnet101_2`: a ResNet101 whose blocks are twice as wide inside, of 126.9 million parameters.
 *
 * Differs from PyTorch: see {@link resnet50}.
 *
 * @param options As for {@link resnet50}.
 * @returns A model from images [batch, height, width, 3] to logits [batch, classes], or to 2,048 features. The caller
 * disposes it.
 * @throws {@link PruneError} as {@link resnet50}.
 * @example
 * ```ts
 * const model = await wideResnet101_2({ weights: Wide_ResNet101_2_Weights.DEFAULT });
 * ```
 */
export async function wideResnet101_2(options: ResNetOptions = {}): Promise<ResNet<'wide_resnet101_2'>> {
  return buildResNet('wide_resnet101_2', options);
}
