import { isModel, layersOf, type Parameter, parameterAt, slotsOf } from '../../core/parameter';
import { PruneError, shown } from '../../errors';

/** What a state dict calls the count of training steps of a batch normalisation, which tfjs does not keep. */
const BATCHES = 'num_batches_tracked';

/**
 * What a state dict calls a parameter, by what the model calls it: both without `_orig` or `_mask`, which are put behind what
 * this returns.
 */
export type StateDictKeys = (name: string) => string;

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
 * @param keys Other names for them.
 * @returns Parameters in torch's layouts, in the model's order.
 * @throws {@link PruneError} `state` for a layer that has been disposed, `argument` for two weights of one name, or a name
 * that is no text.
 */
export function namedParameters(target: object, keys?: StateDictKeys): NamedParameter[] {
  const found: NamedParameter[] = [];
  const names = new Set<string>();
  for (const layer of layersOf(target)) {
    for (const slot of slotsOf(layer)) {
      if (slot.variable === undefined) continue;
      const name = keyOf(prefixOf(layer, target) + (slot.torch ?? slot.name), keys);
      if (slot.variable.isDisposed)
        throw new PruneError('state', `'${name}' has been disposed.`, { given: name });
      if (names.has(name)) {
        const remedy = keys === undefined ? 'Give its layers names' : 'Let `keys` return names';
        const message = `Two weights of the model are called '${name}'. ${remedy} that differ.`;
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
 * @param keys Other names for them.
 * @returns Their names.
 * @throws {@link PruneError} `argument` for a name that is no text.
 */
export function batchCounters(target: object, keys?: StateDictKeys): string[] {
  const normalisations = layersOf(target).filter((layer) =>
    slotsOf(layer).some(({ torch, variable }) => torch === 'running_mean' && variable !== undefined),
  );
  return normalisations.map((layer) => keyOf(prefixOf(layer, target) + BATCHES, keys));
}

function keyOf(name: string, keys: StateDictKeys | undefined): string {
  if (keys === undefined) return name;
  const key: unknown = keys(name);
  if (typeof key === 'string') return key;
  const message = `\`keys\` must return a name, but for '${name}' it returned ${shown(key)}.`;
  throw new PruneError('argument', message, { given: key, allowed: 'a string' });
}

/**
 * Checks the option of that name.
 *
 * @param options What the user gave as options.
 * @throws {@link PruneError} `argument` if there is one and it is no function.
 */
export function checkKeys(options: object): void {
  const keys: unknown = Reflect.get(options, 'keys');
  if (keys === undefined || typeof keys === 'function') return;
  const allowed = "a function from the model's name to the state dict's: (name) => table[name] ?? name";
  throw new PruneError('argument', `\`keys\` must be ${allowed}, but got ${shown(keys)}.`, {
    given: keys,
    allowed,
  });
}

function prefixOf(layer: object, target: object): string {
  return isModel(target) ? `${String(Reflect.get(layer, 'name'))}.` : '';
}
