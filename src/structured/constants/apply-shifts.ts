/** Adds to biases what they take over of constant channels that are gone. */
import * as tf from '@tensorflow/tfjs';
import { customFromBytes } from '../../core/custom-from-mask';
import { maskOf } from '../../core/mask';
import { peek } from '../../core/memory';
import { describe, slotsOf } from '../../core/parameter';
import { originalValues, stateOf, uninstall } from '../../core/reparametrisation';
import { PruneError } from '../../errors';
import { rowMajor } from '../../masks/layout';
import { type Built, installCopy, isBuilt } from '../../topology/copy-weights';
import type { ChannelGraph, WeightAxis } from '../graph';
import type { BiasShift, ChannelPlan } from '../plan';

/** What is added to one bias of a layer. */
interface Shift {
  readonly values: readonly number[];
  /** The channel that each value is for, by its number in the graph. */
  readonly channels: Int32Array;
}

/** What is added to the biases of a layer, by tfjs's names of them. */
export type LayerShifts = ReadonlyMap<string, Shift>;

/**
 * @param plan A plan, its form checked.
 * @param graph The channels of the model that it is for.
 * @returns By the path of each layer what its biases take over.
 * @throws {@link PruneError} `argument` where the model has no such layer with as many channels.
 */
export function shiftsIn(
  { shifts }: Pick<ChannelPlan, 'shifts'>,
  graph: ChannelGraph,
): Map<string, LayerShifts> {
  const layers = new Map<string, Map<string, Shift>>();
  for (const shift of shifts) {
    const made = madeBeside(shift, graph);
    if (made?.channels.length !== shift.values.length) {
      const message = `The plan shifts '${shift.bias}' of '${shift.layer}' by ${shift.values.length} numbers, but the model has no such layer with as many output channels.`;
      throw new PruneError('argument', message, { given: shift.layer });
    }
    const own = layers.get(shift.layer) ?? new Map<string, Shift>();
    layers.set(shift.layer, own.set(shift.bias, { values: shift.values, channels: made.channels }));
  }
  return layers;
}

/** The kernel whose product a bias is added to, which may have none yet. */
function madeBeside({ layer, bias }: BiasShift, { weights }: ChannelGraph): WeightAxis | undefined {
  if (!/^(?:.*\.)?bias$/.test(bias)) return undefined;
  const prefix = bias.slice(0, -'bias'.length);
  const kernels = ['kernel', 'pointwiseKernel'].map((name) => prefix + name);
  return weights.find((each) => each.layer === layer && each.role === 'out' && kernels.includes(each.weight));
}

/**
 * @param path The path of a layer.
 * @param graph The channels of its model.
 * @returns Where its configuration says whether it has a bias: beside the number of its channels.
 */
export function biasOption(path: string, { options }: ChannelGraph): ReadonlyArray<string | number> {
  const size = options.find(
    ({ layer, option }) => layer === path && ['units', 'filters'].includes(`${option.at(-1)}`),
  );
  return [...(size?.option.slice(0, -1) ?? []), 'useBias'];
}

/**
 * Shifts the biases of a layer that was just built and filled.
 *
 * @param original The layer that it was made from.
 * @param target The layer.
 * @param shifts What its biases take over.
 * @param isRemoved For each number of a channel 1 where it goes.
 */
export function shiftBiases(
  original: object,
  target: object,
  shifts: LayerShifts,
  isRemoved: Uint8Array,
): void {
  const sources = new Map(slotsOf(original).map((slot) => [slot.name, slot]));
  const biases = slotsOf(target)
    .filter(isBuilt)
    .filter(({ name }) => /(^|\.)bias$/.test(name));
  for (const name of shifts.keys()) {
    if (biases.some((slot) => slot.name === name)) continue;
    const message = `${describe(target)} has no '${name}' for what it has to take over.`;
    throw new PruneError('unsupported', message, { given: target });
  }
  for (const bias of biases) {
    const isNew = sources.get(bias.name)?.variable === undefined;
    const shift = shifts.get(bias.name);
    const values = shift?.values.filter((_, i) => isRemoved[shift.channels[i]!] === 0);
    if (isNew) assign(bias, Float32Array.from(values ?? Array(bias.variable.size).fill(0)));
    else if (values !== undefined) add(bias, values);
  }
}

function assign({ variable }: Built, values: Float32Array): void {
  tf.tidy(() => variable.assign(tf.tensor1d(values)));
}

/** What a mask hides is no part of the model: an entry that takes something over holds that alone, and is pruned no longer. */
function add(bias: Built, values: readonly number[]): void {
  const { variable } = bias;
  const state = stateOf(variable);
  if (state === undefined) {
    const had = peek(variable);
    assign(
      bias,
      Float32Array.from(values, (value, i) => had[i]! + value),
    );
    return;
  }
  const { bytes } = state.mask;
  const originals = originalValues(variable);
  const shifted = Float32Array.from(values, (value, i) =>
    value !== 0 && bytes[i] === 0 ? value : originals[i]! + value,
  );
  const mask = maskOf(Uint8Array.from(bytes, (bit, i) => (values[i] === 0 ? bit : 1)));
  uninstall(variable);
  if (mask.zeros === 0) assign(bias, shifted);
  else {
    const isSame = mask.zeros === state.mask.zeros;
    const method = isSame ? state.method : customFromBytes(mask.bytes, rowMajor(variable.shape));
    installCopy(bias, mask, method, shifted);
  }
}
