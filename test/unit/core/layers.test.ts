import '../../support/matchers';
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { fillWeights, flat, outputOf, shapeOf } from '../../support/layers';
import { expectNoLeak } from '../../support/memory';
import { type LayerKind, layerKinds } from './layer-kinds';

const input = new Map<LayerKind, tf.Tensor>(layerKinds.map((kind) => [kind, kind.input()]));

function make(kind: LayerKind): tf.layers.Layer {
  const layer = kind.make();
  tf.tidy(() => void layer.apply(input.get(kind)!));
  fillWeights(layer);
  return layer;
}

/** What the layer stores for the parameter, in PyTorch's layout. */
function storedInTorch(layer: tf.layers.Layer, { index, toTorch }: LayerKind): tf.Tensor {
  return tf.tidy(() => toTorch(layer.weights[index]!.read()).clone());
}

/** The sum of magnitudes of each channel along a dim. */
function normsAlong(t: tf.Tensor, dim: number): number[] {
  const others = t.shape.map((_, axis) => axis).filter((axis) => axis !== dim);
  const norms = tf.tidy(() => tf.sum(tf.abs(t), others));
  return [...norms.dataSync()];
}

/** The name in PyTorch where there is one. */
function nameOf(kind: LayerKind): string {
  return kind.torch ?? kind.tfjs;
}

/** A layer of the same kind whose weights are the others' times these masks. */
function twin(layer: tf.layers.Layer, kind: LayerKind): tf.layers.Layer {
  const copy = kind.make();
  tf.tidy(() => {
    copy.apply(input.get(kind)!);
    copy.setWeights(layer.getWeights().map((weight) => tf.tensor(weight.dataSync().slice(), weight.shape)));
  });
  return copy;
}

