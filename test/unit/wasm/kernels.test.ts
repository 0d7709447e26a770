import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Heap } from '../../../src/wasm/heap';
import { kernelsFor } from '../../../src/wasm/kernels';

afterEach(() => vi.restoreAllMocks());

/** A memory that no backend has. */
function heapIn(memory: WebAssembly.Memory | undefined): Heap {
  return {
    memory,
    threads: 1,
    buffer: memory?.buffer ?? new ArrayBuffer(0),
    allocate: () => undefined,
    free: () => {},
    addressOf: () => undefined,
  };
}

describe.each([false, true])('the kernels for a memory (shared: %s)', (shared) => {
  it.each([
    [1, 1],
    [3, 5],
    [4, 4],
    [9, 6],
    [28, 17],
  ])('transpose %i × %i, with steps, and touch nothing else', async (rows, columns) => {
    const memory = new WebAssembly.Memory({ initial: 4, maximum: 65536, shared });
    const { toPlanes, toPixels } = await kernelsFor(heapIn(memory));
    for (const transpose of [toPlanes, toPixels]) {
      const floats = new Float32Array(memory.buffer, 0, 4096);
      floats.fill(-1);
      const [srcStep, dstStep, dst] = [columns + 2, rows + 3, 2048];
      for (let i = 0; i < rows * srcStep; i++) floats[i] = i;
      transpose(0, 4 * srcStep, rows, columns, 4 * dst, 4 * dstStep);
      const expected = new Float32Array(2048).fill(-1);
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          expected[column * dstStep + row] = row * srcStep + column;
        }
      }
      expect(floats.slice(dst)).toEqual(expected);
    }
  });
});

describe('where there are no kernels', () => {
  const heap = (): Heap => heapIn(new WebAssembly.Memory({ initial: 1 }));

  it('an engine without SIMD is named', async () => {
    vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
    await expect(kernelsFor(heap())).rejects.toMatchObject({
      kind: 'unsupported',
      message: expect.stringContaining('SIMD'),
    });
  });

  it('a content security policy is named, with what it must allow', async () => {
    const refusal = new WebAssembly.CompileError('Wasm code generation disallowed by embedder');
    vi.spyOn(WebAssembly, 'instantiate').mockRejectedValue(refusal);
    await expect(kernelsFor(heap())).rejects.toMatchObject({
      kind: 'unsupported',
      cause: refusal,
      message: expect.stringContaining("'wasm-unsafe-eval'"),
    });
  });

  it('another try may succeed', async () => {
    const one = heap();
    vi.spyOn(WebAssembly, 'instantiate').mockRejectedValueOnce(new Error('busy'));
    await expect(kernelsFor(one)).rejects.toThrow('busy');
    expect((await kernelsFor(one)).toPlanes).toBeTypeOf('function');
  });

  it('a backend that hides its memory is named', async () => {
    await expect(kernelsFor(heapIn(undefined))).rejects.toMatchObject({ kind: 'unsupported' });
  });
});
