import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  customFromMask,
  Generator,
  gather,
  globalL1Unstructured,
  globalRandomUnstructured,
  identity,
  type Layout,
  l1Unstructured,
  lnStructured,
  type NormOrder,
  randomStructured,
  randomUnstructured,
  rowMajor,
  scatter,
} from '../../src/masks/index';
import { type Parameter, storedLayout } from './stored-layout';
import { torchValues, type Values, written } from './torch-values';

interface Step {
  readonly method: string;
  readonly amount?: { readonly fraction: number } | { readonly count: number };
  readonly n?: number | string;
  readonly dim?: number;
  readonly seed?: string;
  readonly scores?: readonly Values[];
  readonly new?: Values;
  readonly masks: readonly string[];
}

interface Case {
  readonly name: string;
  readonly parameters: readonly (Parameter & { readonly weights: Values })[];
  readonly steps: readonly Step[];
}

/** One parameter while it is pruned: everything in the order of its storage. */
interface Pruned {
  readonly layout: Layout;
  readonly weights: Float32Array;
  mask: Uint8Array | undefined;
}

const fixture: { cases: Case[]; selection: Case[]; global: Case[] } = JSON.parse(
  readFileSync(new URL('./fixtures/masks.json', import.meta.url), 'utf8'),
);
const local = [...fixture.cases, ...fixture.selection];

const layouts: [string, (parameter: Parameter) => Layout][] = [
  ['in row-major order', ({ shape }) => rowMajor(shape)],
  ["in TensorFlow's order", storedLayout],
];

describe.each(layouts)('gives the masks of torch.nn.utils.prune %s', (_, layoutOf) => {
  test.each(local)('$name', (example) => replay(example, layoutOf, localStep));
  test.each(fixture.global)('$name', (example) => replay(example, layoutOf, globalStep));
});

test('the fixtures cover at least 320 cases', () => {
  expect(local.length + fixture.global.length).toBeGreaterThanOrEqual(320);
});

function replay(
  { parameters, steps }: Case,
  layoutOf: (parameter: Parameter) => Layout,
  run: (pruned: readonly Pruned[], step: Step) => Uint8Array[],
): void {
  const pruned = parameters.map((parameter): Pruned => {
    const layout = layoutOf(parameter);
    return { layout, weights: stored(layout, parameter.weights), mask: undefined };
  });
  for (const step of steps) {
    const masks = run(pruned, step);
    masks.forEach((mask, i) => {
      const { layout } = pruned[i]!;
      const rows = gather(mask, layout, new Uint8Array(layout.size));
      expect(written(rows, step.masks[i]!)).toBe(step.masks[i]);
      pruned[i]!.mask = mask;
    });
  }
}

function localStep([parameter]: readonly Pruned[], step: Step): Uint8Array[] {
  const { layout, weights, mask } = parameter!;
  const scores = step.scores ? stored(layout, step.scores[0]!) : masked(weights, mask);
  const amount = step.amount ?? { count: 0 };
  const dim = step.dim ?? 0;
  const generator = new Generator(BigInt(step.seed ?? 0));
  switch (step.method) {
    case 'l1_unstructured':
      return [l1Unstructured(scores, amount, { layout, mask })];
    case 'random_unstructured':
      return [randomUnstructured(layout, amount, { mask, generator })];
    case 'ln_structured':
      return [lnStructured(scores, layout, { amount, n: normOf(step.n!), dim, mask })];
    case 'random_structured':
      return [randomStructured(layout, { amount, dim, mask, generator })];
    case 'custom_from_mask':
      return [customFromMask(stored(layout, step.new!), { mask })];
    case 'identity':
      return [customFromMask(identity(layout.size), { mask })];
    default:
      throw new Error(`no method '${step.method}'`);
  }
}

function globalStep(pruned: readonly Pruned[], step: Step): Uint8Array[] {
  if (step.method === 'RandomUnstructured') {
    const parts = pruned.map(({ layout, mask }) => ({ size: layout, mask }));
    return globalRandomUnstructured(parts, step.amount!, { generator: new Generator(BigInt(step.seed!)) });
  }
  const parts = pruned.map(({ layout, weights, mask }, i) => {
    const scores = step.scores ? stored(layout, step.scores[i]!) : masked(weights, mask);
    return { scores, layout, mask };
  });
  return globalL1Unstructured(parts, step.amount!);
}

function normOf(n: number | string): NormOrder {
  if (n === 'fro' || n === 'nuc' || typeof n === 'number') return n;
  return n === 'inf' ? Infinity : -Infinity;
}

function stored(layout: Layout, values: Values): Float32Array {
  return scatter(torchValues(layout.size, values), layout, new Float32Array(layout.size));
}

function masked(weights: Float32Array, mask: Uint8Array | undefined): Float32Array {
  return mask === undefined ? weights : weights.map((weight, i) => weight * mask[i]!);
}
