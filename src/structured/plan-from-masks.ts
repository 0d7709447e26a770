import type * as tf from '@tensorflow/tfjs';
import { checkOptions } from '../core/options';
import { PruneError, shown } from '../errors';
import { draftOf } from '../topology/draft';
import { removedIn } from './choose-channels';
import { fingerprint, weightsByPath } from './constants/fingerprint';
import { weightAt, zerosAlong } from './constants/kernels';
import { type Reader, readersOf } from './constants/read';
import { once, type Reading, readingOf, shiftOf, type Verdict } from './constants/shifts';
import { dependencyGraph } from './dependency-graph';
import { checkAnyFree } from './free-channels';
import { type ChannelGraph, type ChannelGroup, countKept, type WeightAxis } from './graph';
import type { BiasShift, ChannelPlan, GroupPlan, KeptChannels } from './plan';
import { sealedChannels } from './plan-digest';
import { plannedMacs, weightUsesOf } from './weight-uses';

/** Settings of {@link planFromMasks}. */
export interface MaskPlanOptions {
  /**
   * Whether channels go that a convolution reads as a constant but for the borders, where it or a layer before pads: what
   * follows is then the same inside, and differs at the borders. False by default: they stay, and the plan says why.
   */
  readonly inexact?: boolean | undefined;
  /** The shape of each input without the batch axis, where the model leaves sizes open. */
  readonly inputShapes?: ReadonlyArray<readonly number[]> | undefined;
}

/** What reads a channel axis, with what it makes of it. */
interface Read {
  readonly axis: WeightAxis;
  readonly reading: Reading;
  /** How many of the outputs stay that are made of it. */
  readonly kept: number;
}

/**
 * Plans to remove the channels that pruning has left nothing of: those that `lnStructured` or `randomStructured` zeroed
 * along their outputs, and those that nothing reads any more, as after pruning inputs, or nothing but channels that go. Zeros
 * count, whoever made them.
 *
 * Without weights a channel is its bias, or what a batch normalisation or an activation makes of that: a constant. It is
 * followed through what comes after, place by place, and taken over by the bias of the layers that read it, which get one
 * where they have none; outputs stay the same to about 1e-5 in inference. A convolution that meets zeros around such a channel
 * has no bias for its borders: there it stays, and the plan says so, unless `inexact` is true. A constant of zero goes in any
 * case.
 *
 * @param model A built model; it stays as it is.
 * @param options Whether channels may go that are constant but for the borders.
 * @returns The plan, plain data for {@link applyPlan} and {@link explain}. It holds what biases take over, so it is for
 * these weights: plan anew when they have changed. Where no channel is a constant, it removes nothing.
 * @throws {@link PruneError} `argument` for what is no model or no such option, where no channel could go whatever the
 * masks, as in a model of a single layer, and where a bias would take over what is no finite number; `state` for a model that is not built or
 * disposed, or that no longer fits a model within; `shape` for one with open sizes, if `inputShapes` does not say them;
 * `unsupported` where tfjs cannot build a Sequential of its layers, and where a layer has the name that plans give one of a
 * model within.
 * @example
 * ```ts
 * prune.lnStructured(model.layer1[0].conv1, 'weight', 0.5, 2, 'out');
 * const { model: slim } = applyPlan(model, planFromMasks(model));
 * ```
 */
export function planFromMasks(model: tf.LayersModel, options: MaskPlanOptions = {}): ChannelPlan {
  draftOf(model, 'planFromMasks');
  checkOptions(options, ['inexact', 'inputShapes']);
  const { inexact = false, inputShapes } = options;
  if (typeof inexact !== 'boolean') {
    const allowed = 'true or false';
    throw new PruneError('argument', `inexact must be ${allowed}, but got ${shown(inexact)}.`, {
      given: inexact,
      allowed,
    });
  }
  const graph = dependencyGraph(model);
  checkAnyFree(
    model,
    graph,
    {},
    ' planChannels with inexact: true removes those that a normalisation or a softmax mixes.',
  );
  const readers = readersOf(model, inputShapes);
  // Only what is not exact is looked at a second time.
  const continued = once(() => readersOf(model, inputShapes, true));
  const { groups, isRemoved, reads } = settled(graph, readers, continued, inexact);
  const macs = plannedMacs(graph, isRemoved, weightUsesOf(model, inputShapes));
  const shifts = shiftsOf(reads, isRemoved, weightsByPath(model));
  const { topology } = graph;
  return sealedChannels({ kind: 'channels', version: 1, topology, macs, groups, shifts, latency: null });
}

interface Settled {
  readonly groups: readonly GroupPlan[];
  readonly isRemoved: Uint8Array;
  readonly reads: readonly Read[];
}

/** What goes makes more go: channels that nothing else reads. */
function settled(
  graph: ChannelGraph,
  readers: ReadonlyMap<string, Reader>,
  continued: () => ReadonlyMap<string, Reader>,
  inexact: boolean,
): Settled {
  const axes = graph.weights.filter(({ role, layer }) => role === 'in' && readers.has(layer));
  const outputsOf = ({ layer, weight }: WeightAxis): Int32Array | undefined =>
    graph.weights.find((each) => each.layer === layer && each.weight === weight && each.role === 'out')
      ?.channels;
  const zeroed = makersOfZeros(graph, readers);
  let isGone: Uint8Array = new Uint8Array(graph.size);
  let reads: readonly Read[] = [];
  for (;;) {
    reads = axes.map((axis, i): Read => {
      const outputChannels = outputsOf(axis);
      const kept = countKept(outputChannels ?? new Int32Array(), isGone);
      if (reads[i]?.kept === kept) return reads[i];
      const going = { outputChannels, isGone };
      const reading = readingOf(readers.get(axis.layer)!, axis, going, () => continued().get(axis.layer));
      return { axis, reading, kept };
    });
    const verdicts = verdictsOf(graph, reads);
    const groups = graph.groups.map((group) => planned(group, verdicts, zeroed, isGone, inexact));
    const isRemoved = removedIn(
      graph,
      groups.map(({ remove }) => [...remove]),
    );
    if (isRemoved.every((each, channel) => each === isGone[channel])) return { groups, isRemoved, reads };
    isGone = isRemoved;
  }
}

