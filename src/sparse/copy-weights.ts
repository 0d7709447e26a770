/** Copies a layer's weights and masks to a layer that was just built. */
import * as tf from '@tensorflow/tfjs';
import { overwrite, peek } from '../core/memory';
import { classNameOf, describe, parameterAt, type Slot, slotsOf } from '../core/parameter';
import { install, originalValues, stateOf } from '../core/reparametrisation';
import { PruneError } from '../errors';
import { type Affine, scaleKernel, transformBias } from './affine';
import { outputKernelOf } from './foldable';

/** Writes what becomes of values into an array of the same length, which may be the same one. */
type Transform = (values: Float32Array, result: Float32Array) => void;

/** A slot whose variable is there. */
type Built = Slot & { readonly variable: tf.Variable };

const isBuilt = (slot: Slot): slot is Built => slot.variable !== undefined;

/**
 * @param from A layer, which stays as it is.
 * @param to One of the same configuration, which nobody has used yet; with a bias where there is an affine function.
 * @param affine What `to` is to do to the outputs of `from`.
 * @throws {@link PruneError} `unsupported` where the layers do not have the same weights. Some may have been copied.
 */
export function copyWeights(from: object, to: object, affine?: Affine): void {
  const kernel = affine && outputKernelOf(classNameOf(from) ?? '');
  const targets = slotsOf(to);
  for (const [i, source] of slotsOf(from).entries()) {
    const target = targets[i];
    if (affine !== undefined && source.property === 'bias') {
      if (target !== undefined && isBuilt(target)) foldBias(source, target, affine);
    } else if (isBuilt(source)) {
      checkSame(source, target);
      const isScaled = kernel?.property === source.property;
      const run = isScaled ? kernel.run(source.variable.shape) : 1;
      copy(
        source,
        target,
        isScaled ? (values, result) => scaleKernel(values, affine!.scale, run, result) : move,
      );
    }
  }
}

const move: Transform = (values, result) => {
  if (values !== result) result.set(values);
};

function checkSame(source: Built, target: Slot | undefined): asserts target is Built {
  const { variable, name } = source;
  const made = target?.name === name ? target.variable : undefined;
  if (made?.dtype === variable.dtype && tf.util.arraysEqual(made.shape, variable.shape)) return;
  const message = `${describe(source.layer)} has a weight '${name}' of shape [${variable.shape}], but the layer that tfjs builds from its configuration ${made === undefined ? 'lacks it' : `has one of shape [${made.shape}]`}. A layer of your own must make all of its weights in build().`;
  throw new PruneError('unsupported', message, { given: name });
}

function copy({ variable }: Built, target: Built, transform: Transform): void {
  const state = stateOf(variable);
  if (state === undefined) {
    write(target.variable, variable, transform);
    return;
  }
  // Of a pruned variable these are a copy.
  const replacement = originalValues(variable);
  transform(replacement, replacement);
  const { mask, method } = state;
  install({ parameter: parameterAt(target, target.variable, 'tfjs'), mask, method, replacement });
}

function write(target: tf.Variable, source: tf.Variable, transform: Transform): void {
  if (source.dtype !== 'float32') {
    // A copy: a backend may hand out its own array.
    const values = source.dataSync().slice();
    tf.tidy(() => target.assign(tf.tensor(values, source.shape, source.dtype)));
    return;
  }
  if (overwrite(target, (stored) => transform(peek(source), stored))) return;
  const values = new Float32Array(source.size);
  transform(peek(source), values);
  tf.tidy(() => target.assign(tf.tensor(values, source.shape)));
}

function foldBias({ variable: bias }: Slot, { variable }: Built, affine: Affine): void {
  const values = new Float32Array(variable.size);
  transformBias(bias && peek(bias), affine, values);
  tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
}
