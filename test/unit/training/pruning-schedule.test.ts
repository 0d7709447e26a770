import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { cosineSchedule, PruningSchedule, type PruningScheduleOptions } from 'tfjs-prune/training';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { useBackend } from '../../support/backend';
import { built, flat, zeros } from '../../support/layers';
import { expectNoLeak } from '../../support/memory';
import { smallModel } from './small-model';

beforeAll(() => useBackend('cpu'));
afterEach(() => void prune.manualSeed(67280421310721));

const dense = (units: number, inputs: number): tf.layers.Layer => built(tf.layers.dense({ units }), [inputs]);
const conv = (): tf.layers.Layer => built(tf.layers.conv2d({ filters: 8, kernelSize: 3 }), [6, 6, 4]);
/** A schedule that gives what it is asked for: step n is n per mille. */
const perMille = (step: number): number => step / 1000;

function scheduleOf(
  layers: readonly tf.layers.Layer[],
  options: Partial<PruningScheduleOptions> = {},
): PruningSchedule {
  const parameters = layers.map((layer): prune.NamedParameter => [layer, 'weight']);
  return new PruningSchedule(parameters, { schedule: perMille, ...options });
}

describe('PruningSchedule', () => {
  test('prunes the smallest weights, the same ones as one pruning would', () => {
    const [gradual, atOnce] = [dense(10, 10), dense(10, 10)];
    const schedule = scheduleOf([gradual]);
    for (const step of [100, 250, 300, 731]) schedule.step(step);
    prune.l1Unstructured(atOnce, 'weight', 73);
    expect(flat(gradual, 'weight_mask')).toEqual(flat(atOnce, 'weight_mask'));
    expect(flat(gradual, 'weight_orig')).toEqual(flat(atOnce, 'weight_orig'));
  });

  test('comes to the sparsity to one entry in every parameter, half to even', () => {
    const layers = [dense(5, 5), dense(7, 3)];
    const schedule = scheduleOf(layers);
    for (const step of [20, 21, 100, 101, 500]) {
      const { sparsity } = schedule.step(step);
      // 0.02 · 25 = 0.5 rounds to 0, 0.1 · 25 = 2.5 to 2, 0.5 · 25 = 12.5 to 12, 0.5 · 21 = 10.5 to 10
      const expected = { 20: [0, 0], 21: [1, 0], 100: [2, 2], 101: [3, 2], 500: [12, 10] }[step]!;
      expect(layers.map((layer) => zeros(layer, 'weight'))).toEqual(expected);
      expect(sparsity).toBe((expected[0]! + expected[1]!) / 46);
    }
  });

  test('globally: to one entry of all together, ranked together', () => {
    const layers = [dense(5, 5), dense(7, 3)];
    const others = [dense(5, 5), dense(7, 3)];
    const schedule = scheduleOf(layers, { scope: 'global' });
    for (const step of [33, 200, 599]) expect(schedule.step(step).zeros).toBe(Math.round(0.046 * step));
    const pairs = others.map((layer): prune.NamedParameter => [layer, 'weight']);
    prune.globalUnstructured(pairs, prune.L1Unstructured, { amount: Math.round(0.046 * 599) });
    for (const [i, layer] of layers.entries()) {
      expect(flat(layer, 'weight_mask')).toEqual(flat(others[i]!, 'weight_mask'));
    }
  });

  test('structured: whole channels, as many as the schedule says of them', () => {
    const layer = conv();
    const schedule = scheduleOf([layer], { method: (amount) => new prune.LnStructured(amount, 2, 'out') });
    const counts = [130, 400, 400, 875].map((step) => schedule.step(step).zeros / 36);
    expect(counts).toEqual([1, 3, 3, 7]);
    const other = conv();
    prune.lnStructured(other, 'weight', 7, 2, 'out');
    expect(flat(layer, 'weight_mask')).toEqual(flat(other, 'weight_mask'));
  });

  test('random channels too, by a class whose default dim is the last', () => {
    const layer = conv(); // OIHW: the last axis is the width, 3
    const schedule = scheduleOf([layer], { method: prune.RandomStructured });
    expect([300, 700].map((step) => schedule.step(step).zeros)).toEqual([96, 192]);
  });

  test.each(['local', 'global'] as const)('blocks, %s: as many as the schedule says of them', (scope) => {
    const layers = [conv(), conv()];
    const schedule = scheduleOf(layers, {
      scope,
      method: (amount) => new prune.BlockStructured(amount, { size: 3 }),
    });
    // 8 output channels make three blocks (3, 3 and 2 channels) at each of 36 taps of two layers.
    const blocksLeft = (): number =>
      layers
        .flatMap((layer) => {
          const mask = flat(layer, 'weight_mask');
          return Array.from({ length: 3 * 36 }, (_, i) => {
            const [block, tap] = [Math.floor(i / 36), i % 36];
            const channels = [0, 1, 2].map((c) => block * 3 + c).filter((c) => c < 8);
            return channels.some((c) => mask[c * 36 + tap] === 1) ? 1 : 0;
          });
        })
        .reduce<number>((sum, one) => sum + one, 0);
    for (const step of [250, 500, 750]) {
      schedule.step(step);
      expect(blocksLeft()).toBe(216 - 0.216 * step);
    }
  });

  test('N:M: ever fewer of each group, never none', () => {
    const layer = dense(6, 8);
    const schedule = scheduleOf([layer], { method: { m: 4 } });
    const left = [100, 250, 500, 990].map((step) => 1 - schedule.step(step).sparsity);
    expect(left).toEqual([1, 0.75, 0.5, 0.25]);
  });

  test('a method of the user’s own', () => {
    class Largest extends prune.BasePruningMethod {
      override readonly pruningType = 'unstructured';
      readonly count: number;
      constructor(amount: prune.Amount) {
        super();
        this.count = (amount as { count: number }).count; // a schedule always gives a count
      }
      override computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
        const order = [...t.abs().dataSync().entries()].sort((a, b) => b[1] - a[1]);
        const mask = [...defaultMask.dataSync()];
        for (const [i] of order.slice(0, this.count)) mask[i] = 0;
        return tf.tensor(mask, t.shape);
      }
    }
    const layer = dense(5, 4);
    const before = flat(layer, 'weight').map(Math.abs);
    const schedule = scheduleOf([layer], { method: Largest });
    for (const step of [200, 450]) schedule.step(step);
    const largest = before
      .slice()
      .sort((a, b) => b - a)
      .slice(0, 9);
    const pruned = before.filter((_, i) => flat(layer, 'weight')[i] === 0);
    expect(pruned.sort((a, b) => b - a)).toEqual(largest);
  });

  test.each(['local', 'global'] as const)(
    '%s: ranks by scores where there are some, made anew each time',
    (scope) => {
      const layer = dense(5, 4);
      let times = 0;
      const importanceScores = (): prune.ScoresByLayer => {
        times++;
        // Those in front are worth least.
        return new Map([[layer, { weight: tf.range(0, 20).reshape([5, 4]) }]]);
      };
      const schedule = scheduleOf([layer], { scope, importanceScores });
      expectNoLeak(() => void [0, 250, 500].map((step) => schedule.step(step)));
      expect(flat(layer, 'weight_mask')).toEqual(Array.from({ length: 20 }, (_, i) => Number(i >= 10)));
      expect(times).toBe(2);
    },
  );

  test('counts what is pruned already, and prunes nothing where that is more', () => {
    const layer = dense(10, 10);
    prune.randomUnstructured(layer, 'weight', 0.5);
    const mask = flat(layer, 'weight_mask');
    const schedule = scheduleOf([layer]);
    expect(schedule.step(400).zeros).toBe(50);
    expect(flat(layer, 'weight_mask')).toEqual(mask);
    expect(schedule.step(600).zeros).toBe(60);
    expect(flat(layer, 'weight_mask').every((kept, i) => kept <= mask[i]!)).toBe(true);
  });

  test('is one pruning in the history, whatever the number of steps, on top of others', () => {
    const layer = dense(10, 10);
    prune.randomUnstructured(layer, 'weight', 0.1);
    const schedule = scheduleOf([layer]);
    for (const step of [200, 300, 400]) schedule.step(step);
    prune.lnStructured(layer, 'weight', 1, 2, 0);
    for (const step of [800, 900]) schedule.step(step);
    const history = prune.methodOf(layer, 'weight');
    const names =
      history instanceof prune.PruningContainer ? [...history].map((each) => each.constructor.name) : [];
    expect(names).toEqual(['RandomUnstructured', 'L1Unstructured', 'LnStructured', 'L1Unstructured']);
    prune.revert(layer, 'weight');
    expect(zeros(layer, 'weight')).toBe(0);
  });

  test('goes on from a saved state with the masks that an unbroken run has, at random too', () => {
    const steps = [100, 200, 300, 400];
    prune.manualSeed(3);
    const unbroken = dense(10, 10);
    const whole = scheduleOf([unbroken], { method: prune.RandomUnstructured });
    for (const step of steps) whole.step(step);

    prune.manualSeed(3);
    const broken = dense(10, 10);
    const first = scheduleOf([broken], { method: prune.RandomUnstructured });
    for (const step of steps.slice(0, 2)) first.step(step);
    const saved = JSON.stringify(first.state());
    prune.manualSeed(99);
    const second = scheduleOf([broken], { method: prune.RandomUnstructured });
    second.restore(JSON.parse(saved));
    expect(second.state().step).toBe(200);
    for (const step of steps.slice(2)) second.step(step);
    expect(flat(broken, 'weight_mask')).toEqual(flat(unbroken, 'weight_mask'));
  });

  test('reads no weights where a step asks for what is there', () => {
    const layer = dense(10, 10);
    const schedule = scheduleOf([layer]);
    schedule.step(400);
    const reads = vi.spyOn(tf.Tensor.prototype, 'dataSync');
    try {
      for (const step of [400, 300, 400]) expect(schedule.step(step).zeros).toBe(40);
      expect(reads).not.toHaveBeenCalled();
      schedule.step(500);
      expect(reads).toHaveBeenCalled();
    } finally {
      reads.mockRestore();
    }
  });

  test('prunes again what was reverted in between', () => {
    const layer = dense(10, 10);
    const schedule = scheduleOf([layer]);
    schedule.step(400);
    prune.revert(layer, 'weight');
    expect(schedule.step(400).zeros).toBe(40);
  });

  test('leaves no tensor behind', () => {
    const model = smallModel();
    const schedule = new PruningSchedule(prune.parameters(model), {
      schedule: cosineSchedule({ finalSparsity: 0.9, end: 10, frequency: 1 }),
      scope: 'global',
    });
    expectNoLeak(() => {
      for (let step = 0; step <= 10; step++) schedule.step(step);
    });
  });
});

