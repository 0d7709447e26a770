import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { isPruneError } from 'tfjs-prune';
import { compareExperiments, Experiment, type ExperimentData } from 'tfjs-prune/training';
import { beforeAll, describe, expect, test } from 'vitest';
import { useBackend } from '../../support/backend';
import { smallModel } from './small-model';

beforeAll(() => useBackend('cpu'));

const pruning = {
  method: 'L1Unstructured',
  parameters: ['conv1.weight', 'fc.weight'],
  amount: { fraction: 0.5 },
  sparsity: 0.5,
};
const finetuning = {
  epochs: 2,
  steps: 20,
  optimiser: 'SGD (learningRate 0.1)',
  before: { loss: 1.25, accuracy: 0.5 },
  after: { loss: 0.5, accuracy: 0.75 },
};

function example(): Experiment {
  const experiment = new Experiment({ name: 'net', accuracy: 0.8 });
  experiment.addPruning(pruning);
  experiment.addFinetuning(finetuning);
  return experiment;
}

describe('Experiment', () => {
  test('comes back from JSON as it was', () => {
    const data: ExperimentData = {
      version: 1,
      model: { name: 'net', accuracy: 0.8 },
      prunings: [pruning],
      finetunings: [finetuning],
    };
    expect(JSON.parse(JSON.stringify(example()))).toEqual(data);
    expect(Experiment.fromJSON(JSON.stringify(example())).toJSON()).toEqual(data);
    expect(Experiment.fromJSON(data).toJSON()).toEqual(data);
  });

  test('keeps a copy of what is added', () => {
    const experiment = new Experiment({ name: 'net' });
    const mine = { ...pruning, parameters: ['a'] };
    experiment.addPruning(mine);
    mine.parameters.push('b');
    expect(experiment.prunings[0]?.parameters).toEqual(['a']);
  });

  test('is saved with the model beside other metadata, and read back from the loaded one', async () => {
    const model = smallModel();
    model.setUserDefinedMetadata({ author: 'me' });
    expect(Experiment.of(model)).toBeUndefined();
    example().attachTo(model);
    let saved: tf.io.ModelArtifacts | undefined;
    await model.save({
      save: async (artifacts) => {
        saved = JSON.parse(JSON.stringify({ ...artifacts, weightData: undefined }));
        saved!.weightData = artifacts.weightData!;
        return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
      },
    });
    const loaded = await tf.loadLayersModel({ load: async () => saved! });
    expect(Experiment.of(loaded)?.toJSON()).toEqual(example().toJSON());
    expect(loaded.getUserDefinedMetadata()).toMatchObject({ author: 'me' });
  });

  test('as Markdown', () => {
    expect(example().toMarkdown()).toBe(`## net

Accuracy before pruning: 80.00 %

| # | method | parameters | amount | sparsity |
| --- | --- | --- | --- | --- |
| 1 | L1Unstructured | conv1.weight, fc.weight | 50.00 % | 50.00 % |

| # | epochs | steps | optimiser | loss | accuracy |
| --- | --- | --- | --- | --- | --- |
| 1 | 2 | 20 | SGD (learningRate 0.1) | 1.25 → 0.5 | 50.00 % → 75.00 % |
`);
  });

  test('a name cannot break a table', () => {
    const experiment = new Experiment({ name: 'a\n# b' });
    experiment.addPruning({ ...pruning, method: 'x | y\n| z |' });
    const lines = experiment.toMarkdown().split('\n');
    expect(lines[0]).toBe('## a # b');
    expect(lines.filter((line) => line.includes('z'))).toEqual([
      '| 1 | x \\| y \\| z \\| | conv1.weight, fc.weight | 50.00 % | 50.00 % |',
    ]);
  });

  test('two can be compared', () => {
    const other = new Experiment({ name: 'other' });
    other.addPruning({ ...pruning, sparsity: 0.75 });
    other.addFinetuning({ ...finetuning, steps: 30, after: { loss: 0.25 } });
    const { first, second, difference, toMarkdown } = compareExperiments(example(), other);
    expect(first).toEqual({
      name: 'net',
      accuracyBefore: 0.8,
      sparsity: 0.5,
      accuracy: 0.75,
      loss: 0.5,
      prunings: 1,
      epochs: 2,
      steps: 20,
    });
    expect(second.accuracy).toBeUndefined();
    expect(difference).toEqual({ sparsity: 0.25, accuracy: undefined, loss: -0.25, steps: 10 });
    expect(toMarkdown().split('\n')[3]).toBe('| other | – | 75.00 % | – | 0.25 | 1 | 2 | 30 |');
  });

  const whole = example().toJSON();
  test.each<[string, unknown, string]>([
    ['no JSON', '{', 'file'],
    ['nothing', null, 'argument'],
    ['an array', [], 'argument'],
    ['a later version', { ...whole, version: 2 }, 'unsupported'],
    ['no version', { ...whole, version: undefined }, 'argument'],
    ['no model', { ...whole, model: undefined }, 'argument'],
    ['an accuracy of 2', { ...whole, model: { name: 'x', accuracy: 2 } }, 'argument'],
    ['prunings that are no list', { ...whole, prunings: {} }, 'argument'],
    ['a sparsity of NaN', { ...whole, prunings: [{ ...pruning, sparsity: Number.NaN }] }, 'argument'],
    ['an amount of 1.5', { ...whole, prunings: [{ ...pruning, amount: 1.5 }] }, 'argument'],
    ['steps of −1', { ...whole, finetunings: [{ ...finetuning, steps: -1 }] }, 'argument'],
    ['a loss that is text', { ...whole, finetunings: [{ ...finetuning, after: { loss: '1' } }] }, 'argument'],
  ])('refuses %s', (_what, data, kind) => {
    let caught: unknown;
    try {
      Experiment.fromJSON(data);
    } catch (error) {
      caught = error;
    }
    expect(isPruneError(caught) && caught.kind).toBe(kind);
  });

  test('any JSON is read or refused, and takes nothing over that it does not know', () => {
    const hostile = fc.oneof(
      fc.jsonValue(),
      fc.record({
        version: fc.constant(1),
        model: fc.jsonValue(),
        prunings: fc.jsonValue(),
        finetunings: fc.jsonValue(),
      }),
      fc.record({
        version: fc.constant(1),
        model: fc.record({ name: fc.string(), __proto__: fc.jsonValue(), extra: fc.jsonValue() }),
        prunings: fc.constant([]),
        finetunings: fc.constant([]),
      }),
    );
    fc.assert(
      fc.property(hostile, (data) => {
        try {
          const experiment = Experiment.fromJSON(JSON.stringify(data));
          expect(Object.keys(experiment.model).filter((key) => key !== 'name' && key !== 'accuracy')).toEqual(
            [],
          );
          expect(Experiment.fromJSON(JSON.stringify(experiment)).toJSON()).toEqual(experiment.toJSON());
        } catch (error) {
          if (!isPruneError(error)) throw error;
        }
      }),
    );
  });
});
