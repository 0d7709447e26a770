import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Geometry, geometryOf } from '../../../src/sparse/geometry';
import { activeHeap, type Heap } from '../../../src/wasm/heap';
import { type Kernels, kernelsFor } from '../../../src/wasm/kernels';
import { ALONE, type Team } from '../../../src/wasm/team';
import { denseAndSparse, pointwise, random, usePacking } from '../../support/packing';
import { type ConvolutionCase, drawer, isWrongInTfjs } from '../../support/sparse-cases';
import { both, convolution } from '../../support/sparse-compare';

usePacking();

let engine: { heap: Heap; kernels: Kernels };

beforeAll(async () => {
  const heap = activeHeap()!;
  engine = { heap, kernels: await kernelsFor(heap) };
});

type LayoutName = Geometry['layout'];

/** Outputs of a row, and output channels: none that blocks of weights have. */
const WIDTHS = [1, 2, 5, 7, 8, 14, 15, 19, 24, 27, 28, 29, 31, 48, 56, 80, 84];
const CHANNELS = [1, 6, 9, 11, 17, 20];

/** Whole numbers from one to another, the same for the same seed. */
function between(seed: number): (least: number, most: number) => number {
  const below = drawer(seed);
  return (least, most) => least + below(most - least + 1);
}

/** An axis of a convolution with so many outputs, of any stride, dilation and padding. */
function drawAxis(draw: ReturnType<typeof between>, outputs: number) {
  const [kernel, stride] = [draw(1, 7), draw(1, 3)];
  const dilation = stride === 1 ? draw(1, 2) : 1;
  // Some of the last pixels may be met by no output.
  const padded = (outputs - 1) * stride + (kernel - 1) * dilation + draw(1, stride);
  const before = Math.min(draw(0, 3), padded - 1);
  const after = Math.min(draw(0, 3), padded - 1 - before);
  return {
    kernel,
    stride,
    dilation,
    size: padded - before - after,
    padding: [before, after] as [number, number],
  };
}

function drawCase(draw: ReturnType<typeof between>): ConvolutionCase {
  const [rows, columns] = [drawAxis(draw, draw(2, 9)), drawAxis(draw, WIDTHS[draw(0, WIDTHS.length - 1)]!)];
  const channels = draw(1, 9);
  const input: ConvolutionCase['input'] = [draw(1, 3), rows.size, columns.size, channels];
  const filter: ConvolutionCase['filter'] = [
    rows.kernel,
    columns.kernel,
    channels,
    CHANNELS[draw(0, CHANNELS.length - 1)]!,
  ];
  const stride: [number, number] = [rows.stride, columns.stride];
  // tfjs allows dilation only without stride.
  const dilation: [number, number] = Math.max(...stride) > 1 ? [1, 1] : [rows.dilation, columns.dilation];
  const pad: ConvolutionCase['pad'] =
    draw(0, 3) === 0 ? 'same' : [[0, 0], rows.padding, columns.padding, [0, 0]];
  const activation = (['linear', 'relu', 'relu6'] as const)[draw(0, 2)]!;
  const name = `[${input}] * [${filter}] / [${stride}] dilated [${dilation}], ${pad}`;
  const seed = 1 + 2 * draw(0, 1 << 20);
  return {
    name,
    input,
    filter,
    stride,
    dilation,
    pad,
    activation,
    density: 1,
    hasBias: draw(0, 1) === 1,
    seed,
  };
}

function layoutOf({ input, filter, stride, dilation, pad }: ConvolutionCase): LayoutName {
  // tfjs's type of explicit padding is of arrays that can be written to.
  const padding = pad as tf.backend_util.ExplicitPadding | 'same' | 'valid';
  const info = tf.backend_util.computeConv2DInfo(input, filter, stride, dilation, padding);
  return geometryOf({ ...info, padTop: info.padInfo.top, padLeft: info.padInfo.left }, filter[3]).layout;
}

/** Convolutions that are laid out in one way. */
function casesOf(layout: LayoutName, count: number): ConvolutionCase[] {
  const draw = between(3);
  const cases: ConvolutionCase[] = [];
  for (let drawn = 0; cases.length < count; drawn++) {
    if (drawn > 100 * count) throw new Error(`Hardly any convolutions are laid out as ${layout}.`);
    const c = drawCase(draw);
    if (!isWrongInTfjs(c) && layoutOf(c) === layout) cases.push({ ...c, name: `#${cases.length} ${c.name}` });
  }
  return cases;
}

/** Makes a call of each part in turns, from the last part to the first, as threads might. */
const IN_TURNS: Team = {
  ...ALONE,
  threads: 2,
  run: (kernels, parts, call) => {
    const calls = Array.from({ length: parts }, (_, part) => {
      const made: (() => void)[] = [];
      call(
        {
          sparseTile: (...given) => made.push(() => kernels.sparseTile(...given)),
          sparseTileNear: (...given) => made.push(() => kernels.sparseTileNear(...given)),
          sparseBlock8: (...given) => made.push(() => kernels.sparseBlock8(...given)),
          sparseBlock16: (...given) => made.push(() => kernels.sparseBlock16(...given)),
          toPlanes: (...given) => made.push(() => kernels.toPlanes(...given)),
          toPixels: (...given) => made.push(() => kernels.toPixels(...given)),
          copyLanes: (...given) => made.push(() => kernels.copyLanes(...given)),
        },
        part,
      );
      return made;
    }).reverse();
    const most = Math.max(...calls.map(({ length }) => length));
    for (let i = 0; i < most; i++) for (const part of calls) part[i]?.();
  },
};

/** Equal but for the sign of zeros: a sum that skips zeros may have +0 in place of −0. */
const EXACT = { rtol: 0, atol: 0 };

describe.each(['rows', 'windows', 'planes'] as const)(
  'a convolution laid out as %s equals tfjs’s to the bit',
  (layout) => {
    const cases = casesOf(layout, 80);

    it.each(cases)('$name', (c) => {
      tf.tidy(() => {
        const { filter, compute } = convolution(c);
        const team = c.seed % 4 === 1 ? ALONE : IN_TURNS;
        const { dense, tiled, sparse, runs } = both({ ...engine, team }, filter, compute);
        expect(runs).toBeGreaterThan(0);
        expect(tiled).toBeAllClose(dense, EXACT);
        expect(sparse).toBeAllClose(dense, EXACT);
      });
    });

    it.each(cases.slice(0, 40))('of tiles: $name', (c) => {
      tf.tidy(() => {
        const x = random([...c.input.slice(0, 3), 5], 0.9, c.seed);
        const first = random([1, 1, 5, c.input[3]], 0.5, c.seed + 1);
        const filter = random(c.filter, c.density, c.seed + 2) as tf.Tensor4D;
        const { stride: strides, dilation: dilations, pad } = c;
        const compute = (): tf.Tensor =>
          tf.conv2d(pointwise(x, first) as tf.Tensor4D, filter, strides, pad, 'NHWC', dilations);
        const [dense, sparse] = denseAndSparse(compute, [first, filter]);
        expect(sparse).toBeAllClose(dense, EXACT);
      });
    });
  },
);
