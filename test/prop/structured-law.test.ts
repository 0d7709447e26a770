import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { isPruneError } from 'tfjs-prune';
import { applyPlan, type ChannelPlan, type ChannelPlanOptions, explain } from 'tfjs-prune/structured';
import { beforeAll, describe, expect, it } from 'vitest';
import { type TestBackend, useBackend } from '../support/backend';
import { release } from '../unit/sparse/fold-models';
import { arbitraryPlan, countRemoved, expectLaw, expectSaved, outputsFor } from '../unit/structured/law/law';
import { allKinds, type Decision, decisions, type Grown, grown } from './structured-graphs';
import { reducedIn } from './structured-reduced';

/** A plan; undefined where no channel of the model can go. */
async function planFor(
  model: tf.LayersModel,
  ratio: number,
  seed: number,
  options: Pick<ChannelPlanOptions, 'inexact'> = {},
): Promise<ChannelPlan | undefined> {
  try {
    return await arbitraryPlan(model, ratio, seed, options);
  } catch (error) {
    if (isPruneError(error, 'argument') && /can go/.test(error.message)) return undefined;
    throw error;
  }
}

/** What was seen of random graphs on which the law holds. */
interface Seen {
  /** What was smaller afterwards, by how often: kinds of steps, and classes of layers. */
  readonly reduced: Map<string, number>;
  graphs: number;
  /** How many of them lost channels. */
  smaller: number;
  /** How many of them lost some that something mixes. */
  inexact: number;
}

const ratios = fc.constantFrom(0.3, 0.5, 0.7);

function note({ reduced }: Seen, model: tf.LayersModel, slim: tf.LayersModel, steps: Grown['steps']): void {
  const { names, classes } = reducedIn(model, slim);
  const kinds = steps.filter(({ layers }) => layers.some((name) => names.has(name))).map(({ kind }) => kind);
  for (const each of new Set([...kinds, ...classes])) reduced.set(each, (reduced.get(each) ?? 0) + 1);
}

/** A plan that also takes what something mixes: what is left is a model that runs, and can be saved and loaded. */
async function expectInexact(
  model: tf.LayersModel,
  { inputs, steps, isShared }: Grown,
  seed: number,
  seen: Seen,
): Promise<void> {
  const plan = await planFor(model, 0.5, seed, { inexact: true });
  if (plan === undefined || !explain(plan).includes('not exact')) return;
  seen.inexact++;
  const { model: slim } = applyPlan(model, plan);
  const outputs = outputsFor(slim, inputs);
  expect(outputs.map(({ length }) => length)).toEqual(outputsFor(model, inputs).map(({ length }) => length));
  expect(outputs.every((each) => each.every(Number.isFinite))).toBe(true);
  if (!isShared) await expectSaved(slim, outputs, inputs);
  note(seen, model, slim, steps);
  release(slim);
}

/** Another one that shares no layer with a model within, if this one does. */
async function apart({ model, isShared }: Grown): Promise<tf.LayersModel> {
  const plan = isShared ? await planFor(model, 0, 0) : undefined;
  return plan === undefined ? model : applyPlan(model, plan).model;
}

async function expectLawFor(
  grownFrom: readonly Decision[],
  ratio: number,
  seed: number,
  seen: Seen,
): Promise<void> {
  const made = grown(grownFrom);
  const { inputs, steps, isShared } = made;
  const model = await apart(made);
  const before = tf.memory().numTensors;
  await expectInexact(model, made, seed, seen);
  const plan = await planFor(made.model, ratio, seed);
  seen.graphs++;
  if (plan !== undefined) {
    const slim = await expectLaw(model, plan, inputs, !isShared);
    note(seen, model, slim, steps);
    if (countRemoved(plan) > 0) seen.smaller++;
    release(slim);
  }
  expect(tf.memory().numTensors).toBe(before);
  tf.dispose(inputs);
}

async function expectLawOf(numRuns: number): Promise<Seen> {
  const seen: Seen = { reduced: new Map(), graphs: 0, smaller: 0, inexact: 0 };
  const law = fc.asyncProperty(decisions, ratios, fc.nat(30), async (steps, ratio, turn) => {
    await expectLawFor(steps, ratio, turn, seen);
    // Also the weights of layers that were tried and not taken into the model.
    tf.disposeVariables();
  });
  await fc.assert(law, { numRuns, seed: SEED });
  return seen;
}

/** All layers that can lose channels. */
const classes = [
  ...['Dense', 'Conv1D', 'Conv2D', 'Conv3D', 'Conv2DTranspose', 'Conv3DTranspose', 'DepthwiseConv2D'],
  ...['SeparableConv2D', 'Embedding', 'SimpleRNN', 'GRU', 'LSTM', 'Bidirectional', 'TimeDistributed'],
  ...['BatchNormalization', 'LayerNormalization', 'PReLU', 'Activation', 'ReLU', 'LeakyReLU', 'ELU'],
  ...['ThresholdedReLU', 'Dropout', 'SpatialDropout1D', 'GaussianNoise', 'Add', 'Multiply', 'Average'],
  ...['Maximum', 'Minimum', 'Concatenate', 'Flatten', 'Reshape', 'Permute', 'RepeatVector'],
  ...['MaxPooling1D', 'MaxPooling2D', 'MaxPooling3D', 'AveragePooling1D', 'AveragePooling2D'],
  ...['AveragePooling3D', 'GlobalAveragePooling1D', 'GlobalAveragePooling2D', 'GlobalMaxPooling1D'],
  ...['GlobalMaxPooling2D', 'ZeroPadding2D', 'Cropping2D', 'UpSampling2D', 'Model', 'Sequential'],
];

// More of them, or others, for a run by hand.
const GRAPHS = Number(process.env.LAW_GRAPHS ?? 400);
const SEED = Number(process.env.LAW_SEED ?? 3);

// Graphs with layers of all kinds on one backend, and some on the other.
const runs = [
  ['cpu', GRAPHS],
  ['wasm', 30],
] satisfies Array<[TestBackend, number]>;

for (const [backend, count] of runs) {
  describe(`removing channels of random graphs on ${backend}`, () => {
    beforeAll(() => useBackend(backend));

    it('changes nothing once nothing reads them', async () => {
      const { reduced, graphs, smaller, inexact } = await expectLawOf(count);
      // Else the law would be kept by keeping all channels.
      expect(smaller / graphs).toBeGreaterThan(0.9);
      if (backend !== 'cpu') return;
      expect(inexact / graphs).toBeGreaterThan(0.04);
      // A layer that is not known keeps what comes into it.
      const kinds = [...allKinds, ...classes].filter((each) => each !== 'unknown');
      expect(kinds.filter((each) => !reduced.has(each))).toEqual([]);
    }, 900_000);
  });
}
