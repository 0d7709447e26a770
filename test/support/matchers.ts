import { expect } from 'vitest';

/** A tensor, as far as a comparison needs one; keeps this file free of tfjs for the tests that run without it. */
interface TensorLike {
  readonly shape: readonly number[];
  dataSync(): ArrayLike<number>;
}

/** What {@link expect} can compare: a number, a typed array, a tensor, or arrays of these to any depth. */
export type Numbers = number | ArrayLike<number> | TensorLike | readonly Numbers[];

/** |actual − expected| ≤ atol + rtol × |expected|, the rule (and the defaults) of torch.allclose. */
export interface Tolerance {
  readonly rtol?: number;
  readonly atol?: number;
}

declare module 'vitest' {
  interface Matchers<T> {
    /** Same structure, and every number within the tolerance. NaN matches NaN, an infinity itself. */
    toBeAllClose(expected: Numbers, tolerance?: Tolerance): T;
  }
}

interface Comparison {
  readonly rtol: number;
  readonly atol: number;
  count: number;
  far: number;
  worst: { path: string; actual: number; expected: number; excess: number } | undefined;
  mismatch: string | undefined;
}

function isTensor(value: unknown): value is TensorLike {
  return typeof value === 'object' && value !== null && 'dataSync' in value && 'shape' in value;
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

function compareNumbers(actual: number, expected: number, path: () => string, into: Comparison): void {
  into.count++;
  if (Object.is(actual, expected) || actual === expected) return;
  const distance = Math.abs(actual - expected);
  const allowed = into.atol + into.rtol * Math.abs(expected);
  if (Number.isFinite(distance) && distance <= allowed) return;
  into.far++;
  const excess = Number.isFinite(distance) ? distance - allowed : Infinity;
  if (into.worst === undefined || excess > into.worst.excess) {
    into.worst = { path: path(), actual, expected, excess };
  }
}

function compare(actual: unknown, expected: unknown, path: string, into: Comparison): void {
  if (typeof actual === 'number' && typeof expected === 'number') {
    compareNumbers(actual, expected, () => path, into);
  } else if (isTensor(actual) && isTensor(expected) && `${actual.shape}` !== `${expected.shape}`) {
    into.mismatch = `${path} has shape [${actual.shape}] where [${expected.shape}] was expected`;
  } else if (isTensor(actual)) {
    compare(actual.dataSync(), expected, path, into);
  } else if (isTensor(expected)) {
    compare(actual, expected.dataSync(), path, into);
  } else if (isList(actual) && isList(expected)) {
    if (actual.length !== expected.length) {
      into.mismatch = `${path} has ${actual.length} elements where ${expected.length} were expected`;
      return;
    }
    compareLists(actual, expected, path, into);
  } else {
    into.mismatch = `${path} is ${describe(actual)} where ${describe(expected)} was expected`;
  }
}

function compareLists(
  actual: ArrayLike<unknown>,
  expected: ArrayLike<unknown>,
  path: string,
  into: Comparison,
): void {
  let i = 0;
  // Made only when it is needed: tests compare millions of numbers.
  const pathOfElement = (): string => `${path}[${i}]`;
  for (; i < actual.length && into.mismatch === undefined; i++) {
    const [a, e] = [actual[i], expected[i]];
    if (typeof a === 'number' && typeof e === 'number') compareNumbers(a, e, pathOfElement, into);
    else compare(a, e, pathOfElement(), into);
  }
}

function describe(value: unknown): string {
  return isList(value) ? `a list of ${value.length}` : `${typeof value} ${String(value)}`;
}

function explain({ mismatch, worst, far, count, rtol, atol }: Comparison): string {
  if (mismatch !== undefined) return mismatch;
  if (worst === undefined) return `all ${count} numbers are within rtol ${rtol}, atol ${atol}`;
  const { path, actual, expected } = worst;
  const distance = Math.abs(actual - expected);
  return (
    `${far} of ${count} numbers are not within rtol ${rtol}, atol ${atol}; ` +
    `the farthest is ${path}: ${actual} where ${expected} was expected (off by ${distance})`
  );
}

expect.extend({
  toBeAllClose(actual: unknown, expected: Numbers, { rtol = 1e-5, atol = 1e-8 }: Tolerance = {}) {
    const result: Comparison = { rtol, atol, count: 0, far: 0, worst: undefined, mismatch: undefined };
    compare(actual, expected, 'value', result);
    return {
      pass: result.mismatch === undefined && result.far === 0,
      message: () => explain(result),
    };
  },
});
