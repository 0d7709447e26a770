import type * as tf from '@tensorflow/tfjs';
import { peek, sumSquares } from '../../core/memory';
import { rowMajor } from '../../masks/layout';
import { sliceNorms } from '../../masks/norms';
import type { ChannelGraph } from '../graph';
import { type ByChannel, type KnownByChannel, slotsByPath } from './spread';

/** A norm, and how the norms of parts become that of the whole. */
interface Norm {
  readonly order: number;
  readonly add: (total: number, part: number) => number;
  readonly finish: (total: number) => number;
}

const NORMS: Readonly<Record<'l1' | 'l2' | 'linf', Norm>> = {
  l1: { order: 1, add: (total, part) => total + part, finish: (total) => total },
  l2: { order: 2, add: (total, part) => total + part * part, finish: Math.sqrt },
  linf: { order: Infinity, add: Math.max, finish: (total) => total },
};

/** The norm of all entries of kernels that go with each channel. */
export function magnitudes(
  model: tf.LayersModel,
  graph: ChannelGraph,
  name: 'l1' | 'l2' | 'linf',
): ByChannel {
  const { order, add, finish } = NORMS[name];
  const totals = new Float64Array(graph.size);
  const slots = slotsByPath(model);
  for (const { layer, weight, axis, channels } of graph.weights) {
    const slot = slots.get(`${layer}:${weight}`);
    if (slot?.variable === undefined || slot.role !== 'kernel') continue;
    const norms = sliceNorms(peek(slot.variable), rowMajor(slot.variable.shape), axis, order, sumSquares);
    for (let i = 0; i < norms.length; i++) {
      const channel = channels[i]!;
      totals[channel] = add(totals[channel]!, norms[i]!);
    }
  }
  return totals.map(finish);
}

/** The sum of |γ| over the batch and layer normalisations of each channel that has one. */
export function bnScales(model: tf.LayersModel, graph: ChannelGraph): KnownByChannel {
  const values = new Float64Array(graph.size);
  const isKnown = new Uint8Array(graph.size);
  const slots = slotsByPath(model);
  for (const { layer, weight, channels } of graph.weights) {
    const slot = slots.get(`${layer}:${weight}`);
    if (slot?.variable === undefined || slot.property !== 'gamma') continue;
    const scales = peek(slot.variable);
    for (let i = 0; i < scales.length; i++) {
      values[channels[i]!]! += Math.abs(scales[i]!);
      isKnown[channels[i]!] = 1;
    }
  }
  return { values, isKnown };
}
