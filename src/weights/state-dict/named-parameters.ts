import { isModel, layersOf, type Parameter, parameterAt, slotsOf } from '../../core/parameter';
import { PruneError } from '../../errors';

/** What a state dict calls the count of training steps of a batch normalisation, which tfjs does not keep. */
const BATCHES = 'num_batches_tracked';

/** A parameter and what torch's state dict would call it. */
export interface NamedParameter {
  readonly name: string;
  readonly parameter: Parameter;
}

/**
 * The weights of a model under torch's names: the layer's name, a dot, and torch's name of the parameter (tfjs's where
 * torch has none). Those of a single layer go without the layer's name.
 *
 * @param target A model or a layer.
 * @returns Parameters in torch's layouts, in the model's order.
 * @throws {@link PruneError} `state` for a layer that has been disposed, `argument` for two weights of one name.
 */
export function namedParameters(target: object): NamedParameter[] {
  const found: NamedParameter[] = [];
  const names = new Set<string>();
  for (const layer of layersOf(target)) {
    for (const slot of slotsOf(layer)) {
      if (slot.variable === undefined) continue;
      const name = prefixOf(layer, target) + (slot.torch ?? slot.name);
      if (slot.variable.isDisposed)
        throw new PruneError('state', `'${name}' has been disposed.`, { given: name });
      if (names.has(name)) {
        const message = `Two weights of the model are called '${name}'. Give its layers names that differ.`;
        throw new PruneError('argument', message, { given: name });
      }
      names.add(name);
      found.push({ name, parameter: parameterAt(slot, slot.variable, 'torch') });
    }
  }
  return found;
}

/**
 * The entries of torch's batch normalisations that count training steps.
 *
 * @param target A model or a layer.
 * @returns Their names.
 */
export function batchCounters(target: object): string[] {
  const normalisations = layersOf(target).filter((layer) =>
    slotsOf(layer).some(({ torch, variable }) => torch === 'running_mean' && variable !== undefined),
  );
  return normalisations.map((layer) => prefixOf(layer, target) + BATCHES);
}

function prefixOf(layer: object, target: object): string {
  return isModel(target) ? `${String(Reflect.get(layer, 'name'))}.` : '';
}
