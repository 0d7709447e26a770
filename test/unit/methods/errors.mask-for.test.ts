import type * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { flat, linear } from '../../support/layers';
import { expectRefused, type Parameter } from '../../support/trace';

// A method may work on typed arrays instead of tensors; what it returns is checked all the same.

type Answer = (request: prune.MaskRequest) => unknown;

function answering(one: Answer, all?: (requests: readonly prune.MaskRequest[]) => unknown) {
  return new (class Answering extends prune.BasePruningMethod {
    override readonly pruningType = 'unstructured';
    override computeMask(_: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
      return defaultMask;
    }
    override maskFor(request: prune.MaskRequest): Uint8Array {
      return one(request) as Uint8Array;
    }
    override masksFor(requests: readonly prune.MaskRequest[]): Uint8Array[] {
      return (all ?? ((list) => list.map(one)))(requests) as Uint8Array[];
    }
  })();
}

const ones = (size: number): Uint8Array => new Uint8Array(size).fill(1);
const withByte = (size: number, at: number, byte: number): Uint8Array => {
  const mask = ones(size);
  mask[at] = byte;
  return mask;
};

/** 11 weights, of which the first and the last are pruned: not a whole number of words. */
function pruned(): tf.layers.Layer {
  const weight = [Array.from({ length: 11 }, (_, i) => (i === 0 || i === 10 ? 0.1 : i))];
  return prune.l1Unstructured(linear(weight), 'weight', 2);
}

/** A mask that fits that layer but for one byte. */
function leaving(at: number, byte: number): Uint8Array {
  const mask = withByte(11, at, byte);
  mask[0] = mask[10] = 0;
  return mask;
}

const wrong: [string, Answer, prune.PruneErrorKind, RegExp][] = [
  ['too short', () => ones(3), 'shape', /11.*3/],
  ['too long', () => ones(12), 'shape', /11.*12/],
  ['an array of numbers', () => [1, 0], 'argument', /Uint8Array/],
  ['floats', ({ scores }) => new Float32Array(scores.length), 'argument', /Uint8Array/],
  ['nothing', () => undefined, 'argument', /Uint8Array.*undefined/],
  ['an object without a prototype', () => Object.create(null), 'argument', /Uint8Array/],
  ['a 2 in a word', () => leaving(1, 2), 'argument', /2 at position 1/],
  ['255 in a word', () => leaving(7, 255), 'argument', /255 at position 7/],
  ['a 3 after the last word', () => leaving(9, 3), 'argument', /3 at position 9/],
  ['ones where the first entry is pruned', () => withByte(11, 10, 0), 'argument', /position 0.*pruned/],
  ['ones where the last entry is pruned', () => withByte(11, 0, 0), 'argument', /position 10.*pruned/],
  ['a wrong view into a larger array', () => ones(20).subarray(3, 14), 'argument', /position 0/],
];

describe('a mask from maskFor', () => {
  it.each(wrong)('that is or has %s is refused', (_, answer, kind, says) => {
    const layer = pruned();
    const refused = expectRefused(
      [[layer, 'weight']],
      () => answering(answer).applyTo(layer, 'weight'),
      kind,
      says,
    );
    expect(refused.message).toContain(String(layer.name));
  });

  it('is refused on a layer that is not pruned yet', () => {
    const layer = linear([[1, 2, 3, 4, 5]]);
    expectRefused(
      [[layer, 'weight']],
      () => answering(() => withByte(5, 2, 4)).applyTo(layer, 'weight'),
      'argument',
      /4 at position 2/,
    );
  });

  it('is taken where it is right, also as a view at any offset', () => {
    for (const offset of [0, 1, 4]) {
      const layer = pruned();
      const bytes = Uint8Array.of(9, 9, 9, 9, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 0, 9, 9);
      const mask = new Uint8Array(offset + 11);
      mask.set(bytes.subarray(4, 15), offset);
      answering(() => mask.subarray(offset)).applyTo(layer, 'weight');
      expect(flat(layer, 'weight_mask')).toEqual([0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 0]);
    }
  });
});

describe('masks from masksFor', () => {
  const both = (): { first: tf.layers.Layer; second: tf.layers.Layer; parameters: Parameter[] } => {
    const [first, second] = [linear([[1, 2, 3]]), pruned()];
    return {
      first,
      second,
      parameters: [
        [first, 'weight'],
        [second, 'weight'],
      ],
    };
  };

  it.each(wrong)('of which one is or has %s are refused', (_, answer, kind, says) => {
    const { second, parameters } = both();
    const method = answering((request) => (request.scores.length === 3 ? ones(3) : answer(request)));
    const refused = expectRefused(parameters, () => prune.globalUnstructured(parameters, method), kind, says);
    expect(refused.message).toContain(String(second.name));
  });

  it.each<[string, (requests: readonly prune.MaskRequest[]) => unknown]>([
    ['too few', (requests) => requests.slice(1).map(({ scores }) => ones(scores.length))],
    ['too many', () => [ones(3), withByte(11, 0, 0), ones(3)]],
    ['no list', () => ones(14)],
    ['nothing', () => null],
  ])('are refused when they are %s', (_, all) => {
    const { parameters } = both();
    expectRefused(
      parameters,
      () =>
        prune.globalUnstructured(
          parameters,
          answering(() => ones(3), all),
        ),
      'argument',
      /2/,
    );
  });
});
