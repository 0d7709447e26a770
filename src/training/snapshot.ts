import * as tf from '@tensorflow/tfjs';
import { customFromBytes } from '../core/custom-from-mask';
import { maskOf } from '../core/mask';
import { checkOptions } from '../core/options';
import { describe, layersOf, parameterAt, type Slot, slotsOf } from '../core/parameter';
import { type Installation, installAll, originalValues, stateOf, uninstall } from '../core/reparametrisation';
import { PruneError } from '../errors';
import { refused } from './refusal';
import { checkSnapshot } from './snapshot-check';

/** The values of one weight. */
export interface WeightValues {
  /** Its layer and name, such as `conv1.weight`. */
  readonly name: string;
  /** Its shape in tfjs's layout. */
  readonly shape: readonly number[];
  /** Its values, row-major; of a pruned weight those before the mask too. Not to be changed. */
  readonly values: Float32Array | Int32Array | Uint8Array;
  /** 1 where an entry stays, in the same order; undefined where the weight was not pruned. Not to be changed. */
  readonly mask?: Uint8Array | undefined;
}

/** All weights of a model at one time, on the host. */
export interface WeightSnapshot {
  /** In the model's order; those of batch normalisation's statistics too. */
  readonly weights: readonly WeightValues[];
}

/** What to do with the masks. */
export interface RewindOptions {
  /** `'keep'`, the default: today's masks on yesterday's weights. `'snapshot'`: those of the snapshot, or none. */
  readonly masks?: 'keep' | 'snapshot' | undefined;
}

interface Place {
  readonly slot: Slot;
  readonly variable: tf.Variable;
  readonly name: string;
}

function placesOf(model: object): Place[] {
  const seen = new Set<tf.Variable>();
  return layersOf(model)
    .flatMap(slotsOf)
    .flatMap((slot) => {
      const { variable } = slot;
      if (variable === undefined || seen.has(variable)) return [];
      seen.add(variable);
      const layer: unknown = Reflect.get(slot.layer, 'name') ?? describe(slot.layer);
      return [{ slot, variable, name: `${String(layer)}.${slot.torch ?? slot.name}` }];
    });
}

/**
 * @param model A model or layer.
 * @returns All its variables, each once.
 */
export function variablesOf(model: object): tf.Variable[] {
  return placesOf(model).map(({ variable }) => variable);
}

/**
 * Copies all weights of a model, to come back to them later.
 *
 * @param model A built model or layer.
 * @returns The weights on the host: as many bytes as the model has. There is nothing to dispose.
 * @throws {@link PruneError} `argument` for what is no model, `state` if it has no weights yet.
 * @example
 * ```ts
 * const early = snapshot(model);
 * ```
 */
export function snapshot(model: object): WeightSnapshot {
  const places = placesOf(model);
  if (places.length === 0) throw new PruneError('state', 'The model has no weights: build it first.');
  const weights = places.map(({ variable, name }): WeightValues => {
    const state = stateOf(variable);
    const values =
      variable.dtype === 'float32' ? originalValues(variable).slice() : variable.dataSync<'int32'>().slice();
    const mask = state === undefined ? {} : { mask: state.mask.bytes.slice() };
    return { name, shape: [...variable.shape], values, ...mask };
  });
  return { weights };
}

/**
 * Gives a model the weights of a snapshot back and keeps what is pruned: the rewinding of the lottery ticket hypothesis.
 * What the masks displace is rewound too, so that `revert` gives the snapshot's weights.
 *
 * Source: Frankle and Carbin 2019, "The Lottery Ticket Hypothesis"; Frankle et al. 2020, "Linear Mode Connectivity and the
 * Lottery Ticket Hypothesis", for weights from early in training.
 *
 * @param model The model, or another of the same architecture.
 * @param snapshot What `snapshot` gave. The optimizer is not in it: compile anew if it is to begin anew.
 * @param options What to do with the masks.
 * @throws {@link PruneError} with nothing changed: `shape` if the weights are others, `argument` for what is no snapshot or
 *   options that are not allowed.
 * @example
 * ```ts
 * const initial = snapshot(model);
 * await model.fit(x, y);
 * prune.globalUnstructured(prune.parameters(model), prune.L1Unstructured, { amount: 0.8 });
 * rewind(model, initial); // the ticket
 * ```
 */
export function rewind(model: object, snapshot: WeightSnapshot, options: RewindOptions = {}): void {
  checkOptions(options, ['masks']);
  const { masks = 'keep' } = options;
  if (masks !== 'keep' && masks !== 'snapshot') {
    throw refused('masks', masks, "'keep' or 'snapshot'");
  }
  const places = checkFits(model, snapshot);
  const pairs = places.map((place, i) => ({ ...place, weight: snapshot.weights[i]! }));
  installAll(
    pairs.flatMap(({ slot, variable, weight }) => installation(slot, variable, weight, masks) ?? []),
  );
  for (const { variable, weight } of pairs) {
    if (stateOf(variable) === undefined) assign(variable, weight.values);
    else if (masks === 'snapshot' && weight.mask === undefined) uninstall(variable, floats(weight.values));
  }
}

/**
 * @param model A model.
 * @param snapshot What may be a snapshot of its weights.
 * @returns Where the weights go.
 * @throws {@link PruneError} as `rewind` does.
 */
export function checkFits(model: object, snapshot: WeightSnapshot): Place[] {
  checkSnapshot(snapshot);
  const places = placesOf(model);
  checkSame(places, snapshot.weights);
  return places;
}

/** A weight that has a mask to be written under; undefined for one that has not. */
function installation(
  slot: Slot,
  variable: tf.Variable,
  weight: WeightValues,
  masks: 'keep' | 'snapshot',
): Installation | undefined {
  const state = stateOf(variable);
  const parameter = parameterAt(slot, variable, slot.torch === undefined ? 'tfjs' : 'torch');
  const replacement = floats(weight.values);
  const isSame = state !== undefined && isEqual(state.mask.bytes, weight.mask);
  if (masks === 'keep' || isSame) {
    return state && { parameter, mask: state.mask, method: state.method, replacement };
  }
  if (weight.mask === undefined) return undefined;
  const mask = maskOf(weight.mask.slice());
  const method = customFromBytes(mask.bytes, parameter.layout);
  method.tensorName = parameter.name;
  return { parameter, mask, method, replacement };
}

function isEqual(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && a.length === b.length && a.every((value, i) => value === b[i]);
}

/** Only float32 weights are pruned, so these are floats already. */
function floats(values: WeightValues['values']): Float32Array {
  return values instanceof Float32Array ? values : new Float32Array(values);
}

function assign(variable: tf.Variable, values: WeightValues['values']): void {
  tf.tidy(() => variable.assign(tf.tensor(values.slice(), variable.shape, variable.dtype)));
}

function checkSame(places: readonly Place[], weights: readonly WeightValues[]): void {
  if (places.length !== weights.length) {
    const message = `The snapshot has ${weights.length} weights, but the model has ${places.length}.`;
    throw new PruneError('shape', message, { given: weights.length, allowed: `${places.length} weights` });
  }
  for (const [i, { name, variable }] of places.entries()) {
    const weight = weights[i]!;
    if (tf.util.arraysEqual([...weight.shape], variable.shape) && weight.values.length === variable.size)
      continue;
    const message = `'${name}' has the shape [${variable.shape}], but the snapshot's '${weight.name}' has [${weight.shape}].`;
    throw new PruneError('shape', message, { given: weight.shape, allowed: `[${variable.shape}]` });
  }
}
