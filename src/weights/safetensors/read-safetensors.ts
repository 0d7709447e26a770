import { type FileSource, readSource } from '../source';
import type { StateDict } from '../tensor-data';
import { parseSafetensors } from './safetensors';
import { isIndex, readShards } from './sharded';

/**
 * Reads a safetensors file, or all files of a model that is split into several: give the path of its
 * `model.safetensors.index.json`, beside which the others are. Everything the format's specification demands is checked
 * first: that offsets are inside the file, that tensors take the bytes that their shapes do, that they cover the file
 * without gaps or overlaps, and that no name is there twice. Texts under `__metadata__` are left out.
 *
 * Source: the format's [specification](https://github.com/huggingface/safetensors#format).
 *
 * @param source The file's path (in Node), its bytes, or a stream of them (the web's or Node's, at most 4 GiB), which is read
 * to its end.
 * @returns The tensors by name in the file's order, in torch's layouts. They are views of the file's bytes where those are
 * aligned, as the reference implementation writes them; 16-bit floats are widened to float32. The garbage collector frees
 * them.
 * @throws {@link PruneError} `file` if the file cannot be read, is cut off, breaks a rule of the format, or has a type besides
 * F64, F32, F16, BF16, I64, I32, I16, I8, U8 and BOOL; `unsupported` for a path in a browser; `argument` for a source of
 * another type, an address (see {@link download}), or a stream that is locked.
 * @example
 * ```ts
 * const weights = await readSafetensors('model.safetensors');
 * weights.get('conv1.weight')?.shape; // [64, 3, 7, 7]
 * ```
 */
export async function readSafetensors(source: FileSource): Promise<StateDict> {
  if (typeof source === 'string' && isIndex(source)) return readShards(source);
  const { bytes, label } = await readSource(source, 'readSafetensors');
  return parseSafetensors(bytes, label);
}
