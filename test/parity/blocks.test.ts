import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  blockStructured,
  gather,
  type Layout,
  rowMajor,
  scatter,
  semiStructured,
} from '../../src/masks/index';
import { type Parameter, storedLayout } from './stored-layout';
import { torchValues, type Values, written } from './torch-values';

/** See generate/blocks.py. */
interface Case extends Parameter {
  readonly name: string;
  readonly weights: Values;
  readonly mask: string;
}

interface BlockCase extends Case {
  readonly size: number;
  readonly n: number;
  readonly fraction: number;
}

interface SemiCase extends Case {
  readonly n: number;
  readonly m: number;
}

const { blocks, semi }: { blocks: BlockCase[]; semi: SemiCase[] } = JSON.parse(
  readFileSync(new URL('./fixtures/blocks.json', import.meta.url), 'utf8'),
);

const layouts: [string, (parameter: Parameter) => Layout][] = [
  ['in row-major order', ({ shape }) => rowMajor(shape)],
  ["in TensorFlow's order", storedLayout],
];

function scoresOf({ weights }: Case, layout: Layout): Float32Array {
  return scatter(torchValues(layout.size, weights), layout, new Float32Array(layout.size));
}

function expectMask(example: Case, layout: Layout, mask: Uint8Array): void {
  const rows = gather(mask, layout, new Uint8Array(layout.size));
  expect(written(rows, example.mask)).toBe(example.mask);
}

describe.each(layouts)('gives the masks of torch.ao.pruning.WeightNormSparsifier %s', (_, layoutOf) => {
  test.each(blocks)('$name', (example) => {
    const layout = layoutOf(example);
    const { size, n, fraction } = example;
    const options = { amount: { fraction }, size, n, dim: 0 };
    expectMask(example, layout, blockStructured(scoresOf(example, layout), layout, options));
  });

  test.each(semi)('$name', (example) => {
    const layout = layoutOf(example);
    const { n, m } = example;
    expectMask(example, layout, semiStructured(scoresOf(example, layout), layout, { n, m, dim: 1 }));
  });
});

test('the fixtures cover at least 80 cases', () => {
  expect(blocks.length + semi.length).toBeGreaterThanOrEqual(80);
});