/** For each channel the worst that a layer says which reads it; undefined where none does. */
function verdictsOf({ size }: ChannelGraph, reads: readonly Read[]): Array<Verdict | undefined> {
  const verdicts = Array<Verdict | undefined>(size).fill(undefined);
  for (const { axis, reading } of reads) {
    axis.channels.forEach((channel, i) => {
      const known = verdicts[channel];
      const own = reading.verdicts[i]!;
      if (known === undefined || severity(own) > severity(known)) verdicts[channel] = own;
    });
  }
  return verdicts;
}

function severity(verdict: Verdict): number {
  if (verdict === 'exact') return 0;
  if ('varies' in verdict) return 3;
  return 'stays' in verdict ? 2 : 1;
}

/** By channel, a layer that makes it, all of whose kernels have zeros for it. */
function makersOfZeros({ weights }: ChannelGraph, readers: ReadonlyMap<string, Reader>): Map<number, string> {
  const made = new Map<number, Map<string, boolean>>();
  for (const { layer, weight, axis, role, channels } of weights) {
    const kernel = role === 'out' ? weightAt(readers.get(layer)?.layer ?? {}, weight) : undefined;
    if (kernel === undefined || kernel.shape.length < 2) continue;
    zerosAlong(kernel, axis).forEach((isZero, i) => {
      const makers = made.get(channels[i]!) ?? new Map<string, boolean>();
      made.set(channels[i]!, makers.set(layer, isZero === 1 && (makers.get(layer) ?? true)));
    });
  }
  return new Map(
    [...made].flatMap(([channel, makers]): Array<[number, string]> => {
      const maker = [...makers].find(([, isZeroed]) => isZeroed);
      return maker === undefined ? [] : [[channel, maker[0]]];
    }),
  );
}

function planned(
  { id, layers, channels, pinned, mixed }: ChannelGroup,
  verdicts: ReadonlyArray<Verdict | undefined>,
  zeroed: ReadonlyMap<number, string>,
  isGone: Uint8Array,
  inexact: boolean,
): GroupPlan {
  const pins = [...pinned, ...mixed].map(([reason, each]): KeptChannels => ({ channels: each, reason }));
  const staying = new Set([...pinned.values(), ...mixed.values()].flat());
  const remove: number[] = [];
  const kept = new Map<string, number[]>();
  const inexactly = new Map<string, number[]>();
  const keep = (reason: string, n: number): void => void kept.set(reason, [...(kept.get(reason) ?? []), n]);
  channels.forEach((channel, n) => {
    const verdict = verdicts[channel];
    if (staying.has(n) || verdict === undefined) return;
    const maker = zeroed.get(channel);
    if (verdict === 'exact') remove.push(n);
    else if ('varies' in verdict) {
      if (maker !== undefined) keep(`'${maker}' has zeros for them, but ${verdict.varies}`, n);
    } else if ('inexact' in verdict && inexact) {
      remove.push(n);
      inexactly.set(verdict.inexact, [...(inexactly.get(verdict.inexact) ?? []), n]);
    } else keep('stays' in verdict ? verdict.stays : verdict.inexact, n);
  });
  if (remove.length === channels.length) {
    // One that was to go before has let others go.
    const last = remove.filter((n) => isGone[channels[n]!] === 0).at(-1)!;
    remove.splice(remove.indexOf(last), 1);
    keep('all of them could go, but at least one stays', last);
  }
  const limits = [...inexactly].map(([why, all]) => `; not exact for channels ${all.join(', ')}: ${why}`);
  const reason = `what reads them finds a constant in them, has zeros for them, or goes too${limits.join('')}`;
  const why = [...kept].map(([each, all]): KeptChannels => ({ channels: all, reason: each }));
  return { id, layers, channels: channels.length, remove, reason, kept: [...pins, ...why] };
}

function shiftsOf(
  reads: readonly Read[],
  isRemoved: Uint8Array,
  weights: ReadonlyMap<string, tf.Variable>,
): BiasShift[] {
  const hashes = new Map<string, string>();
  const hashOf = (path: string): string => {
    const hash = hashes.get(path) ?? fingerprint(weights.get(path)!);
    hashes.set(path, hash);
    return hash;
  };
  return reads.flatMap(({ axis, reading }): BiasShift[] => {
    const values = shiftOf(reading, (i) => isRemoved[axis.channels[i]!] === 1);
    if (values === undefined) return [];
    const wrong = values.find((value) => !Number.isFinite(Math.fround(value)));
    if (wrong === undefined) {
      const from = [...reading.from].filter((path) => weights.has(path));
      const own = Object.fromEntries(from.map((path) => [path, hashOf(path)]));
      return [{ layer: axis.layer, bias: reading.bias, values, weights: own }];
    }
    const message = `The bias of '${axis.layer}' would take over ${wrong}: its weights, or those before it, are no finite numbers.`;
    throw new PruneError('argument', message, { given: wrong, allowed: 'finite weights' });
  });
}
