/** How the backend's memory must be imported: a shared one only fits where that is said. */
const MEMORY = { plain: '(memory 1)', shared: '(memory 1 65536 shared)' } as const;

/** The backend's own memory, or one that its threads share. */
export type MemoryKind = keyof typeof MEMORY;

/**
 * Kernels as a WebAssembly module in text, which works in the memory of tfjs's wasm backend.
 *
 * @param memory `shared` for the backend's threaded build.
 * @param kernels Their text.
 */
export function moduleOf(memory: MemoryKind, kernels: readonly string[]): string {
  return `(module
(import "tfjs" "memory" ${MEMORY[memory]})
${kernels.join('\n')}
)`;
}
