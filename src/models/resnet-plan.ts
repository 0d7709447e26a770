/**
 * ResNets (He et al. 2016, "Deep residual learning for image recognition") as plain data, with the names and the order
 * of torchvision. The graph and the initialisation are both read off the same plan.
 */

/** What tells one ResNet from another. */
interface Architecture {
  /** torchvision's name. */
  readonly name: string;
  readonly block: 'basic' | 'bottleneck';
  /** Number of blocks in each of the four stages. */
  readonly depths: readonly [number, number, number, number];
  /** Channels inside the first stage's blocks; 128 in the wide ones. */
  readonly width: number;
}

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

/** A ResNet for 1,000 classes. */
export interface ResNetPlan {
  readonly name: string;
  readonly stem: ConvPlan;
  readonly stages: readonly (readonly BlockPlan[])[];
  readonly fc: { readonly name: string; readonly in: number; readonly out: number };
}

/** ResNet50, in torchvision's version 1.5: a stage strides in its first 3×3 convolution. */
export const RESNET50: Architecture = {
  name: 'resnet50',
  block: 'bottleneck',
  depths: [3, 4, 6, 3],
  width: 64,
};

/** Channels that go into the first stage, and inside its blocks unless they are wide. */
const BASE = 64;
const EXPANSION = { basic: 1, bottleneck: 4 } as const;
const CLASSES = 1000;

/**
 * Lays out a ResNet.
 *
 * @param architecture What kind of ResNet.
 * @returns Its convolutions in the order of torch's `modules()`.
 */
export function planResNet(architecture: Architecture): ResNetPlan {
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
  return { name: architecture.name, stem, stages, fc: { name: 'fc', in: channels, out: CLASSES } };
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
