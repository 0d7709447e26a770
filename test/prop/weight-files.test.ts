import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import {
  readPth,
  readSafetensors,
  type StateDict,
  type TensorData,
  writePth,
  writeSafetensors,
} from 'tfjs-prune/weights';
import { describe, expect, it } from 'vitest';
import { narrowBfloat16, narrowFloat16, widenBfloat16, widenFloat16 } from '../../src/weights/half';
import { crc32 } from '../../src/weights/pth/crc32';

/** Elements of each type, from as many random bytes as they take. */
const types = {
  float64: { size: 8, of: (bytes: ArrayBuffer) => new Float64Array(bytes) },
  float32: { size: 4, of: (bytes: ArrayBuffer) => new Float32Array(bytes) },
  float16: { size: 2, of: (bytes: ArrayBuffer) => widenFloat16(new Uint16Array(bytes)) },
  bfloat16: { size: 2, of: (bytes: ArrayBuffer) => widenBfloat16(new Uint16Array(bytes)) },
  int64: { size: 8, of: (bytes: ArrayBuffer) => new BigInt64Array(bytes) },
  int32: { size: 4, of: (bytes: ArrayBuffer) => new Int32Array(bytes) },
  int16: { size: 2, of: (bytes: ArrayBuffer) => new Int16Array(bytes) },
  int8: { size: 1, of: (bytes: ArrayBuffer) => new Int8Array(bytes) },
  uint8: { size: 1, of: (bytes: ArrayBuffer) => new Uint8Array(bytes) },
  bool: { size: 1, of: (bytes: ArrayBuffer) => new Uint8Array(bytes).map((byte) => byte & 1) },
} as const;

const tensor: fc.Arbitrary<TensorData> = fc
  .record({
    dtype: fc.constantFrom(...(Object.keys(types) as Array<keyof typeof types>)), // its own keys, in a type
    shape: fc.array(fc.nat(3), { maxLength: 4 }),
  })
  .chain(({ dtype, shape }) => {
    const length = types[dtype].size * shape.reduce((size, n) => size * n, 1);
    const bytes = fc.uint8Array({ minLength: length, maxLength: length });
    return bytes.map((values) => ({ shape, dtype, data: types[dtype].of(values.slice().buffer) }));
  });
const dict: fc.Arbitrary<StateDict> = fc
  .array(fc.tuple(fc.string({ unit: 'grapheme' }), tensor), { maxLength: 6 })
  .map((entries) => new Map(entries.filter(([name]) => name !== '__metadata__')));

/** Tensors with their elements as bits, so that every NaN counts. */
const bits = (state: StateDict): unknown[] =>
  [...state].map(([name, { shape, dtype, data }]) => {
    const elements = data instanceof Float32Array && dtype === 'float16' ? narrowFloat16(data) : data;
    const stored = data instanceof Float32Array && dtype === 'bfloat16' ? narrowBfloat16(data) : elements;
    return [name, shape, dtype, [...new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength)]];
  });

describe('what is written is read again, bit for bit', () => {
  it('from a .pth file, in order', async () => {
    const law = fc.asyncProperty(dict, async (state) => {
      expect(bits(await readPth(await writePth(state)))).toEqual(bits(state));
    });
    await fc.assert(law, { numRuns: 300 });
  });

  it('from a safetensors file, in any order', async () => {
    const law = fc.asyncProperty(dict, async (state) => {
      const again = await readSafetensors(await writeSafetensors(state));
      const inOrder = new Map([...state.keys()].map((name) => [name, again.get(name)!]));
      expect(again.size).toBe(state.size);
      expect(bits(inOrder)).toEqual(bits(state));
    });
    await fc.assert(law, { numRuns: 300 });
  });

  it('whatever the order of the tensors, a safetensors file is the same', async () => {
    const law = fc.asyncProperty(dict, async (state) => {
      const reversed = new Map([...state].reverse());
      expect(await writeSafetensors(reversed)).toEqual(await writeSafetensors(state));
    });
    await fc.assert(law, { numRuns: 100 });
  });
});

it("the CRC-32 is zlib's, wherever the bytes lie", () => {
  const law = fc.property(fc.uint8Array({ maxLength: 80, size: 'max' }), fc.nat(8), (bytes, start) => {
    const part = bytes.subarray(start);
    expect(crc32(part)).toBe(zlibCrc32(part));
  });
  fc.assert(law, { numRuns: 1000 });
});
