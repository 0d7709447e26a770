import { type FileSource, readSource } from '../source';
import type { StateDict } from '../tensor-data';
import { parsePth } from './pth';

/**
 * Reads a .pth file that torch wrote: `torch.save(model.state_dict(), path)`, or a checkpoint, a dict that holds the
 * state dict under `state_dict`, `model_state_dict` or `model` (the first of these that is a dict). Tensors and
 * `nn.Parameter`s are read, whatever their strides, and storages that they share. The file is read as data: code in it
 * is never run, and a file that asks for any is refused by the name of what it asks for.
 *
 * Files from before torch 1.6 are read too.
 *
 * Differs from PyTorch: `torch.load` reads any object, as code.
 *
 * @param source The file's path (in Node), its bytes, or a stream of them (the web's or Node's, at most 4 GiB), which is read
 * to its end.
 * @returns The tensors by name in the file's order, in torch's layouts. They are views of the bytes given, wherever
 * those allow it; the garbage collector frees them.
 * @throws {@link PruneError} `file` if the file cannot be read, is cut off, was not written by torch, or asks for anything
 * but tensors in a dict; `unsupported` for a path in a browser; `argument` for a source of another
 * type, an address (see {@link download}), or a stream that is locked.
 * @example
 * ```ts
 * const weights = await readPth('resnet50-11ad3fa6.pth');
 * weights.get('conv1.weight')?.shape; // [64, 3, 7, 7]
 * ```
 */
export async function readPth(source: FileSource): Promise<StateDict> {
  const { bytes, label } = await readSource(source, 'readPth');
  return parsePth(bytes, label);
}
