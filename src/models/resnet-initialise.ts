import type { Generator } from '../masks/generator';
import { defaultBias, kaimingNormal, kaimingUniform, skipUniform } from './initialise';
import { convsOf, type LinearPlan, type ResNetPlan, weightShape } from './resnet-plan';

/** A name in a state dict, and values in torch's layout. */
export type NamedValues = [name: string, values: Float32Array];

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, n) => size * n, 1);

/**
 * The weights that torchvision gives a new ResNet, in the order in which it draws them. One at a time, so that they
 * need not all be in memory at once.
 *
 * @param plan The ResNet.
 * @param generator torch's random numbers; moved on as far as torch would.
 * @yields Entries of a state dict. Those that are not named are zero.
 */
export function* initialWeights(plan: ResNetPlan, generator: Generator): IterableIterator<NamedValues> {
  const convs = convsOf(plan);
  // torch's Conv2d draws a weight when it is made, which torchvision then replaces.
  skipUniform(
    generator,
    convs.reduce((count, conv) => count + sizeOf(weightShape(conv)), 0),
  );
  yield* initialLinear(plan.fc, generator);
  for (const conv of convs) {
    const shape = weightShape(conv);
    yield [
      `${conv.name}.weight`,
      kaimingNormal(generator, new Float32Array(sizeOf(shape)), shape, 'fan_out'),
    ];
    yield [`${conv.bn}.weight`, new Float32Array(conv.out).fill(1)];
    yield [`${conv.bn}.running_var`, new Float32Array(conv.out).fill(1)];
  }
}

/**
 * The weights that torch gives a new `torch.nn.Linear`.
 *
 * @param linear The layer.
 * @param generator torch's random numbers; moved on as far as torch would.
 * @yields Its entries of a state dict.
 */
export function* initialLinear(linear: LinearPlan, generator: Generator): IterableIterator<NamedValues> {
  const { name, in: input, out } = linear;
  yield [`${name}.weight`, kaimingUniform(generator, new Float32Array(out * input), [out, input])];
  yield [`${name}.bias`, defaultBias(generator, new Float32Array(out), [out, input])];
}
