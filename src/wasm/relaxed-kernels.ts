import { bytesFor } from './compile';
import type { Heap } from './heap';
import type { Kernels } from './kernels';
import { PLAIN, SHARED } from './relaxed-binary';

/** The kernels that multiply, which round a product and its sum together. */
export type RelaxedKernels = Pick<
  Kernels,
  'sparseTile' | 'sparseTileNear' | 'sparseBlock8' | 'sparseBlock16'
>;

const instances = new WeakMap<WebAssembly.Memory, Promise<RelaxedKernels | undefined>>();

/**
 * The kernels for a memory, compiled once.
 *
 * @param heap The wasm backend's memory.
 * @returns The kernels; undefined where the engine has no relaxed SIMD, or a content security policy set since forbids to
 *   compile them.
 */
export async function relaxedKernelsFor({ memory }: Heap): Promise<RelaxedKernels | undefined> {
  if (memory === undefined) return undefined;
  let kernels = instances.get(memory);
  if (kernels === undefined) {
    kernels = instantiate(memory);
    instances.set(memory, kernels);
  }
  return kernels;
}

/**
 * @param memory The backend's.
 * @returns The bytes of the module that makes the kernels for it.
 */
export function relaxedBytes(memory: WebAssembly.Memory): Uint8Array<ArrayBuffer> {
  return bytesFor(memory, { plain: PLAIN, shared: SHARED });
}

async function instantiate(memory: WebAssembly.Memory): Promise<RelaxedKernels | undefined> {
  const bytes = relaxedBytes(memory);
  if (!WebAssembly.validate(bytes)) return undefined;
  try {
    const { instance } = await WebAssembly.instantiate(bytes, { tfjs: { memory } });
    const exports: object = instance.exports;
    // What they are is fixed by the module's text, in wat/relaxed-module.ts.
    return exports as RelaxedKernels;
  } catch {
    return undefined;
  }
}
