import { bytesOf, ELEMENT_SIZE } from '../elements';
import type { FilePieces } from '../target';
import type { DType, StateDict, TensorData } from '../tensor-data';
import { PickleWriter } from './pickle-writer';
import { STORAGE_DTYPES } from './storage';
import { type ZipEntry, zipPieces } from './zip-writer';

/** The zip's folder, as torch calls it where a file has no name. */
const ROOT = 'archive';
/** The version of the format that torch writes for state dicts. */
const VERSION = '3\n';

const STORAGES: ReadonlyMap<DType, string> = new Map(
  [...STORAGE_DTYPES].map(([name, dtype]) => [dtype, name.replace('torch.', '')]),
);

/**
 * A state dict as `torch.save` writes it: an OrderedDict of tensors, each with a storage of its own.
 *
 * @param dict Tensors that have been checked.
 * @returns The file.
 */
export function pthPieces(dict: StateDict): FilePieces {
  const tensors = [...dict.values()];
  const entries = [
    entryOf('data.pkl', pickleOf(dict)),
    entryOf('byteorder', new TextEncoder().encode('little')),
    ...tensors.map((tensor, i) => ({
      name: `${ROOT}/data/${i}`,
      size: tensor.data.length * ELEMENT_SIZE[tensor.dtype],
      bytes: () => bytesOf(tensor),
    })),
    entryOf('version', new TextEncoder().encode(VERSION)),
  ];
  return zipPieces(entries);
}

function entryOf(name: string, bytes: Uint8Array): ZipEntry {
  return { name: `${ROOT}/${name}`, size: bytes.length, bytes: () => bytes };
}

function pickleOf(dict: StateDict): Uint8Array {
  const pickle = new PickleWriter().orderedDict().mark();
  let key = 0;
  for (const [name, tensor] of dict) {
    pickle.text(name);
    writeTensor(pickle, tensor, String(key++));
  }
  return pickle.setItems().toBytes();
}

/** `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks)` */
function writeTensor(pickle: PickleWriter, { shape, dtype, data }: TensorData, key: string): void {
  pickle.global('torch._utils', '_rebuild_tensor_v2').mark();
  pickle
    .mark()
    .word('storage')
    .global('torch', STORAGES.get(dtype)!)
    .text(key)
    .word('cpu')
    .natural(data.length);
  pickle.tuple().reference();
  pickle.natural(0).naturals(shape).naturals(stridesOf(shape)).boolean(false).orderedDict();
  pickle.tuple().call();
}

/** Those of elements side by side. torch counts axes of no elements as one. */
function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = strides[axis + 1]! * Math.max(shape[axis + 1]!, 1);
  }
  return strides;
}
