/**
 * ResNets (He et al. 2016, "Deep residual learning for image recognition") as plain data, with the names and the order
 * of torchvision. The graph, the initialisation and the types of the children are all read off the same plan.
 */

/** What tells one ResNet from another. */
export interface Architecture<
  Block extends 'basic' | 'bottleneck' = 'basic' | 'bottleneck',
  Depths extends readonly number[] = readonly [number, number, number, number],
> {
  /** Two 3×3 convolutions, or a 3×3 one between two 1×1 ones. */
  readonly block: Block;
  /** Number of blocks in each of the four stages. */
  readonly depths: Depths;
  /** Channels inside the first stage's blocks; 128 in the wide ones. */
  readonly width: number;
}

/** The ResNets by torchvision's names, those of bottlenecks in its version 1.5: a stage strides in its first 3×3 convolution. */
export interface Architectures {
  /** 18 layers. */
  readonly resnet18: Architecture<'basic', readonly [2, 2, 2, 2]>;
  /** 34 layers. */
  readonly resnet34: Architecture<'basic', readonly [3, 4, 6, 3]>;
  /** 50 layers. */
  readonly resnet50: Architecture<'bottleneck', readonly [3, 4, 6, 3]>;
  /** 101 layers. */
  readonly resnet101: Architecture<'bottleneck', readonly [3, 4, 23, 3]>;
  /** 152 layers. */
  readonly resnet152: Architecture<'bottleneck', readonly [3, 8, 36, 3]>;
  /** ResNet50 with blocks twice as wide inside. */
  readonly wide_resnet50_2: Architecture<'bottleneck', readonly [3, 4, 6, 3]>;
  /** ResNet101 with blocks twice as wide inside. */
  readonly wide_resnet101_2: Architecture<'bottleneck', readonly [3, 4, 23, 3]>;
}

/** torchvision's name of a ResNet. */
export type ResNetName = keyof Architectures;

/** The values of {@link Architectures}. */
export const RESNETS: Architectures = {
  resnet18: { block: 'basic', depths: [2, 2, 2, 2], width: 64 },
  resnet34: { block: 'basic', depths: [3, 4, 6, 3], width: 64 },
  resnet50: { block: 'bottleneck', depths: [3, 4, 6, 3], width: 64 },
  resnet101: { block: 'bottleneck', depths: [3, 4, 23, 3], width: 64 },
  resnet152: { block: 'bottleneck', depths: [3, 8, 36, 3], width: 64 },
  wide_resnet50_2: { block: 'bottleneck', depths: [3, 4, 6, 3], width: 128 },
  wide_resnet101_2: { block: 'bottleneck', depths: [3, 4, 23, 3], width: 128 },
};

/** A square convolution without bias, and the batch normalisation after it. */
export interface ConvPlan {
  readonly name: string;
  readonly bn: string;
  readonly in: number;
  readonly out: number;
  readonly kernel: number;
  readonly stride: number;
}

/** Convolutions one after another, and what is added to their result: the block's input, downsampled in some. */
export interface BlockPlan {
  readonly name: string;
  readonly convs: readonly ConvPlan[];
  readonly downsample: ConvPlan | undefined;
}

/** A fully connected layer. */
export interface LinearPlan {
  readonly name: string;
  readonly in: number;
  readonly out: number;
}

/** A ResNet for some number of classes. */
export interface ResNetPlan {
  readonly name: ResNetName;
  readonly stem: ConvPlan;
  readonly stages: readonly (readonly BlockPlan[])[];
  readonly fc: LinearPlan;
}

/** How many classes ImageNet has, and so a ResNet by default. */
export const IMAGENET_CLASSES = 1000;

/** Channels that go into the first stage, and inside its blocks unless they are wide. */
const BASE = 64;
const EXPANSION = { basic: 1, bottleneck: 4 } as const;

/**
 * Lays out a ResNet.
 *
 * @param name Which one.
 * @param classes For how many classes.
 * @returns Its convolutions in the order of torch's `modules()`.
 */
export function planResNet(name: ResNetName, classes: number = IMAGENET_CLASSES): ResNetPlan {
  const architecture: Architecture = RESNETS[name];
  const stem: ConvPlan = { name: 'conv1', bn: 'bn1', in: 3, out: BASE, kernel: 7, stride: 2 };
  let channels = BASE;
  const stages = architecture.depths.map((depth, stage) => {
    const out = BASE * 2 ** stage * EXPANSION[architecture.block];
    return Array.from({ length: depth }, (_, index) => {
      const stride = stage > 0 && index === 0 ? 2 : 1;
      const block = planBlock(architecture, `layer${stage + 1}.${index}`, channels, stage, stride);
      channels = out;
      return block;
    });
  });
  return { name, stem, stages, fc: { name: 'fc', in: channels, out: classes } };
}

function planBlock(
  { block, width }: Architecture,
  name: string,
  input: number,
  stage: number,
  stride: number,
): BlockPlan {
  const inner = width * 2 ** stage;
  const out = BASE * 2 ** stage * EXPANSION[block];
  const sizes =
    block === 'basic'
      ? [
          { in: input, out, kernel: 3, stride },
          { in: out, out, kernel: 3, stride: 1 },
        ]
      : [
          { in: input, out: inner, kernel: 1, stride: 1 },
          { in: inner, out: inner, kernel: 3, stride },
          { in: inner, out, kernel: 1, stride: 1 },
        ];
  const convs = sizes.map((size, i) => ({ name: `${name}.conv${i + 1}`, bn: `${name}.bn${i + 1}`, ...size }));
  const isSame = stride === 1 && input === out;
  const shortcut = { name: `${name}.downsample.0`, bn: `${name}.downsample.1` };
  const downsample = isSame ? undefined : { ...shortcut, in: input, out, kernel: 1, stride };
  return { name, convs, downsample };
}

/**
 * The convolutions of a ResNet.
 *
 * @param plan The ResNet.
 * @returns Them in the order of torch's `modules()`.
 */
export function convsOf(plan: ResNetPlan): ConvPlan[] {
  const inBlocks = plan.stages
    .flat()
    .flatMap(({ convs, downsample }) => (downsample === undefined ? convs : [...convs, downsample]));
  return [plan.stem, ...inBlocks];
}

/**
 * The shape of a convolution's weight.
 *
 * @param conv The convolution.
 * @returns Its shape in torch's layout, OIHW.
 */
export function weightShape(conv: ConvPlan): [number, number, number, number] {
  return [conv.out, conv.in, conv.kernel, conv.kernel];
}
