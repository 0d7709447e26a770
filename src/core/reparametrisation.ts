/**
 * weight = weight_orig × weight_mask, arranged so that the layer's variable always holds the product: a pruned model's
 * forward pass costs nothing extra, and what saves, copies or prints it sees the pruned weights. What the mask
 * displaced is kept aside on the host. In training the variable is read through an identity whose gradient is masked,
 * and whatever is assigned to it is masked again, so no optimiser revives a weight.
 */
import * as tf from '@tensorflow/tfjs';
import { noteCopy } from './copies';
import { type Displaced, displacedBy, isMost, merge } from './displaced';
import type { Mask } from './mask';
import { keep, masked, peek } from './memory';
import { holding, type Parameter, type Slot } from './parameter';
import { freeDerived, isMaskedGradient, notePruned, type PrunedData } from './pruned-data';
import type { PruningMethod } from './request';

/** What is known of a pruned variable; kept on the variable itself, where a second loaded copy finds it too. */
export interface PruningState {
  /** Which weights stay; in the variable's own order. */
  readonly mask: Mask;
  /** The values that the zeros of the mask displaced, in the variable's own order. */
  readonly displaced: Displaced;
  /** The method that made the mask, a container where there was more than one. */
  readonly method: PruningMethod;
}

interface Attachment {
  state: PruningState;
  /** Makes variable and layer as they were before the first pruning; the values stay. */
  detach(): void;
  /** Sets values without masking them again. */
  assign(value: tf.Tensor): void;
  /** Frees the mask's tensor and what else was made of it; it is made anew when training needs it. */
  freeMask(): void;
}

const key = Symbol.for('tfjs-prune');

function attachmentOf(variable: tf.Variable): Attachment | undefined {
  const held: Attachment | undefined = Reflect.get(variable, key);
  return held;
}

/**
 * @param variable Any variable.
 * @returns What its pruning left, undefined where it is not pruned.
 */
export function stateOf(variable: tf.Variable): PruningState | undefined {
  return attachmentOf(variable)?.state;
}

function override(target: object, property: PropertyKey, descriptor: PropertyDescriptor): void {
  Object.defineProperty(target, property, { configurable: true, enumerable: false, ...descriptor });
}

/** Reads of a variable: itself, or inside a gradient an identity that masks what flows back. */
function readThrough(
  variable: tf.Variable,
  pruned: () => PrunedData,
  maskTensor: () => tf.Tensor,
): () => tf.Tensor {
  const withMaskedGradient = tf.customGrad(() => {
    notePruned(variable.dataId, pruned());
    return {
      value: variable.clone(),
      gradFunc: (dy: tf.Tensor) =>
        isMaskedGradient(dy.dataId, pruned().mask) ? dy.clone() : dy.mul(maskTensor()),
    };
  });
  return () => (tf.engine().state.gradientDepth > 0 ? withMaskedGradient(variable) : variable);
}

function overrideReads(
  slot: Slot,
  variable: tf.Variable,
  read: () => tf.Tensor,
  detach: () => void,
): () => void {
  const { handle, owner, property } = slot;
  if (handle !== undefined) {
    const checked = (): tf.Tensor => {
      if (variable.isDisposed) throw new Error(`LayersVariable ${handle.name} is already disposed.`);
      return read();
    };
    override(handle, 'read', { value: checked, writable: true });
    return () => Reflect.deleteProperty(handle, 'read');
  }
  // A bare variable has no read() to override: the property that holds it reads in its place.
  const previous = Object.getOwnPropertyDescriptor(owner, property);
  const get = (): tf.Tensor => read();
  const set = (value: unknown): void => {
    detach();
    Reflect.set(owner, property, value);
  };
  override(owner, property, { enumerable: true, get: holding(get, variable), set });
  return () => Object.defineProperty(owner, property, previous ?? { value: variable, writable: true });
}

function attach(slot: Slot, variable: tf.Variable, state: PruningState): Attachment {
  let tensor: tf.Tensor | undefined;
  let restoreReads = (): void => {};
  const maskTensor = (): tf.Tensor => {
    tensor ??= tf.keep(maskTensorOf(attachment.state.mask, variable));
    return tensor;
  };
  let known: PrunedData | undefined;
  const pruned = (): PrunedData => {
    known ??= { mask: attachment.state.mask, derived: new Map() };
    return known;
  };
  const assign = variable.assign.bind(variable);
  const dispose = variable.dispose.bind(variable);
  const attachment: Attachment = {
    state,
    assign,
    freeMask: () => {
      tensor?.dispose();
      tensor = undefined;
      if (known !== undefined) freeDerived(known);
      known = undefined;
    },
    detach: () => {
      attachment.freeMask();
      attachment.state.displaced.free();
      restoreReads();
      for (const property of ['assign', 'dispose', key] as const) Reflect.deleteProperty(variable, property);
    },
  };
  const assignMasked = (value: tf.Tensor): void => {
    const fits = value.dtype === variable.dtype && tf.util.arraysEqual(value.shape, variable.shape);
    if (fits) tf.tidy(() => assign(masked(value, attachment.state.mask, maskTensor)));
    else assign(value);
  };
  const disposeBoth = (): void => {
    attachment.detach();
    dispose();
  };
  try {
    override(variable, key, { value: attachment });
    override(variable, 'assign', { writable: true, value: assignMasked });
    override(variable, 'dispose', { writable: true, value: disposeBoth });
    restoreReads = overrideReads(
      slot,
      variable,
      readThrough(variable, pruned, maskTensor),
      attachment.detach,
    );
  } catch (error) {
    attachment.detach();
    throw error;
  }
  return attachment;
}

