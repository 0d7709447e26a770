import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { dependencyGraph } from '../../../src/structured/dependency-graph';
import type { ChannelGraph } from '../../../src/structured/graph';
import { ladderOf, worthOf } from '../../../src/structured/latency/ladders';
import { timedCalls } from '../../../src/structured/latency/layer-times';
import { pricedFamily } from '../../../src/structured/latency/priced-family';
import { type CallTime, stageAt, stagesOf } from '../../../src/structured/latency/prices';
import { useBackend } from '../../support/backend';
import { call, type Symbolic } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

type Candidates = Parameters<typeof ladderOf>[0];

/** A group of channels that some layers make, the first of which are the least important. */
function candidates(channels: number, scores: number[], most = channels - 1, layers = ['a']): Candidates {
  const numbers = Int32Array.from({ length: channels }, (_, n) => n);
  const group = { id: 'a', layers, channels: numbers, pinned: new Map(), mixed: new Map() };
  return { group, order: [...scores.keys()], scores, most, share: undefined, kept: [] };
}

const plain = { isGlobal: false, roundTo: 1 };

describe('the rungs of a group', () => {
  const even = Array<number>(16).fill(1);

  it('are eighths of its channels, up to all that may go', () => {
    expect(ladderOf(candidates(16, even), plain).counts).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 15]);
    expect(ladderOf(candidates(16, even, 5), plain).counts).toEqual([0, 2, 4, 5]);
    expect(ladderOf(candidates(3, [1, 1, 1]), plain).counts).toEqual([0, 1, 2]);
    expect(ladderOf(candidates(4, [], 0), plain).counts).toEqual([0]);
  });

  it('leave multiples of roundTo', () => {
    expect(ladderOf(candidates(16, even), { ...plain, roundTo: 4 }).counts).toEqual([0, 4, 8, 12]);
    expect(ladderOf(candidates(16, even, 9), { ...plain, roundTo: 4 }).counts).toEqual([0, 4, 8]);
  });

  it('lose minus the logarithm of the share of importance that is left, for each layer that makes them', () => {
    const { counts, lost } = ladderOf(candidates(4, [1, 2, 3, 4], 3, ['a', 'b']), plain);
    expect(counts).toEqual([0, 1, 2, 3]);
    expect(lost).toBeAllClose([1, 0.9, 0.7, 0.4].map((share) => -2 * Math.log(share)));
  });

  it('take scores from the least where some are negative, and count channels where all are alike', () => {
    const negative = ladderOf(candidates(3, [-2, 0, 2]), plain);
    expect(negative.lost).toBeAllClose([1, 1, 4 / 6].map((share) => -Math.log(share)));
    const zeros = ladderOf(candidates(4, [0, 0, 0, 0]), plain);
    expect(zeros.lost).toBeAllClose([1, 3 / 4, 2 / 4, 1 / 4].map((share) => -Math.log(share)));
  });

  it('are finite where all go, since others stay', () => {
    const { counts, lost } = ladderOf(candidates(6, [1, 1, 1, 1], 4), plain);
    expect(counts).toEqual([0, 1, 2, 3, 4]);
    expect(lost).toBeAllClose([1, 3 / 4, 2 / 4, 1 / 4, 1 / 8].map((share) => -Math.log(share)));
  });
});

describe('what is kept', () => {
  it('is the geometric mean of shares of importance, over layers whose channels may go', () => {
    const one = candidates(4, [1, 1, 1, 1]);
    const two = candidates(4, [1, 2, 3, 4], 3, ['b', 'c']);
    const fixed = candidates(4, [], 0, ['d', 'e', 'f']);
    const all = [one, two, fixed];
    expect(worthOf(all, [[0], [0, 1], []])).toBeCloseTo((0.75 * 0.7 ** 2) ** (1 / 3), 12);
    expect(worthOf(all, [[], [], []])).toBe(1);
    expect(worthOf([fixed], [[]])).toBe(1);
  });
});

describe('from stage to stage', () => {
  const ladder = { counts: [0, 1, 2], lost: [0, 1, 2] };
  const times = (...left: number[]): CallTime => ({ whole: 8, left: new Map([[0, left]]) });

  it('nothing is climbed to that takes longer', () => {
    expect(stagesOf([ladder], [times(1, 1.5, 0.5)]).map(({ rungs }) => rungs)).toEqual([[0], [2]]);
    expect(stagesOf([ladder], [times(1, 1.5, 2)]).map(({ rungs }) => rungs)).toEqual([[0]]);
    expect(stagesOf([ladder], [times(1, 1, 1)]).map(({ rungs }) => rungs)).toEqual([[0]]);
  });

  it('the first of groups that cost the same climbs first', () => {
    const both = [0, 1].map((group): CallTime => ({ whole: 8, left: new Map([[group, [1, 0.5]]]) }));
    const short = { counts: [0, 1], lost: [0, 1] };
    const stages = stagesOf([short, short], both);
    expect(stages.map(({ rungs }) => rungs)).toEqual([
      [0, 0],
      [1, 0],
      [1, 1],
    ]);
    expect(stageAt(stages, 0.5).rungs).toEqual([1, 0]);
  });
});

/** Times of layers that a function makes up, from their class, the shapes of their inputs and their options. */
class MadeUp extends Map<string, number> {
  readonly asked: string[] = [];
  readonly #time: (className: string, key: string) => number;
  constructor(time: (className: string, key: string) => number) {
    super();
    this.#time = time;
  }
  override get(key: string): number {
    this.asked.push(key);
    return this.#time(key.split(' ')[1]!, key);
  }
}

