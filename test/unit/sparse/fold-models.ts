import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';

/** What layers are made from and called on here. */
export type Symbolic = tf.SymbolicTensor;

/** Calls a layer on one symbolic tensor. */
export function call(layer: tf.layers.Layer, input: Symbolic | Symbolic[]): Symbolic {
  // A layer with one output that is called on symbolic tensors returns one symbolic tensor.
  return layer.apply(input) as Symbolic;
}

/** A layer and a batch normalisation after it, named `bn`. */
export function pair(
  layer: tf.layers.Layer,
  options: Parameters<typeof tf.layers.batchNormalization>[0] = {},
): tf.Sequential {
  return tf.sequential({ layers: [layer, tf.layers.batchNormalization({ name: 'bn', ...options })] });
}

/** Gives all weights of a model random values, variances positive ones: the same for the same seed. */
export function randomize<M extends tf.LayersModel>(model: M, seed = 1): M {
  let next = seed * 1000;
  tf.tidy(() => {
    for (const weight of model.weights) {
      const isVariance = weight.originalName.endsWith('moving_variance');
      weight.write(
        isVariance
          ? tf.randomUniform(weight.shape as number[], 0.2, 2, 'float32', next++)
          : tf.randomNormal(weight.shape as number[], 0, 0.7, 'float32', next++),
      );
    }
  });
  return model;
}

/** The classes of a model's layers, models within taken apart. */
export function classesOf(model: tf.LayersModel): string[] {
  return model.layers.flatMap((layer) =>
    layer instanceof tf.LayersModel ? classesOf(layer) : [layer.getClassName()],
  );
}

/** How many batch normalisations a model has. */
export function countNorms(model: tf.LayersModel): number {
  return classesOf(model).filter((name) => name === 'BatchNormalization').length;
}

/** What a model gives for random inputs of a batch of 2; sizes that may vary are 6. */
export function outputsOf(model: tf.LayersModel, seed = 5): Float32Array[] {
  return tf.tidy(() => {
    const inputs = model.inputs.map(({ shape }, i) =>
      tf.randomNormal(
        shape.map((size, axis) => size ?? (axis === 0 ? 2 : 6)),
        0,
        1,
        'float32',
        seed + i,
      ),
    );
    const outputs = model.predict(inputs);
    return (Array.isArray(outputs) ? outputs : [outputs]).map((output) => output.dataSync<'float32'>());
  });
}

/** Expects outputs to be within 1e-5 of the range of the original's. */
export function expectEqualOutputs(
  actual: readonly Float32Array[],
  expected: readonly Float32Array[],
  tolerance = 1e-5,
): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, values] of expected.entries()) {
    const range = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(range, 'the original must give something').toBeGreaterThan(0);
    expect(actual[i]).toBeAllClose(values, { rtol: 0, atol: tolerance * range });
  }
}

/** The bits of all weights of a model. */
export function weightBits(model: tf.LayersModel): Uint32Array[] {
  return model.weights.map((weight) => new Uint32Array(Float32Array.from(weight.read().dataSync()).buffer));
}

/** Disposes a model's weights, also those of layers that are called twice, which its own dispose leaves. */
export function release(model: tf.LayersModel): void {
  for (const weight of model.weights) weight.read().dispose();
}

/** Saves a model and loads it with stock tfjs, all in memory. */
export async function savedAndLoaded(model: tf.LayersModel): Promise<tf.LayersModel> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  return tf.loadLayersModel(tf.io.fromMemory(saved!));
}
