import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { amountOf, type Counterpart, counterpartOf, type ParameterSpec } from './prune-layers';
import { torchValues, type Values, written } from './torch-values';

// Layers of tfjs, pruned by the calls that real PyTorch was pruned by, have the masks that PyTorch has: to the bit.

interface Step {
  readonly method: string;
  readonly amount?: { readonly fraction?: number; readonly count?: number };
  readonly n?: number | string;
  readonly dim?: number;
  readonly seed?: string;
  readonly scores?: readonly Values[];
  readonly new?: Values;
  readonly masks: readonly string[];
}

interface Case {
  readonly name: string;
  readonly parameters: readonly ParameterSpec[];
  readonly steps: readonly Step[];
}

type Naming = 'torch' | 'tfjs';

const fixture: { cases: Case[]; selection: Case[]; global: Case[] } = JSON.parse(
  readFileSync(new URL('./fixtures/masks.json', import.meta.url), 'utf8'),
);

const local = [...fixture.cases, ...fixture.selection];

function maskOf({ layer, torch }: Counterpart): Uint8Array {
  const tensor = prune.parameter(layer, `${torch}_mask`);
  const mask = Uint8Array.from(tensor.dataSync());
  tensor.dispose();
  return mask;
}

function expectMasks(counterparts: readonly Counterpart[], { masks }: Step): void {
  for (const [i, counterpart] of counterparts.entries()) {
    expect(written(maskOf(counterpart), masks[i]!)).toBe(masks[i]);
  }
}

/** Values as a tensor in the layout of the name that is used. */
function tensorOf(counterpart: Counterpart, spec: Values, naming: Naming): tf.Tensor {
  const { torchShape, storedShape, toStored } = counterpart;
  const values = torchValues(
    torchShape.reduce((product, axis) => product * axis, 1),
    spec,
  );
  return naming === 'torch'
    ? tf.tensor(values, [...torchShape])
    : tf.tensor(toStored(values), [...storedShape]);
}

function seed(step: Step): void {
  if (step.seed !== undefined) prune.manualSeed(BigInt(step.seed));
}

function normOf(n: number | string): prune.NormOrder {
  if (n === 'inf') return Infinity;
  if (n === '-inf') return -Infinity;
  if (n === 'fro' || n === 'nuc' || typeof n === 'number') return n;
  throw new Error(`unknown norm ${n}`);
}

function runLocal(counterpart: Counterpart, step: Step, naming: Naming): void {
  const { layer } = counterpart;
  const name = counterpart[naming];
  const scores = step.scores?.[0];
  const importanceScores = scores && tensorOf(counterpart, scores, naming);
  const amount = step.amount === undefined ? 0 : amountOf(step.amount);
  switch (step.method) {
    case 'identity':
      prune.identity(layer, name);
      break;
    case 'random_unstructured':
      prune.randomUnstructured(layer, name, amount);
      break;
    case 'l1_unstructured':
      prune.l1Unstructured(layer, name, amount, { importanceScores });
      break;
    case 'random_structured':
      prune.randomStructured(layer, name, amount, step.dim!);
      break;
    case 'ln_structured':
      prune.lnStructured(layer, name, amount, normOf(step.n!), step.dim!, { importanceScores });
      break;
    case 'custom_from_mask':
      prune.customFromMask(layer, name, tensorOf(counterpart, step.new!, naming));
      break;
    default:
      throw new Error(`unknown method ${step.method}`);
  }
}

function runGlobal(counterparts: readonly Counterpart[], step: Step, naming: Naming): void {
  const methods = new Map([
    ['L1Unstructured', prune.L1Unstructured],
    ['RandomUnstructured', prune.RandomUnstructured],
  ]);
  const parameters = counterparts.map((one): [tf.layers.Layer, string] => [one.layer, one[naming]]);
  const importanceScores = new Map(
    step.scores?.map((scores, i) => {
      const one = counterparts[i]!;
      return [one.layer, { [one[naming]]: tensorOf(one, scores, naming) }];
    }),
  );
  const amount = amountOf(step.amount!);
  prune.globalUnstructured(parameters, methods.get(step.method)!, { amount, importanceScores });
}

function run(
  { parameters, steps }: Case,
  naming: Naming,
  prunedBy: (on: readonly Counterpart[], step: Step, naming: Naming) => void,
): void {
  const counterparts = parameters.map(counterpartOf);
  for (const step of steps) {
    seed(step);
    tf.tidy(() => prunedBy(counterparts, step, naming));
    expectMasks(counterparts, step);
  }
  for (const { layer } of counterparts) for (const weight of layer.weights) weight.dispose();
}

const runOne = ([only]: readonly Counterpart[], step: Step, naming: Naming): void =>
  runLocal(only!, step, naming);

function isStructured({ steps }: Case): boolean {
  return steps.some(({ method }) => method.endsWith('_structured'));
}

function isLarge({ parameters }: Case): boolean {
  return parameters.length > 10;
}

it('there are at least 300 cases', () => {
  expect(local.length + fixture.global.length).toBeGreaterThanOrEqual(300);
});

describe("under PyTorch's names", () => {
  it.each(local)('$name', (one) => run(one, 'torch', runOne));
  it.each(fixture.global)('$name', (one) => run(one, 'torch', runGlobal));
});

describe("under tfjs's names, unstructured", () => {
  it.each(local.filter((one) => !isStructured(one)))('$name', (one) => run(one, 'tfjs', runOne));
  it.each(fixture.global.filter((one) => !isLarge(one)))('$name', (one) => run(one, 'tfjs', runGlobal));
});
