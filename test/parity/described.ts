import type { StateDict } from 'tfjs-prune/weights';
import { expect } from 'vitest';

/** A tensor as the fixtures' scripts write it down. */
export interface Described {
  readonly dtype: string;
  readonly shape: number[];
  readonly data: Array<number | string>;
}

const special = new Map([
  ['nan', Number.NaN],
  ['inf', Infinity],
  ['-inf', -Infinity],
]);

function elements({ dtype, data }: Described): Array<number | bigint> {
  return data.map((value) =>
    dtype === 'int64' ? BigInt(value) : (special.get(String(value)) ?? Number(value)),
  );
}

/** Checks that tensors are those of a fixture: names and their order, types, shapes, and elements. */
export function expectAsDescribed(
  state: StateDict,
  expected: Array<[name: string, tensor: Described]>,
): void {
  expect([...state.keys()]).toEqual(expected.map(([name]) => name));
  for (const [name, described] of expected) {
    const tensor = state.get(name)!;
    expect({ ...tensor, data: [...tensor.data] }, name).toEqual({ ...described, data: elements(described) });
  }
}
