import { readBytes } from '#bytes';
import { PruneError, shown } from '../../errors';
import type { StateDict } from '../tensor-data';
import { parsePth } from './pth';

/**
 * Reads a .pth file that torch wrote: `torch.save(model.state_dict(), path)`, or a checkpoint, a dict that holds the
 * state dict under `state_dict`, `model_state_dict` or `model` (the first of these that is a dict). Tensors and
 * `nn.Parameter`s are read, whatever their strides, and storages that they share. The file is read as data: code in it
 * is never run, and a file that asks for any is refused by the name of what it asks for.
 *
 * Differs from PyTorch: `torch.load` reads any object, as code. Files from before torch 1.6 are refused.
 *
 * @param source The file's path (in Node), or its bytes.
 * @returns The tensors by name in the file's order, in torch's layouts. They are views of the bytes given, wherever
 * those allow it; the garbage collector frees them.
 * @throws {@link PruneError} `file` if the file cannot be read, is cut off, is not a zip by torch, or asks for anything
 * but tensors in a dict; `unsupported` for a path in a browser; `argument` for a source of another type.
 * @example
 * ```ts
 * const weights = await readPth('resnet50-11ad3fa6.pth');
 * weights.get('conv1.weight')?.shape; // [64, 3, 7, 7]
 * ```
 */
export async function readPth(source: string | ArrayBuffer | Uint8Array): Promise<StateDict> {
  if (typeof source === 'string') return parsePth(await readBytes(source), `'${source}'`);
  if (source instanceof Uint8Array) return parsePth(source, 'the bytes given');
  if (source instanceof ArrayBuffer) return parsePth(new Uint8Array(source), 'the bytes given');
  throw new PruneError(
    'argument',
    `readPth needs a path, an ArrayBuffer or a Uint8Array, but got ${shown(source)}.`,
    {
      given: source,
      allowed: ['string', 'ArrayBuffer', 'Uint8Array'],
    },
  );
}
