/** A module's bytes in base64, for the backend's own memory and for one that its threads share. */
export interface ModuleBytes {
  readonly plain: string;
  readonly shared: string;
}

/**
 * @param memory The backend's memory.
 * @param bytes The module.
 * @returns The bytes of the variant that can import this memory.
 */
export function bytesFor(
  memory: WebAssembly.Memory,
  { plain, shared }: ModuleBytes,
): Uint8Array<ArrayBuffer> {
  const isShared = typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
  return Uint8Array.from(atob(isShared ? shared : plain), (char) => char.charCodeAt(0));
}

/**
 * Compiles and instantiates at once, for functions that cannot wait.
 *
 * @param memory The backend's memory.
 * @param bytes The module.
 * @returns The instance; undefined where that is not possible: no SIMD, a content security policy, or a browser that does not
 *   compile at once on a page's own thread.
 */
export function instantiateNow(
  memory: WebAssembly.Memory,
  bytes: ModuleBytes,
): WebAssembly.Instance | undefined {
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(bytesFor(memory, bytes)), { tfjs: { memory } });
  } catch {
    return undefined;
  }
}
