import { PruneError, shown } from '../errors';
import {
  type DType,
  isTensorElements,
  remedyForDict,
  type StateDict,
  type TensorData,
  type TensorElements,
} from './tensor-data';

/** The array that each type comes in. */
const ARRAYS: Readonly<Record<DType, { readonly name: string } & (new (size: number) => TensorElements)>> = {
  float64: Float64Array,
  float32: Float32Array,
  float16: Float32Array,
  bfloat16: Float32Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

/**
 * Checks that tensors can be written to a file.
 *
 * @param dict The tensors; nothing is taken for granted.
 * @param caller The public function's name, for messages.
 * @throws {@link PruneError} `argument` for what is no Map of tensors by name; `shape` where a shape and the number of
 * elements differ.
 */
export function checkWritable(dict: StateDict, caller: string): void {
  if (!(dict instanceof Map)) {
    const allowed = 'a Map<string, TensorData>';
    throw new PruneError(
      'argument',
      `${caller} needs ${allowed}, such as stateDict gives, but got ${shown(dict)}${remedyForDict(dict)}.`,
      {
        given: dict,
        allowed,
      },
    );
  }
  for (const [name, tensor] of dict) {
    checkName(name, caller);
    checkTensor(name, tensor, caller);
  }
}

function checkName(name: unknown, caller: string): void {
  // Half of a surrogate pair has no UTF-8.
  if (typeof name === 'string' && !/\p{Surrogate}/u.test(name)) return;
  throw new PruneError('argument', `${caller} needs names that are text, but got ${shown(name)}.`, {
    given: name,
  });
}

function checkTensor(name: string, tensor: unknown, caller: string): void {
  if (!isTensorData(tensor)) {
    const allowed = '{ shape, dtype, data }';
    throw new PruneError('argument', `${caller}: '${name}' is ${shown(tensor)}, not ${allowed}.`, {
      given: tensor,
      allowed,
    });
  }
  const { shape, dtype, data } = tensor;
  if (!(data instanceof ARRAYS[dtype])) {
    const allowed = `a ${ARRAYS[dtype].name}`;
    throw new PruneError(
      'argument',
      `${caller}: '${name}' of type ${dtype} needs ${allowed}, but has ${shown(data)}.`,
      {
        given: data,
        allowed,
      },
    );
  }
  const size = shape.reduce((product, n) => product * n, 1);
  if (size !== data.length) {
    const message = `${caller}: '${name}' of shape [${shape.join(', ')}] needs ${size} elements, but has ${data.length}.`;
    throw new PruneError('shape', message, { given: data.length, allowed: String(size) });
  }
  if (dtype === 'bool' && data.some((value) => value !== 0 && value !== 1)) {
    const message = `${caller}: '${name}' of type bool has values besides 0 and 1.`;
    throw new PruneError('argument', message, { given: data, allowed: '0 and 1' });
  }
}

function isTensorData(value: unknown): value is TensorData {
  if (typeof value !== 'object' || value === null) return false;
  const { shape, dtype, data }: { shape?: unknown; dtype?: unknown; data?: unknown } = value;
  const isShape = Array.isArray(shape) && shape.every((n) => Number.isSafeInteger(n) && n >= 0);
  return isShape && typeof dtype === 'string' && Object.hasOwn(ARRAYS, dtype) && isTensorElements(data);
}
