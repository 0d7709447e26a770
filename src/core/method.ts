import * as tf from '@tensorflow/tfjs';
import { PruneError, shown } from '../errors';
import type { ChannelMask } from '../masks/channel-mask';
import { type ApplyOptions, apply, type Joined } from './apply';
import { maskByTensors, masksByTensors } from './bridge';
import type { MaskRequest, PruningMethod, PruningType } from './request';
import { bytesOfMask, checkNumeric, checkShape, checkTensor, requestOfTensor } from './tensors';

/**
 * What all pruning methods are. Extend it to write one of your own: `computeMask` is all that it takes.
 *
 * Differs from PyTorch: what `apply` takes as keyword `importance_scores` is an option of {@link BasePruningMethod.applyTo};
 * masks are checked to be of 0 and 1 only, and a method cannot revive what is pruned already.
 * Source: `torch.nn.utils.prune.BasePruningMethod`.
 *
 * @example
 * ```ts
 * class EveryOther extends prune.BasePruningMethod {
 *   override readonly pruningType = 'unstructured';
 *   override computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
 *     return tf.tidy(() => tf.range(0, t.size).mod(2).reshape(t.shape).mul(defaultMask));
 *   }
 * }
 * EveryOther.apply(layer, 'bias');
 * ```
 */
export abstract class BasePruningMethod implements PruningMethod {
  /** What the method chooses among on top of earlier prunings; `global`, everything, by default. */
  readonly pruningType: PruningType = 'global';
  /**
   * The name of the parameter that the method was applied to, in PyTorch's words where it has some. Of an instance that
   * has pruned several, the last one's.
   */
  tensorName: string | undefined;

  /**
   * Makes a mask. When a parameter is pruned again it gets what is left: for an `unstructured` method a 1-D tensor of
   * the entries that are not pruned, for a `structured` one (which needs a `dim`) the tensor without the channels that
   * are, for a `global` one everything.
   *
   * @param t Importance of every entry, in the layout of the name that was used: by default the current weight.
   * @param defaultMask What earlier prunings left, of the shape of `t`.
   * @returns A mask of the shape of `t`, 1 where the entry stays. Tensors made on the way are tidied by the caller.
   */
  abstract computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor;

  /**
   * The same over typed arrays; by default through {@link BasePruningMethod.computeMask}.
   *
   * @param request The parameter, with the mask it has.
   * @returns A new mask in the order of `request.scores`, zero wherever the old one is.
   */
  maskFor(request: MaskRequest): Uint8Array | ChannelMask {
    return maskByTensors(this, request);
  }

  /**
   * The same over several parameters that are ranked together; by default as one long vector.
   *
   * @param requests The parameters, with the masks they have.
   * @returns A new mask for each.
   */
  masksFor(requests: readonly MaskRequest[]): Uint8Array[] {
    return masksByTensors(this, requests);
  }

  /**
   * Makes a method and prunes a parameter with it.
   *
   * @param layer A built tfjs layer, an RNN cell, or an object that holds tf.Variables.
   * @param name The parameter: PyTorch's name for PyTorch's layout, tfjs's for tfjs's.
   * @param args What the method's constructor takes.
   * @returns The method, or the {@link PruningContainer} that it joined if the parameter was pruned already.
   * @throws {@link PruneError} `parameter` or `state` if the layer has no such parameter to prune, and as the method throws.
   */
  static apply<Args extends unknown[], M extends BasePruningMethod>(
    this: new (
      ...args: Args
    ) => M,
    layer: object,
    name: string,
    ...args: Args
  ): M | PruningContainer {
    return new this(...args).applyTo(layer, name);
  }

  /**
   * Prunes a parameter with this method.
   *
   * @param layer A built tfjs layer, an RNN cell, or an object that holds tf.Variables.
   * @param name The parameter: PyTorch's name for PyTorch's layout, tfjs's for tfjs's.
   * @param options Importance scores, if the weights themselves are not to be ranked.
   * @returns This method, or the {@link PruningContainer} that it joined if the parameter was pruned already.
   * @throws {@link PruneError} with nothing changed: `parameter`, `state`, `argument`, `amount`, `dim` or `shape`.
   */
  applyTo(layer: object, name: string, options: ApplyOptions = {}): this | PruningContainer {
    return apply(layer, name, this, (previous, parameter) => joined(previous, this, parameter), options);
  }

  /**
   * Prunes a tensor that belongs to no layer.
   *
   * @param t The tensor.
   * @param defaultMask A mask from earlier prunings, of its shape; all ones by default.
   * @param importanceScores What to rank by, of its shape; `t` itself by default.
   * @returns `t` times the mask, a new tensor that the caller disposes.
   * @throws {@link PruneError} `shape` if the shapes differ, `argument` if the mask is not of 0 and 1 or the scores are
   *   not numbers.
   */
  prune(t: tf.Tensor, defaultMask?: tf.Tensor, importanceScores?: tf.Tensor): tf.Tensor {
    checkTensor(t, 't');
    if (importanceScores !== undefined) {
      checkTensor(importanceScores, 'importanceScores');
      checkShape(importanceScores, t.shape, 'importanceScores');
      checkNumeric(importanceScores, 'importanceScores');
    }
    if (defaultMask !== undefined) {
      checkTensor(defaultMask, 'defaultMask');
      checkShape(defaultMask, t.shape, 'defaultMask');
      bytesOfMask(defaultMask, 'defaultMask');
    }
    return tf.tidy(() => {
      const mask: unknown = this.computeMask(importanceScores ?? t, defaultMask ?? tf.onesLike(t));
      checkTensor(mask, 'What computeMask returns');
      checkShape(mask, t.shape, 'The mask that computeMask returns');
      bytesOfMask(mask, 'The mask that computeMask returns');
      return t.mul(mask);
    });
  }
}