/** A mask of a parameter that is to be installed, with all that it takes computed. */
export interface Installation {
  readonly parameter: Parameter;
  readonly method: PruningMethod;
  /** In the variable's own order. */
  readonly mask: Mask;
  /** Values to put in place of the variable's own, before the mask and in the variable's own order. */
  readonly replacement?: Float32Array;
}

function write(variable: tf.Variable, values: Float32Array, assign: (value: tf.Tensor) => void): void {
  const tensor = tf.tensor(values, variable.shape);
  try {
    assign(tensor);
  } finally {
    tensor.dispose();
  }
}

function maskTensorOf({ bytes }: Mask, { shape }: tf.Variable): tf.Tensor {
  return tf.tensor(bytes, shape, 'bool');
}

/** Stores what a mask leaves of the variable, or of the values that replace it. Masked where the values are, so only the mask travels. */
function writeMasked(
  variable: tf.Variable,
  mask: Mask,
  assign: (value: tf.Tensor) => void,
  replacement?: Float32Array,
): void {
  tf.tidy(() => {
    const value = replacement === undefined ? variable : tf.tensor(replacement, variable.shape);
    assign(masked(value, mask, () => maskTensorOf(mask, variable)));
  });
}

/**
 * Stores a mask and the weights that it leaves. Nothing has changed if it throws.
 *
 * @param installation The mask.
 */
export function install({ parameter, mask, method, replacement }: Installation): void {
  noteCopy();
  const { slot, variable } = parameter;
  const attachment = attachmentOf(variable);
  const displaced = replacement === undefined ? displacedIn(variable, mask) : displacedBy(mask, replacement);
  const state: PruningState = { mask, displaced, method };
  if (attachment === undefined) attachAndWrite(slot, variable, state, replacement);
  else {
    // Prunings only take away, so as many zeros as before are the same zeros.
    const isChanged = replacement !== undefined || displaced.count !== attachment.state.displaced.count;
    if (isChanged) writeMasked(variable, mask, attachment.assign, replacement);
    replaceState(attachment, state);
  }
}

function displacedIn(variable: tf.Variable, mask: Mask): Displaced {
  if (stateOf(variable) === undefined) {
    const kept = isMost(mask) ? keep(variable) : undefined;
    if (kept !== undefined) return { count: mask.zeros, ...kept };
  }
  return displacedBy(mask, originalValues(variable));
}

function replaceState(attachment: Attachment, state: PruningState): void {
  attachment.freeMask();
  attachment.state.displaced.free();
  attachment.state = state;
}

function attachAndWrite(
  slot: Slot,
  variable: tf.Variable,
  state: PruningState,
  replacement?: Float32Array,
): void {
  const attachment = attach(slot, variable, state);
  try {
    if (replacement !== undefined || state.displaced.count > 0) {
      writeMasked(variable, state.mask, attachment.assign, replacement);
    }
  } catch (error) {
    attachment.detach();
    throw error;
  }
}

/**
 * Stores several masks, or none of them if one fails.
 *
 * @param installations The masks, each of another variable.
 */
export function installAll(installations: readonly Installation[]): void {
  const undos: Array<() => void> = [];
  try {
    for (const installation of installations) {
      const { variable } = installation.parameter;
      const previous = stateOf(variable);
      const replaced = installation.replacement && originalValues(variable).slice();
      install(installation);
      undos.push(() => restore(variable, previous, replaced ?? originalValues(variable)));
    }
  } catch (error) {
    for (const undo of undos.reverse()) undo();
    throw error;
  }
}

function restore(variable: tf.Variable, previous: PruningState | undefined, original: Float32Array): void {
  const attachment = attachmentOf(variable);
  if (previous === undefined || attachment === undefined) uninstall(variable, original);
  else {
    const displaced = displacedBy(previous.mask, original); // the previous copy has been freed
    replaceState(attachment, { ...previous, displaced });
    writeMasked(variable, previous.mask, attachment.assign, original);
  }
}

/**
 * The values before the mask: what is stored, with what was displaced put back.
 *
 * @param variable A variable, pruned or not.
 * @returns weight_orig in the variable's own order, to be read before the next tensor is made and not to be written to.
 */
export function originalValues(variable: tf.Variable): Float32Array {
  const state = stateOf(variable);
  const stored = peek(variable);
  return state === undefined ? stored : merge(state.mask, stored, state.displaced);
}

/**
 * Forgets the mask, keeping the pruned weights (`remove`) or the ones before the pruning (`revert`).
 *
 * @param variable A pruned variable.
 * @param values What it is to hold afterwards; by default what it holds now.
 */
export function uninstall(variable: tf.Variable, values?: Float32Array): void {
  const attachment = attachmentOf(variable);
  if (attachment === undefined) return;
  if (values !== undefined) write(variable, values, attachment.assign);
  attachment.detach();
}