/** What a key says of a number of units or filters. */
const unitsIn = (key: string): number => Number(/\["(?:units|filters)",(\d+)\]/.exec(key)?.[1]);

/** All channels that may go, in the order of their places in a group, or the other way round. */
function freeIn({ groups }: ChannelGraph, isTurned = false): Candidates[] {
  return groups.map((group) => {
    const size = group.channels.length;
    const order =
      group.pinned.size > 0 ? [] : Array.from({ length: size }, (_, n) => (isTurned ? size - 1 - n : n));
    return {
      ...{ group, order, scores: order.map(() => 1), share: undefined, kept: [] },
      most: Math.max(0, order.length - 1),
    };
  });
}

/** How many channels of each group go for some shares of what can be saved. */
async function counts(
  model: tf.LayersModel,
  time: (className: string, key: string) => number,
  shares: readonly number[],
): Promise<Array<Record<string, number>>> {
  const graph = dependencyGraph(model);
  const all = freeIn(graph);
  const calls = timedCalls(model, graph, undefined);
  const family = await pricedFamily({ graph, all, calls, table: new MadeUp(time), choice: plain });
  return shares.map((share) =>
    Object.fromEntries(family(share).map((removed, i) => [graph.groups[i]!.id, removed.length])),
  );
}

describe('the way by prices through a model', () => {
  const dense = (units: number, name: string): tf.layers.Layer => tf.layers.dense({ units, name });
  const input = (...shape: number[]): Symbolic => tf.input({ shape });

  function chain(): tf.LayersModel {
    const x = input(20);
    const outputs = call(dense(30, 'out'), call(dense(8, 'b'), call(dense(8, 'a'), x)));
    return tf.model({ inputs: x, outputs });
  }

  it('takes the least important channels of a group', async () => {
    const model = chain();
    const graph = dependencyGraph(model);
    const calls = timedCalls(model, graph, undefined);
    const table = new MadeUp((_, key) => unitsIn(key));
    // Both groups save as much for as little, so they take turns: 4 and 3 of the 14 units that can go.
    const options = { graph, calls, table, choice: plain };
    const family = await pricedFamily({ ...options, all: freeIn(graph, true) });
    expect(family(0.5)).toEqual([[4, 5, 6, 7], [5, 6, 7], []]);
    const straight = await pricedFamily({ ...options, all: freeIn(graph) });
    expect(straight(0.5)).toEqual([[0, 1, 2, 3], [0, 1, 2], []]);
    expect(table.size).toBeGreaterThan(0);
    expect(family(0)).toEqual([[], [], []]);
  });

  it('sees what a layer costs that reads no channels, by what it makes', async () => {
    const first = (className: string, key: string): number =>
      className === 'Dense' && key.includes(' 1×20 ') ? unitsIn(key) : 1;
    const [half, all] = await counts(chain(), first, [0.5, 1]);
    expect(half).toEqual({ a: 4, b: 0, out: 0 });
    // With all that can be saved goes also what saves nothing.
    expect(all).toEqual({ a: 7, b: 7, out: 0 });
  });

  it('takes what is too quick to be measured for something that can save no more', async () => {
    // a takes none from 4 units on; b takes as long as it has units.
    const time = (_: string, key: string): number => {
      if (key.includes(' 1×20 ')) return unitsIn(key) > 4 ? 1 : 0;
      return unitsIn(key) === 30 ? 0 : unitsIn(key);
    };
    const [none, all] = await counts(chain(), time, [0, 0.999]);
    expect(none).toEqual({ a: 0, b: 0, out: 0 });
    expect(all).toEqual({ a: 4, b: 7, out: 0 });
  });

  it('goes on where another layer still saves', async () => {
    // a takes none from 4 units on; b takes as long as it reads units of a.
    const time = (_: string, key: string): number => {
      if (key.includes(' 1×20 ')) return unitsIn(key) > 4 ? 1 : 0;
      return unitsIn(key) === 30 ? 0 : Number(/ 1×(\d+) /.exec(key)![1]);
    };
    expect((await counts(chain(), time, [0.999]))[0]).toEqual({ a: 7, b: 0, out: 0 });
  });

  it('counts a layer as often as it runs', async () => {
    const within = tf.sequential({
      name: 'within',
      layers: [tf.layers.dense({ units: 8, inputShape: [4], name: 'often' }), dense(30, 'narrow')],
    });
    const x = input(10, 4);
    const steps = call(tf.layers.timeDistributed({ layer: within, name: 'steps' }), x);
    const once = call(dense(8, 'once'), call(tf.layers.flatten(), steps));
    const model = tf.model({ inputs: x, outputs: call(dense(30, 'out'), once) });
    // A unit of each saves as much in one run.
    const time = (_: string, key: string): number =>
      unitsIn(key) === 30 || !unitsIn(key) ? 0 : unitsIn(key);
    const [some] = await counts(model, time, [0.5]);
    expect(some).toMatchObject({ once: 0 });
    expect(some!['steps/often']).toBeGreaterThan(3);
  });

  it('leaves out what nothing makes', async () => {
    const x = input(3);
    const both = call(tf.layers.concatenate(), [x, call(dense(8, 'a'), x)]);
    const model = tf.model({ inputs: x, outputs: call(dense(2, 'out'), both) });
    const [half] = await counts(model, (_, key) => unitsIn(key) || 0, [0.5]);
    expect(half).toEqual({ a: 4, out: 0 });
  });
});
