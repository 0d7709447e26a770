import { narrowBfloat16, narrowFloat16, widenBfloat16, widenFloat16 } from './half';
import type { DType, TensorData, TensorElements } from './tensor-data';

/** How many bytes an element takes in a file. */
export const ELEMENT_SIZE: Readonly<Record<DType, 1 | 2 | 4 | 8>> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/**
 * Reads little-endian elements. Where the bytes lie at a multiple of the element's size, the result is a view of them.
 *
 * @param bytes The elements as in the file; a whole number of them.
 * @param dtype Their type.
 * @returns The elements: 16-bit floats widened to float32, all others as they are.
 */
export function elementsOf(bytes: Uint8Array, dtype: DType): TensorElements {
  const { buffer, byteOffset } = aligned(bytes, ELEMENT_SIZE[dtype]);
  const length = bytes.length / ELEMENT_SIZE[dtype];
  switch (dtype) {
    case 'float64':
      return new Float64Array(buffer, byteOffset, length);
    case 'float32':
      return new Float32Array(buffer, byteOffset, length);
    case 'float16':
      return widenFloat16(new Uint16Array(buffer, byteOffset, length));
    case 'bfloat16':
      return widenBfloat16(new Uint16Array(buffer, byteOffset, length));
    case 'int64':
      return new BigInt64Array(buffer, byteOffset, length);
    case 'int32':
      return new Int32Array(buffer, byteOffset, length);
    case 'int16':
      return new Int16Array(buffer, byteOffset, length);
    case 'int8':
      return new Int8Array(buffer, byteOffset, length);
    case 'uint8':
    case 'bool':
      return new Uint8Array(buffer, byteOffset, length);
  }
}

/**
 * The opposite of {@link elementsOf}: elements as a file has them.
 *
 * @param tensor The elements and the type that they are to have in the file.
 * @returns Their bytes, little-endian: new ones for 16-bit floats, which are rounded; a view for all others.
 */
export function bytesOf({ data, dtype }: TensorData): Uint8Array {
  const elements = data instanceof Float32Array ? narrowed(data, dtype) : data;
  return new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
}

function narrowed(data: Float32Array, dtype: DType): Float32Array | Uint16Array {
  if (dtype === 'float16') return narrowFloat16(data);
  return dtype === 'bfloat16' ? narrowBfloat16(data) : data;
}

/**
 * Whether reading makes new elements rather than a view.
 *
 * @param bytes The elements as in the file.
 * @param dtype Their type.
 * @returns How many bytes the new elements take; 0 for a view.
 */
export function bytesToAllocate(bytes: Uint8Array, dtype: DType): number {
  if (dtype === 'float16' || dtype === 'bfloat16') return bytes.length * 2;
  return bytes.byteOffset % ELEMENT_SIZE[dtype] === 0 ? 0 : bytes.length;
}

/**
 * Copies elements that do not lie side by side.
 *
 * @param bytes The elements as in the file, the first one first.
 * @param size Bytes of an element.
 * @param shape Size of each axis, none of them 0.
 * @param strides For each axis, how many elements apart its neighbours lie.
 * @returns The elements side by side, in row-major order.
 */
export function gather(
  bytes: Uint8Array,
  size: 1 | 2 | 4 | 8,
  shape: readonly number[],
  strides: readonly number[],
): Uint8Array {
  if (size === 8) {
    const inHalves = strides.map((stride) => stride * 2);
    return gather(bytes, 4, [...shape, 2], [...inHalves, 1]);
  }
  const source = words(aligned(bytes, size), size);
  const target = words(new Uint8Array(size * shape.reduce((count, n) => count * n, 1)), size);
  const innermost = shape.at(-1) ?? 1;
  const step = strides.at(-1) ?? 1;
  const index = new Array<number>(Math.max(shape.length - 1, 0)).fill(0);
  let from = 0;
  for (let to = 0; to < target.length; to += innermost) {
    for (let i = 0; i < innermost; i++) target[to + i] = source[from + i * step]!;
    for (let axis = index.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= shape[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return new Uint8Array(target.buffer);
}

function words(bytes: Uint8Array, size: 1 | 2 | 4): Uint8Array | Uint16Array | Uint32Array {
  const { buffer, byteOffset } = bytes;
  const length = Math.floor(bytes.length / size);
  if (size === 4) return new Uint32Array(buffer, byteOffset, length);
  return size === 2 ? new Uint16Array(buffer, byteOffset, length) : bytes;
}

function aligned(bytes: Uint8Array, size: number): Uint8Array {
  return bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
}
