import { customFromBytes } from '../core/custom-from-mask';
import { maskOf } from '../core/mask';
import { peek } from '../core/memory';
import { installAll, stateOf } from '../core/reparametrisation';
import { resolvePrunable } from '../core/resolve';
import { type ParameterFilter, parameters } from './parameters';
import type { NamedParameter } from './prune-together';

/**
 * Takes exact zeros as masks again: what a saved model that was pruned needs before it is trained further.
 *
 * Differs from PyTorch: it has no such function; there a pruned state dict loads only into a pruned module.
 *
 * @param model A model or a layer.
 * @param filter Which parameters; kernels by default. Those that are pruned already, or have no zeros, are left alone.
 * @returns The parameters that have become pruned, as pairs of layer and name.
 * @throws {@link PruneError} with nothing changed: `state` if a layer is disposed.
 * @example
 * ```ts
 * const model = await tf.loadLayersModel('indexeddb://pruned');
 * prune.restoreMasks(model);
 * ```
 */
export function restoreMasks(model: object, filter: ParameterFilter = {}): NamedParameter[] {
  const restored = parameters(model, filter).flatMap(([layer, name]) => {
    const parameter = resolvePrunable(layer, name);
    if (stateOf(parameter.variable) !== undefined) return [];
    const mask = maskOf(nonZeros(peek(parameter.variable)));
    if (mask.zeros === 0) return [];
    const method = customFromBytes(mask.bytes, parameter.layout);
    method.tensorName = parameter.name;
    const pair: NamedParameter = [layer, name];
    return [{ pair, installation: { parameter, mask, method } }];
  });
  installAll(restored.map(({ installation }) => installation));
  return restored.map(({ pair }) => pair);
}

function nonZeros(values: Float32Array): Uint8Array {
  const mask = new Uint8Array(values.length);
  for (let i = 0; i < mask.length; i++) mask[i] = Number(values[i] !== 0);
  return mask;
}
