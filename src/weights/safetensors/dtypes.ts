import type { DType } from '../tensor-data';

/**
 * The format's names of types, in the order in which the reference implementation lays tensors out: those of the largest
 * elements first, so that all are aligned.
 */
const NAMES = [
  ['int64', 'I64'],
  ['float64', 'F64'],
  ['float32', 'F32'],
  ['int32', 'I32'],
  ['bfloat16', 'BF16'],
  ['float16', 'F16'],
  ['int16', 'I16'],
  ['int8', 'I8'],
  ['uint8', 'U8'],
  ['bool', 'BOOL'],
] as const satisfies ReadonlyArray<readonly [DType, string]>;

/** Types by the format's names. */
export const DTYPES: ReadonlyMap<string, DType> = new Map(NAMES.map(([dtype, name]) => [name, dtype]));

/** The format's name of each type, and its place in the order. */
export const PLACES: ReadonlyMap<DType, { readonly name: string; readonly order: number }> = new Map(
  NAMES.map(([dtype, name], order) => [dtype, { name, order }]),
);
