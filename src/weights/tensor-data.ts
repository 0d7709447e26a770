/** The element types a file can hold, by torch's names without the `torch.`. */
export type DType =
  | 'float64'
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint8'
  | 'bool';

/** The typed arrays that elements come in. */
export type TensorElements =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array;

/** One tensor as plain data: in row-major order, in the layout its name stands for. */
export interface TensorData {
  /** Size of each axis, outermost first; empty for a single number. */
  readonly shape: readonly number[];
  /** The type in the file. */
  readonly dtype: DType;
  /**
   * The elements. float16 and bfloat16 are widened to float32, which is exact; bool is 0 and 1 in bytes; int64 is
   * BigInt64Array. May be a view of the file's own bytes, so treat it as read-only.
   */
  readonly data: TensorElements;
}

/** Tensors by name, in the order of the file or model: what torch's `state_dict()` is. */
export type StateDict = Map<string, TensorData>;

const ELEMENT_ARRAYS = [
  Float64Array,
  Float32Array,
  BigInt64Array,
  Int32Array,
  Int16Array,
  Int8Array,
  Uint8Array,
] as const;

/** Whether a value is one of the typed arrays that elements come in. */
export function isTensorElements(value: unknown): value is TensorElements {
  return ELEMENT_ARRAYS.some((type) => value instanceof type);
}

/**
 * The elements of a tensor as weights are stored.
 *
 * @param tensor The tensor.
 * @returns Its elements, rounded to float32; its own array where they are that already.
 */
export function float32Of({ data }: TensorData): Float32Array {
  if (data instanceof Float32Array) return data;
  return data instanceof BigInt64Array ? Float32Array.from(data, Number) : Float32Array.from(data);
}

/**
 * What to do about something that was given in place of a state dict.
 *
 * @param given What was given.
 * @returns The end of a sentence; nothing if there is nothing to say.
 */
export function remedyForDict(given: unknown): string {
  return given instanceof Promise ? ': await it' : '';
}
