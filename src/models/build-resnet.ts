import * as tf from '@tensorflow/tfjs';
import { isPruneError, PruneError } from '../errors';
import { defaultGenerator, Generator } from '../masks/generator';
import type { StateDict, TensorData } from '../weights/tensor-data';
import { fillWeights, setWeights } from './fill-weights';
import { asResNet, type ResNet } from './resnet';
import { buildGraph } from './resnet-graph';
import { initialLinear, initialWeights } from './resnet-initialise';
import { checkResNetOptions, type ResNetOptions, type Settings } from './resnet-options';
import { type LinearPlan, planResNet, type ResNetName } from './resnet-plan';
import { readWeights } from './resnet-weights';

/**
 * Makes a ResNet: what all public functions for one do.
 *
 * @param name Which one.
 * @param options Weights, size and kind of output.
 * @returns The model, with torch's children as properties; the caller disposes it.
 * @throws {@link PruneError} as the public functions say. No tensor is left behind.
 */
export async function buildResNet<Name extends ResNetName>(
  name: Name,
  options: ResNetOptions,
): Promise<ResNet<Name>> {
  const settings = checkResNetOptions(name, options);
  const { seed, numClasses, inputShape, output } = settings;
  const plan = planResNet(name, numClasses);
  const generator = seed === undefined ? defaultGenerator : new Generator(seed);
  const given = await readWeights(name, settings);
  const weights = given === undefined ? undefined : forOutput(given, plan.fc, settings);
  await tf.ready();
  const model = buildGraph(plan, inputShape, output);
  try {
    if (weights === undefined) setWeights(model, initialWeights(plan, generator));
    else {
      fillWeights(model, weights.dict);
      if (weights.isFcFresh) setWeights(model, initialLinear(plan.fc, generator));
    }
    return asResNet(model, name);
  } catch (error) {
    model.dispose();
    throw given === undefined ? error : withAdvice(error, classesOf(plan.fc, given));
  }
}

/** The weights as this model takes them: without their fc if that is for other classes, or not wanted at all. */
function forOutput(
  dict: StateDict,
  fc: LinearPlan,
  { numClasses, output, seed }: Settings,
): { dict: StateDict; isFcFresh: boolean } {
  if (output === 'logits' && numClasses === undefined) return { dict, isFcFresh: false };
  const rest: StateDict = new Map([...dict].filter(([name]) => !String(name).startsWith(`${fc.name}.`)));
  if (output !== 'logits') return { dict: rest, isFcFresh: false };
  if (classesOf(fc, dict) === fc.out) {
    if (seed === undefined) return { dict, isFcFresh: false };
    const message =
      `The weights have an fc for ${fc.out} classes, which is loaded, so that nothing is left to draw with seed ${seed}. ` +
      'Leave the seed out, or take the entries of fc out of the state dict.';
    throw new PruneError('argument', message, { given: seed, allowed: 'no seed' });
  }
  // They are there for the check, which wants every weight, and drawn once it has passed.
  rest.set(`${fc.name}.weight`, zeros([fc.out, fc.in]));
  rest.set(`${fc.name}.bias`, zeros([fc.out]));
  return { dict: rest, isFcFresh: true };
}

/** For how many classes the fc of a state dict is; undefined without one. A pruned one is kept under two other names. */
function classesOf({ name }: LinearPlan, dict: StateDict): number | undefined {
  const weight: unknown = dict.get(`${name}.weight`) ?? dict.get(`${name}.weight_orig`);
  const shape: unknown = typeof weight === 'object' && weight !== null ? Reflect.get(weight, 'shape') : [];
  return Array.isArray(shape) && shape.length === 2 ? shape[0] : undefined;
}

/** An error of weights that fit all but their fc, which `numClasses` makes fit. */
function withAdvice(error: unknown, classes: number | undefined): unknown {
  if (!isPruneError(error, 'shape') || classes === undefined) return error;
  if (!/\d of another shape: fc\.weight/.test(error.message)) return error;
  const advice = `Say numClasses: ${classes} to load the fc as it is, or another number to draw a new one.`;
  const { given, allowed, cause } = error;
  return new PruneError('shape', `${error.message} ${advice}`, { given, ...(allowed && { allowed }), cause });
}

function zeros(shape: readonly number[]): TensorData {
  return { shape, dtype: 'float32', data: new Float32Array(shape.reduce((size, n) => size * n, 1)) };
}
