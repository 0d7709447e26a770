import { isPth } from './lookalike';
import { parsePth } from './pth/pth';
import { parseSafetensors } from './safetensors/safetensors';
import { isIndex, readShards } from './safetensors/sharded';
import { type FileSource, readSource } from './source';
import type { StateDict } from './tensor-data';

/**
 * Reads a file of weights of either format, which its content tells, not its name: a .pth file begins as a zip or as torch's
 * pickles do; anything else is read as safetensors. The path of an index reads all its shards.
 *
 * @param source The file.
 * @param caller The public function's name, for messages.
 * @returns The tensors by name.
 * @throws {@link PruneError} as {@link readPth} and {@link readSafetensors}.
 */
export async function readStateDict(source: FileSource, caller: string): Promise<StateDict> {
  if (typeof source === 'string' && isIndex(source)) return readShards(source);
  const { bytes, label } = await readSource(source, caller);
  return isPth(bytes) ? parsePth(bytes, label) : parseSafetensors(bytes, label);
}