describe('PruningSchedule refuses', () => {
  const layer = dense.bind(undefined, 4, 4);
  test.each<[string, string, () => unknown]>([
    ['argument', 'parameters must be', () => new PruningSchedule([], { schedule: perMille })],
    ['argument', 'schedule must be', () => scheduleOf([layer()], { schedule: 0.5 as never })],
    ['argument', 'scope must be', () => scheduleOf([layer()], { scope: 'all' as never })],
    ['argument', 'importanceScores must be', () => scheduleOf([layer()], { importanceScores: {} as never })],
    [
      'argument',
      'importanceScores must be',
      () => scheduleOf([layer()], { importanceScores: () => new Map([[{}, {}]]) }).step(500),
    ],
    ['argument', 'method must be', () => scheduleOf([layer()], { method: 'l1' as never })],
    ['argument', 'method must be', () => scheduleOf([layer()], { method: (() => 3) as never })],
    [
      'argument',
      'method must be',
      () => scheduleOf([layer()], { method: () => new prune.CustomFromMask([1]) }),
    ],
    ['argument', 'm must be', () => scheduleOf([layer()], { method: { m: 1 } })],
    [
      'argument',
      'scope must be',
      () => scheduleOf([layer()], { scope: 'global', method: prune.RandomStructured }),
    ],
    ['parameter', 'no parameter', () => new PruningSchedule([[layer(), 'wieght']], { schedule: perMille })],
    ['dim', 'dim', () => scheduleOf([layer()], { method: (amount) => new prune.LnStructured(amount, 2, 4) })],
    ['argument', 'step must be', () => scheduleOf([layer()]).step(-1)],
    ['argument', 'gives for step 2000', () => scheduleOf([layer()]).step(2000)],
    ['argument', 'state must be', () => scheduleOf([layer()]).restore({ version: 2 } as never)],
  ])('with kind %s: %s', (kind, message, run) => {
    let caught: unknown;
    try {
      run();
    } catch (error) {
      caught = error;
    }
    expect(prune.isPruneError(caught) && caught.kind).toBe(kind);
    expect(String(caught)).toContain(message);
  });

  test('with nothing changed where one of several cannot be pruned', () => {
    const [first, second] = [layer(), layer()];
    const schedule = scheduleOf([first, second]);
    second.dispose();
    expect(() => schedule.step(500)).toThrowError();
    expect(prune.isPruned(first)).toBe(false);
  });
});