describe.each(layerKinds.map((kind) => [kind.title, nameOf(kind), kind] as const))(
  '%s, %s',
  (_, name, kind) => {
    it('has the shape and the values that PyTorch would have', () => {
      const layer = make(kind);
      const stored = storedInTorch(layer, kind);
      expect(shapeOf(layer, name)).toEqual(kind.torchShape);
      expect(flat(layer, name)).toEqual([...stored.dataSync()]);
      expect(shapeOf(layer, kind.tfjs)).toEqual(layer.weights[kind.index]!.shape);
    });

    it('is one parameter under both names', () => {
      const layer = make(kind);
      const before = storedInTorch(layer, kind);
      prune.l1Unstructured(layer, name, 2);
      expect(prune.methodOf(layer, kind.tfjs)).toBe(prune.methodOf(layer, name));
      expect(prune.methodOf(layer, kind.tfjs)).toBeInstanceOf(prune.L1Unstructured);
      const after = storedInTorch(layer, kind);
      expect(flat(layer, name)).toEqual([...after.dataSync()]);
      expect(flat(layer, `${name}_orig`)).toEqual([...before.dataSync()]);
      expect(flat(layer, `${name}_mask`)).toEqual(
        [...after.dataSync()].map((value) => (value === 0 ? 0 : 1)),
      );
      expect(flat(layer, `${kind.tfjs}_mask`).filter((bit) => bit === 0)).toHaveLength(2);
      expect(() => prune.l1Unstructured(layer, kind.tfjs, before.size - 1)).toThrow();
    });

    it('prunes the same entries by either name', () => {
      for (const call of [
        (layer: tf.layers.Layer, by: string) => prune.l1Unstructured(layer, by, 0.4),
        (layer: tf.layers.Layer, by: string) => prune.randomUnstructured(layer, by, 0.4),
      ]) {
        const layers = [name, kind.tfjs].map((by) => {
          const layer = make(kind);
          prune.manualSeed(9);
          call(layer, by);
          return call(layer, by);
        });
        expect(flat(layers[0]!, name)).toEqual(flat(layers[1]!, name));
      }
    });

    it('computes with the masked weights, and remove and revert do what they say', () => {
      const layer = make(kind);
      const tensor = input.get(kind)!;
      const [output, original] = [outputOf(layer, tensor), flat(layer, name)];
      expectNoLeak(() => prune.randomUnstructured(layer, name, 0.5));
      const copy = twin(layer, kind);
      const pruned = outputOf(layer, tensor);
      expect(pruned).toEqual(outputOf(copy, tensor));
      expect(pruned).not.toEqual(output);

      expectNoLeak(() => prune.revert(layer, name));
      expect(flat(layer, name)).toEqual(original);
      expect(outputOf(layer, tensor)).toEqual(output);

      prune.l1Unstructured(layer, name, 0.5);
      const again = outputOf(layer, tensor);
      expectNoLeak(() => prune.remove(layer, kind.tfjs));
      expect(outputOf(layer, tensor)).toEqual(again);
      expect(prune.isPruned(layer)).toBe(false);
    });

    const dims = kind.torchShape.map((size, dim) => ({ size, dim })).filter(({ size }) => size > 1);
    it.each(kind.torchShape.length > 1 ? dims : [])('loses its least channel along dim $dim', ({ dim }) => {
      const layer = make(kind);
      const before = storedInTorch(layer, kind);
      const norms = normsAlong(before, dim);
      const least = norms.indexOf(Math.min(...norms));
      // How far two neighbours along dim are apart in a row-major array.
      const stride = before.shape.slice(dim + 1).reduce((product, size) => product * size, 1);
      const channelOf = (i: number): number => Math.floor(i / stride) % before.shape[dim]!;
      const keep = Array.from({ length: before.size }, (_, i) => (channelOf(i) === least ? 0 : 1));
      for (const given of [dim, dim - before.rank]) {
        const subject = make(kind);
        prune.lnStructured(subject, name, 1, 1, given);
        expect(flat(subject, `${name}_mask`)).toEqual(keep);
        const after = storedInTorch(subject, kind);
        const values = [...before.dataSync()];
        expect([...after.dataSync()]).toEqual(values.map((value, i) => (keep[i] === 0 ? 0 : value)));
      }
    });

    const named = (['out', 'in'] as const).filter((side) => kind[side] !== undefined);
    it.each(named)("knows which dim is '%s', by either name", (side) => {
      const bySide = [name, kind.tfjs].map((by) => prune.lnStructured(make(kind), by, 1, 2, side));
      const byDim = prune.lnStructured(make(kind), name, 1, 2, kind[side]!);
      for (const layer of bySide) expect(flat(layer, name)).toEqual(flat(byDim, name));
      const choices: [string, prune.Dim][] = [
        [kind.tfjs, side],
        [name, kind[side]!],
      ];
      const [random, byNumber] = choices.map(([by, dim]) => {
        prune.manualSeed(1);
        return prune.randomStructured(make(kind), by, 1, dim);
      });
      expect(flat(random!, name)).toEqual(flat(byNumber!, name));
    });

    it(`is ${kind.kernel ? '' : 'not '}among the parameters of a model by default`, () => {
      const layer = kind.make();
      const model = tf.sequential();
      model.add(tf.layers.inputLayer({ inputShape: input.get(kind)!.shape.slice(1) }));
      model.add(layer);
      const listed = prune.parameters(model);
      expect(listed.some(([owner, by]) => owner === layer && by === name)).toBe(kind.kernel);
      expect(listed.some(([, by]) => by === 'running_mean' || by === 'movingMean')).toBe(false);
    });
  },
);

describe('DepthwiseConv2D', () => {
  const kind = layerKinds.find(({ tfjs, torch }) => tfjs === 'depthwiseKernel' && torch !== undefined)!;
  it.each(['out', 'in'] as const)("means the same by '%s' under both names, or refuses both", (side) => {
    const results = [kind.tfjs, 'weight'].map((name) => {
      const layer = make(kind);
      try {
        return flat(prune.lnStructured(layer, name, 1, 1, side), 'weight');
      } catch (error) {
        if (!prune.isPruneError(error)) throw error;
        return error.kind;
      }
    });
    expect(results[0]).toEqual(results[1]);
  });
});
