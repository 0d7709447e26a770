import { describe, layersOf, type Parameter, slotsOf } from '../core/parameter';
import { originalValues, stateOf, uninstall } from '../core/reparametrisation';
import { resolve } from '../core/resolve';
import { PruneError } from '../errors';

function resolvePruned(layer: object, name: string, action: string): Parameter {
  const parameter = resolve(layer, name);
  if (stateOf(parameter.variable) !== undefined) return parameter;
  const message = `'${name}' of ${describe(layer)} is not pruned, so there is nothing to ${action}.`;
  throw new PruneError('state', message, { given: name, allowed: 'a pruned parameter' });
}

/**
 * Makes a pruning permanent: the pruned weights stay zero as they are, but nothing holds them there any more.
 *
 * Source: `torch.nn.utils.prune.remove`.
 *
 * @param layer The layer.
 * @param name The pruned parameter, under either name.
 * @returns The same layer; its outputs are the same as before.
 * @throws {@link PruneError} `state` if it is not pruned, `parameter` if the layer has none of that name.
 * @example
 * ```ts
 * prune.remove(model.conv1, 'weight');
 * ```
 */
export function remove<L extends object>(layer: L, name: string): L {
  uninstall(resolvePruned(layer, name, 'remove').variable);
  return layer;
}

/**
 * Undoes all prunings of a parameter: what they displaced comes back exactly, what was left keeps the value that
 * training has given it since.
 *
 * Differs from PyTorch: it has no such function.
 *
 * @param layer The layer.
 * @param name The pruned parameter, under either name.
 * @returns The same layer.
 * @throws {@link PruneError} `state` if it is not pruned, `parameter` if the layer has none of that name.
 * @example
 * ```ts
 * prune.revert(model.conv1, 'weight');
 * ```
 */
export function revert<L extends object>(layer: L, name: string): L {
  const { variable } = resolvePruned(layer, name, 'revert');
  uninstall(variable, originalValues(variable));
  return layer;
}

/**
 * Whether any parameter of a layer, or of any layer of a model, is pruned.
 *
 * Source: `torch.nn.utils.prune.is_pruned`.
 *
 * @param layerOrModel A layer, an object that holds tf.Variables, or a model.
 * @returns True from the first pruning to the last `remove` or `revert`.
 * @example
 * ```ts
 * prune.isPruned(model); // false
 * ```
 */
export function isPruned(layerOrModel: object): boolean {
  return layersOf(layerOrModel).some((layer) =>
    slotsOf(layer).some(({ variable }) => variable !== undefined && stateOf(variable) !== undefined),
  );
}
