import { Generator } from '../../src/masks/generator';

/** A convolution to compare, drawn at random. */
export interface ConvolutionCase {
  readonly name: string;
  readonly input: [number, number, number, number];
  readonly filter: [number, number, number, number];
  readonly stride: [number, number];
  readonly dilation: [number, number];
  readonly pad: 'same' | 'valid' | [[number, number], [number, number], [number, number], [number, number]];
  readonly activation: 'linear' | 'relu' | 'relu6';
  readonly hasBias: boolean;
  readonly density: number;
  readonly seed: number;
}

/** Whole numbers below a limit, the same for the same seed. */
export function drawer(seed: number): (limit: number) => number {
  const generator = new Generator(seed);
  const draws = new Int32Array(1);
  return (limit) => {
    generator.fillRand24(draws);
    return draws[0]! % limit;
  };
}

/** Convolutions of every kind that the sparse kernels take on. */
export function convolutionCases(count: number, seed: number): ConvolutionCase[] {
  const below = drawer(seed);
  const between = (least: number, most: number): number => least + below(most - least + 1);
  const pick = <T>(...options: readonly T[]): T => options[below(options.length)]!;
  const cases: ConvolutionCase[] = [];
  while (cases.length < count) {
    const [height, width] = [between(1, 7), between(1, 7)];
    const stride = pick<[number, number]>([1, 1], [2, 2], [3, 3], [1, 1], [between(1, 3), between(1, 3)]);
    // tfjs allows dilation only without stride.
    const dilation: [number, number] =
      stride[0] === 1 && stride[1] === 1 ? pick<[number, number]>([1, 1], [1, 1], [2, 2], [1, 3]) : [1, 1];
    const explicit = [
      [0, 0],
      [between(0, 3), between(0, 3)],
      [between(0, 3), between(0, 3)],
      [0, 0],
    ] as [[number, number], [number, number], [number, number], [number, number]];
    const pad = pick<ConvolutionCase['pad']>('same', 'valid', explicit);
    const input: [number, number, number, number] = [
      between(1, 4),
      between(1, 33),
      between(1, 33),
      between(1, 19),
    ];
    const filter: [number, number, number, number] = [
      height,
      width,
      input[3],
      pick(between(1, 37), 8 * between(1, 5)),
    ];
    const spans = [(height - 1) * dilation[0] + 1, (width - 1) * dilation[1] + 1];
    if (pad !== 'same' && (spans[0]! > input[1] || spans[1]! > input[2])) continue;
    const density = pick(0, 0.05, 0.1, 0.3, 0.7, 1);
    const activation = pick<ConvolutionCase['activation']>('linear', 'relu', 'relu6');
    const name = `#${cases.length} [${input}] * [${filter}] / [${stride}] dilated [${dilation}], ${pad}, ${activation}, density ${density}`;
    cases.push({
      name,
      input,
      filter,
      stride,
      dilation,
      pad,
      activation,
      hasBias: below(2) === 1,
      density,
      seed: below(1 << 20),
    });
  }
  return cases;
}

/** tfjs's wasm backend places the padding of 'same' wrongly where the stride is larger than the kernel; cpu does not. */
export function isWrongInTfjs({ pad, stride, filter }: ConvolutionCase): boolean {
  return pad === 'same' && (stride[0] > filter[0] || stride[1] > filter[1]);
}
