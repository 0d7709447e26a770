import * as tf from '@tensorflow/tfjs';

/** What is used of the Emscripten module behind tfjs's wasm backend. */
interface Emscripten {
  readonly HEAPU8: Uint8Array;
  readonly wasmMemory?: WebAssembly.Memory;
  readonly asm?: { readonly memory?: WebAssembly.Memory };
  readonly tfjs?: { getThreadsCount?(): number };
  _malloc(bytes: number): number;
  _free(address: number): void;
}

/** What is used of tfjs's wasm backend. */
interface WasmBackend {
  readonly wasm: Emscripten;
  readonly dataIdMap: {
    /** Fetches the data from another backend if it is there. */
    get(dataId: object): { readonly memoryOffset: number | null } | undefined;
  };
}

/** The memory in which tfjs's wasm backend keeps its tensors. It may grow whenever something is allocated in it. */
export interface Heap {
  /** The WebAssembly memory; undefined where this build of the backend does not show it. */
  readonly memory: WebAssembly.Memory | undefined;
  /** How many threads tfjs computes with in it. */
  readonly threads: number;
  /** The bytes as they are now, to be asked for again after anything was allocated. */
  readonly buffer: ArrayBufferLike;
  /**
   * @param bytes How many.
   * @returns The address, a multiple of 8; undefined where there is no memory left.
   */
  allocate(bytes: number): number | undefined;
  /** @param address What `allocate` gave. */
  free(address: number): void;
  /**
   * @param dataId A tensor's.
   * @returns Where its values begin, which are brought here from another backend first; undefined for strings.
   */
  addressOf(dataId: object): number | undefined;
}

const heaps = new WeakMap<Emscripten, Heap>();

/** @returns The memory of the wasm backend if that is the active one. */
export function activeHeap(): Heap | undefined {
  return tf.getBackend() === 'wasm' ? heapOf(tf.backend()) : undefined;
}

/**
 * @param backend A backend of tfjs.
 * @returns Its memory if it is the wasm backend and not disposed.
 */
export function heapOf(backend: object): Heap | undefined {
  if (!isWasmBackend(backend)) return undefined;
  const known = heaps.get(backend.wasm);
  if (known !== undefined) return known;
  const heap = makeHeap(backend);
  heaps.set(backend.wasm, heap);
  return heap;
}

function isWasmBackend(backend: object): backend is WasmBackend {
  return 'wasm' in backend && backend.wasm !== null && 'dataIdMap' in backend;
}

function makeHeap({ wasm, dataIdMap }: WasmBackend): Heap {
  return {
    memory: wasm.wasmMemory ?? wasm.asm?.memory,
    get threads() {
      return wasm.tfjs?.getThreadsCount?.() ?? 1;
    },
    get buffer() {
      return wasm.HEAPU8.buffer;
    },
    allocate: (bytes) => wasm._malloc(bytes) >>> 0 || undefined,
    free: (address) => wasm._free(address),
    addressOf: (dataId) => dataIdMap.get(dataId)?.memoryOffset ?? undefined,
  };
}
