import fc from 'fast-check';
import { expect, it } from 'vitest';
import { makeTape, PLAY, type RecordedKernels } from '../../../src/wasm/tape';

type Call = readonly [name: keyof RecordedKernels, ...numbers: number[]];
type Play = (kernels: RecordedKernels, numbers: Float64Array, at: number, end: number) => void;

// The text that another thread gets.
const play: Play = new Function(`return ${PLAY}`)();

/** How many numbers each kernel takes. */
const ARITIES = {
  sparseTile: 9,
  sparseTileNear: 9,
  sparseBlock8: 11,
  sparseBlock16: 11,
  toPlanes: 6,
  toPixels: 6,
  copyLanes: 7,
} as const;

const address = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const number = fc.oneof(address, fc.constantFrom(-Infinity, Infinity, 0.1, -6));
const call: fc.Arbitrary<Call> = fc
  .constantFrom(...(Object.keys(ARITIES) as Array<keyof typeof ARITIES>))
  .chain((name) =>
    fc
      .array(number, { minLength: ARITIES[name], maxLength: ARITIES[name] })
      .map((given): Call => [name, ...given]),
  );

function make(kernels: RecordedKernels, calls: readonly Call[]): void {
  for (const [name, ...given] of calls) (kernels[name] as (...numbers: number[]) => void)(...given);
}

/** Kernels that note what they are called with. */
function noting(): { kernels: RecordedKernels; noted: Call[] } {
  const noted: Call[] = [];
  const note =
    (name: keyof RecordedKernels) =>
    (...given: number[]) =>
      void noted.push([name, ...given]);
  const kernels = {
    sparseTile: note('sparseTile'),
    sparseTileNear: note('sparseTileNear'),
    sparseBlock8: note('sparseBlock8'),
    sparseBlock16: note('sparseBlock16'),
    toPlanes: note('toPlanes'),
    toPixels: note('toPixels'),
    copyLanes: note('copyLanes'),
  };
  return { kernels, noted };
}

it('plays the calls that were written down, and only those of a part', () => {
  fc.assert(
    fc.property(fc.array(fc.array(call)), (parts) => {
      const numbers = new Float64Array(10_000);
      const tape = makeTape(numbers);
      tape.kernels.toPixels(1, 2, 3, 4, 5, 6);
      tape.clear();
      for (const calls of parts) {
        const start = tape.position;
        make(tape.kernels, calls);
        const { kernels, noted } = noting();
        play(kernels, numbers, start, tape.position);
        expect(noted).toEqual(calls);
      }
      expect(tape.isFull).toBe(false);
    }),
  );
});

it('says when there is no more room, and writes nothing beyond it', () => {
  const numbers = new Float64Array(64);
  const tape = makeTape(numbers.subarray(0, 32));
  for (let i = 0; i < 10; i++) tape.kernels.sparseTile(1, 2, 3, 4, 5, 6, 7, 8, 9);
  expect(tape.isFull).toBe(true);
  expect(tape.position).toBeLessThanOrEqual(32);
  expect([...numbers.subarray(32)].every((word) => word === 0)).toBe(true);
  tape.clear();
  expect(tape).toMatchObject({ isFull: false, position: 0 });
});