/** Whether a value is a pruning method, of this copy of the library or of another. */
export function isMethod(value: unknown): value is BasePruningMethod {
  return typeof value === 'object' && value !== null && 'computeMask' in value && 'pruningType' in value;
}

/**
 * Several prunings of one parameter, in the order they were made. Made by itself when a parameter is pruned again.
 *
 * Source: `torch.nn.utils.prune.PruningContainer`.
 *
 * @example
 * ```ts
 * const method = prune.methodOf(layer, 'weight');
 * if (method instanceof prune.PruningContainer) for (const each of method) console.log(each);
 * ```
 */
export class PruningContainer extends BasePruningMethod implements Iterable<BasePruningMethod> {
  readonly #methods: BasePruningMethod[] = [];

  /**
   * @param methods The prunings so far, all of one parameter.
   * @throws {@link PruneError} as {@link PruningContainer.addPruningMethod} does.
   */
  constructor(...methods: readonly BasePruningMethod[]) {
    super();
    this.tensorName = isMethod(methods[0]) ? methods[0].tensorName : undefined;
    for (const method of methods) this.addPruningMethod(method);
  }

  /**
   * Adds a pruning to the end.
   *
   * @param method A pruning of the same parameter.
   * @throws {@link PruneError} `argument` for what is no pruning method, `parameter` for one of another parameter.
   */
  addPruningMethod(method: BasePruningMethod): void {
    if (!isMethod(method)) {
      const message = `Expected a BasePruningMethod, but got ${shown(method)}.`;
      throw new PruneError('argument', message, { given: method, allowed: 'a BasePruningMethod' });
    }
    if (method.tensorName !== this.tensorName) {
      const message = `This container holds prunings of '${this.tensorName}', but got one of '${method.tensorName}'.`;
      throw new PruneError('parameter', message, {
        given: method.tensorName,
        allowed: String(this.tensorName),
      });
    }
    this.#methods.push(method);
  }

  /** How many prunings there are. */
  get length(): number {
    return this.#methods.length;
  }

  /**
   * @param index Counts from 0; negative ones from the last.
   * @returns The pruning there, undefined if there is none.
   */
  at(index: number): BasePruningMethod | undefined {
    return this.#methods.at(index);
  }

  /** @returns The prunings from the first to the newest. */
  [Symbol.iterator](): IterableIterator<BasePruningMethod> {
    return this.#methods[Symbol.iterator]();
  }

  /**
   * Runs the newest pruning on what the mask leaves.
   *
   * @param t Importance of every entry.
   * @param defaultMask What earlier prunings left, of the same shape.
   * @returns A new mask; the caller disposes it.
   * @throws {@link PruneError} `state` if the container is empty, else as the newest pruning does.
   */
  override computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
    checkTensor(t, 't');
    checkTensor(defaultMask, 'defaultMask');
    checkShape(defaultMask, t.shape, 'defaultMask');
    const mask = bytesOfMask(defaultMask, 'defaultMask');
    const made = this.maskFor(requestOfTensor(t, mask));
    return tf.tensor(new Float32Array(made instanceof Uint8Array ? made : made.bytes), t.shape);
  }

  /** @inheritDoc */
  override maskFor(request: MaskRequest): Uint8Array | ChannelMask {
    const newest = this.#methods.at(-1);
    if (newest === undefined)
      throw new PruneError('state', 'The container holds no pruning method; add one first.');
    return newest.maskFor(request);
  }
}

/**
 * What is remembered of a parameter that is pruned by one more method, which all in it are named after: the parameter
 * may have been reached by another name (a cell's, say), and one method may have pruned several.
 *
 * @param previous The method or container so far, which is not changed; undefined for the first pruning.
 * @param method The newer one.
 * @param name The parameter's name.
 */
export function joined<M extends BasePruningMethod>(
  previous: PruningMethod | undefined,
  method: M,
  name: string,
): Joined<M | PruningContainer> {
  const earlier = previous === undefined ? [] : historyOf(previous);
  const methods = [...earlier, method];
  const names = methods.map(({ tensorName }) => tensorName);
  for (const each of methods) each.tensorName = name;
  return {
    method: earlier.length === 0 ? method : new PruningContainer(...methods),
    undo: () => {
      for (const [i, each] of methods.entries()) each.tensorName = names[i];
    },
  };
}

/** The methods that a container holds, or the one that is none. */
function historyOf(method: PruningMethod): BasePruningMethod[] {
  return (isContainer(method) ? [...method] : [method]).filter(isMethod);
}

function isContainer(method: PruningMethod): method is PruningContainer {
  return Symbol.iterator in method;
}
