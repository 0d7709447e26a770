import { refuse } from '../cursor';
import { ELEMENT_SIZE } from '../elements';
import type { DType } from '../tensor-data';
import { isGlobal, isNatural, isPersistent, isSequence, type PickleValue } from './pickle-value';

/** torch's classes of storages that are read. */
export const STORAGE_DTYPES: ReadonlyMap<string, DType> = new Map([
  ['torch.DoubleStorage', 'float64'],
  ['torch.FloatStorage', 'float32'],
  ['torch.HalfStorage', 'float16'],
  ['torch.BFloat16Storage', 'bfloat16'],
  ['torch.LongStorage', 'int64'],
  ['torch.IntStorage', 'int32'],
  ['torch.ShortStorage', 'int16'],
  ['torch.CharStorage', 'int8'],
  ['torch.ByteStorage', 'uint8'],
  ['torch.BoolStorage', 'bool'],
]);

/** What a pickle says of a storage: where its bytes are, and what they are. */
export interface StorageReference {
  readonly key: string;
  readonly dtype: DType;
  /** How many elements it has. */
  readonly numel: number;
  /** Which part of them is meant, in files from before torch 1.6. */
  readonly view: { readonly offset: number; readonly numel: number } | undefined;
}

/**
 * Reads a reference to a storage: the tuple ('storage', class, key, location, numel), in old files with the view's (key,
 * offset, numel) or None after that. The location, such as a graphics card, does not matter here.
 *
 * @param value A value of a pickle.
 * @param name Whose storage it is, for messages.
 * @returns The reference.
 * @throws {@link PruneError} `file` if it is none.
 */
export function storageReference(value: PickleValue | undefined, name: string): StorageReference {
  const id = isPersistent(value) && isSequence(value.id) ? value.id.items : [];
  const [tag, type, key, , numel, view] = id;
  if (tag !== 'storage' || !isGlobal(type) || typeof key !== 'string' || !isNatural(numel)) {
    return refuse(`'${name}' does not say which storage it is in`, name);
  }
  const dtype = STORAGE_DTYPES.get(type.name);
  if (dtype === undefined) return refuse(`'${name}' is in a storage of type '${type.name}'`, type.name);
  return { key, dtype, numel, view: viewOf(view, numel, name) };
}

function viewOf(value: PickleValue | undefined, numel: number, name: string): StorageReference['view'] {
  if (value === undefined || value === null) return undefined;
  const [, offset, size] = isSequence(value) ? value.items : [];
  if (!isNatural(offset) || !isNatural(size) || offset + size > numel) {
    return refuse(`'${name}' is in a view that does not fit its storage of ${numel} elements`, name);
  }
  return { offset, numel: size };
}

/**
 * The elements that a reference means.
 *
 * @param bytes The whole storage.
 * @param reference What the pickle says of it.
 * @returns Their bytes, as a view.
 */
export function referredBytes(bytes: Uint8Array, { dtype, numel, view }: StorageReference): Uint8Array {
  const size = ELEMENT_SIZE[dtype];
  const start = view?.offset ?? 0;
  return bytes.subarray(start * size, (start + (view?.numel ?? numel)) * size);
}
