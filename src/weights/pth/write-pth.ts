import { type FileTarget, joined, writeTo } from '../target';
import type { StateDict } from '../tensor-data';
import { checkWritable } from '../writable';
import { pthPieces } from './pth-pieces';

/**
 * Writes tensors as a .pth file, the way `torch.save(state_dict, path)` does since version 1.6. `torch.load` reads it, also
 * with `weights_only=True` or `mmap=True`: an OrderedDict of contiguous tensors on the CPU, in the Map's order.
 *
 * Differs from PyTorch: tensors that share a storage are written apart, and the dict has no `_metadata`.
 *
 * @param dict The tensors by name, such as {@link stateDict} or {@link readPth} gives. Those of type float16 and bfloat16
 * are rounded to it, which is exact where they came from such a file.
 * @returns The file's bytes.
 * @throws {@link PruneError} `argument` for what is no Map of tensors, or a tensor whose array is not that of its type;
 * `shape` where a shape and the number of elements differ.
 * @example
 * ```ts
 * await writePth(stateDict(model), 'pruned.pth');
 * ```
 */
export function writePth(dict: StateDict): Promise<Uint8Array>;
/**
 * The same to a path or a stream: tensor by tensor, so that the file is never in memory as a whole.
 *
 * @param dict The tensors by name.
 * @param target The file's path (in Node), which appears once it is complete, in place of a file that is there, whose
 * permissions it keeps; or a stream, the web's or Node's, which is closed at the end and aborted if something fails.
 * @throws {@link PruneError} as above, and `file` if the file cannot be written; `unsupported` for a path in a browser;
 * `argument` for a target of another type, or a stream that is locked.
 */
export function writePth(dict: StateDict, target: FileTarget): Promise<void>;
export async function writePth(dict: StateDict, target?: FileTarget): Promise<unknown> {
  checkWritable(dict, 'writePth');
  const file = pthPieces(dict);
  return target === undefined ? joined(file) : writeTo(file, target, 'writePth');
}
