import * as tf from '@tensorflow/tfjs';
import { planChannels } from 'tfjs-prune/structured';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../support/backend';
import { expectNoLeak } from '../../../support/memory';
import { call, type Symbolic } from '../../sparse/fold-models';
import { dense, halved, input, read, reasons } from './nets';

/** The layer of Keras, which tfjs does not have. */
class Subtract extends tf.layers.Layer {
  static className = 'Subtract';
  override computeOutputShape(shapes: tf.Shape[]): tf.Shape {
    return shapes[0]!;
  }
  override call(inputs: tf.Tensor[]): tf.Tensor {
    return tf.sub(inputs[0]!, inputs[1]!);
  }
}

/** Others of that name. */
class Centred extends Subtract {
  override call(inputs: tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => super.call(inputs).sub(super.call(inputs).mean(-1, true)));
  }
}

class Several extends Subtract {
  override call(inputs: tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => inputs.reduce((a, b) => a.sub(b)));
  }
}

class Narrow extends Subtract {
  override computeOutputShape([shape]: tf.Shape[]): tf.Shape {
    return [...shape!.slice(0, -1), 3];
  }
  override call(inputs: tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => super.call(inputs).slice([0, 0, 0], [-1, -1, 3]));
  }
}

class Failing extends Subtract {
  override call(): tf.Tensor {
    throw new Error('It wants something else.');
  }
}

describe('a layer of the caller that is named Subtract', () => {
  beforeAll(() => useBackend('cpu'));

  const difference = (x: Symbolic): Symbolic => {
    tf.serialization.registerClass(Subtract);
    return call(
      new Subtract({ name: 'it' }),
      ['a', 'b'].map((name) => call(dense(4, name), x)),
    );
  };

  it('loses the channels of both together where it gives their difference', async () => {
    const x = input(3, 2);
    const { sizes, plan } = await halved(read(x, difference(x)));
    expect(sizes('a', 'b', 'it')).toEqual([2, 2, 2]);
    expect(plan.groups[0]!.layers).toEqual(['a', 'b']);
  });

  it('does so with sequences of any length', async () => {
    const x = tf.input({ shape: [null, 2] });
    const model = read(x, call(tf.layers.globalAveragePooling1d(), difference(x)));
    const { groups } = await expectNoLeak(() => planChannels(model, { ratio: 0.5 }));
    expect(groups.map(({ layers, remove }) => [layers, remove.length])).toContainEqual([['a', 'b'], 2]);
  });

  it.each([
    ['mixes channels', Centred, 2],
    ['takes more than two', Several, 3],
    ['gives fewer', Narrow, 2],
  ])('keeps what comes in where it %s', async (_what, Layer, count) => {
    tf.serialization.registerClass(Layer);
    const x = input(3, 2);
    const all = ['a', 'b', 'c'].slice(0, count).map((name) => call(dense(4, name), x));
    const y = call(dense(4, 'free'), call(new Layer({ name: 'it' }), all));
    const { sizes, plan } = await halved(read(x, y));
    expect(sizes('a', 'b', 'free')).toEqual([4, 4, 2]);
    expect(reasons(plan, 'b')).toBe("'it' is a Subtract that does not give the difference of two inputs");
  });

  it('keeps what comes in where it fails on random numbers', async () => {
    tf.serialization.registerClass(Failing);
    const x = input(3, 2);
    const both = ['a', 'b'].map((name) => call(dense(4, name), x));
    const model = read(x, call(dense(4, 'free'), call(new Failing({ name: 'it' }), both)));
    const { groups } = await expectNoLeak(() => planChannels(model, { ratio: 0.5 }));
    expect(groups.map(({ id, remove }) => [id, remove.length])).toEqual([
      ['a', 0],
      ['b', 0],
      ['free', 2],
      ['out', 0],
    ]);
  });

  it('is one that tfjs does not have', () => {
    expect(Object.keys(tf.layers)).not.toContain('subtract');
  });
});
