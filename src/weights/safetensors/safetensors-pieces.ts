import { bytesOf, ELEMENT_SIZE } from '../elements';
import type { FilePieces } from '../target';
import type { StateDict, TensorData } from '../tensor-data';
import { PLACES } from './dtypes';

const ALIGNMENT = 8;
const encoder = new TextEncoder();

interface Placed {
  readonly name: string;
  readonly sortName: Uint8Array;
  readonly tensor: TensorData;
}

/**
 * Tensors as the format's reference implementation writes them: those of the largest elements first, then by name; the
 * header padded with spaces, so that the data is aligned.
 *
 * @param dict Tensors that have been checked.
 * @param metadata Texts for the header's `__metadata__`, which is left out if there are none.
 * @returns The file.
 */
export function safetensorsPieces(dict: StateDict, metadata: ReadonlyMap<string, string>): FilePieces {
  const tensors = [...dict].map(([name, tensor]) => ({ name, sortName: encoder.encode(name), tensor }));
  tensors.sort((a, b) => orderOf(a) - orderOf(b) || compareBytes(a.sortName, b.sortName));
  const header = headerOf(tensors, metadata);
  const size = tensors.reduce((sum, { tensor }) => sum + sizeOf(tensor), header.length);
  return { size, pieces: pieces(header, tensors) };
}

function* pieces(header: Uint8Array, tensors: readonly Placed[]): Iterable<Uint8Array> {
  yield header;
  for (const { tensor } of tensors) yield bytesOf(tensor);
}

function headerOf(tensors: readonly Placed[], metadata: ReadonlyMap<string, string>): Uint8Array {
  const members: string[] = [];
  if (metadata.size > 0) {
    members.push(`"__metadata__":${JSON.stringify(Object.fromEntries(metadata))}`);
  }
  let at = 0;
  for (const { name, tensor } of tensors) {
    const start = at;
    at += sizeOf(tensor);
    const { shape, dtype } = tensor;
    const entry = { dtype: PLACES.get(dtype)!.name, shape, data_offsets: [start, at] };
    members.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  }
  const json = encoder.encode(`{${members.join(',')}}`);
  const length = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
  const header = new Uint8Array(ALIGNMENT + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, ALIGNMENT);
  return header;
}

function sizeOf({ data, dtype }: TensorData): number {
  return data.length * ELEMENT_SIZE[dtype];
}

function orderOf({ tensor }: Placed): number {
  return PLACES.get(tensor.dtype)!.order;
}

/** The order of texts as UTF-8, which is not that of JavaScript's strings. */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
