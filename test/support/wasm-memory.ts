import * as tf from '@tensorflow/tfjs';

/** What is counted of the Emscripten module behind tfjs's wasm backend. */
interface Allocator {
  _malloc(bytes: number): number;
  _free(address: number): void;
}

/** Blocks of the wasm backend's memory that have been allocated since, and not freed. */
export interface Outstanding {
  blocks(): number;
  /** How many were freed that had been freed already. */
  freedTwice(): number;
  stop(): void;
}

/** Counts them from now on; until it is stopped. */
export function outstanding(): Outstanding {
  // The wasm backend has it; no type of tfjs says so.
  const { wasm } = tf.backend() as unknown as { wasm: Allocator };
  const { _malloc, _free } = wasm;
  const blocks = new Set<number>();
  const freed = new Set<number>();
  let freedTwice = 0;
  wasm._malloc = (bytes) => {
    const address = _malloc(bytes);
    blocks.add(address >>> 0);
    freed.delete(address >>> 0);
    return address;
  };
  wasm._free = (address) => {
    if (freed.has(address >>> 0)) freedTwice++;
    if (blocks.delete(address >>> 0)) freed.add(address >>> 0);
    _free(address);
  };
  return {
    blocks: () => blocks.size,
    freedTwice: () => freedTwice,
    stop: () => void Object.assign(wasm, { _malloc, _free }),
  };
}
