import { Cursor, decodeText, refuse } from '../cursor';
import { ELEMENT_SIZE, elementsOf } from '../elements';
import { readAs } from '../lookalike';
import type { DType, StateDict } from '../tensor-data';
import { DTYPES } from './dtypes';
import { type HeaderEntry, readHeader } from './header';

/** The header's length, a 64-bit integer. */
const PREFIX_SIZE = 8;
/** The format's own limit. */
const LARGEST_HEADER = 100_000_000;

/**
 * Reads a safetensors file's bytes as tensors by name.
 *
 * @param bytes The whole file. The tensors are views of it wherever their bytes allow.
 * @param label What to call the file in messages.
 * @returns The tensors in the header's order.
 * @throws {@link PruneError} `file` for anything but such a file, down to bytes that belong to no tensor.
 */
export function parseSafetensors(bytes: Uint8Array, label: string): StateDict {
  return readAs('safetensors', bytes, label, parse);
}

function parse(bytes: Uint8Array): StateDict {
  if (bytes.length === 0) refuse('it is empty');
  const cursor = new Cursor(bytes, 'the file');
  const length = cursor.u32() + cursor.u32() * 2 ** 32;
  if (length > LARGEST_HEADER) {
    refuse(
      `its header would have ${length} bytes, more than the ${LARGEST_HEADER} that the format allows: it is another kind of file`,
      length,
    );
  }
  const header = readHeader(decodeText(cursor.take(length), 'the header'));
  const data = bytes.subarray(PREFIX_SIZE + length);
  checkCoverage(header, data.length);
  const tensors: StateDict = new Map();
  for (const [name, entry] of header) {
    const dtype = dtypeOf(name, entry);
    tensors.set(name, {
      shape: entry.shape,
      dtype,
      data: elementsOf(data.subarray(entry.start, entry.end), dtype),
    });
  }
  return tensors;
}

/** The format wants the tensors to cover all bytes, without gaps or overlaps, so that a file can hide nothing. */
function checkCoverage(header: ReadonlyMap<string, HeaderEntry>, length: number): void {
  const entries = [...header].sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  let covered = 0;
  for (const [name, entry] of entries) {
    const { start, end } = entry;
    checkSize(name, entry);
    if (end > length) {
      refuse(`'${name}' is said to end at byte ${end} of ${length}: the file is cut off, or wrong`, end);
    }
    if (start > covered) refuse(`the ${start - covered} bytes before '${name}' belong to no tensor`, start);
    if (start < covered) refuse(`'${name}' overlaps the tensor before it`, start);
    covered = end;
  }
  if (covered < length) refuse(`its last ${length - covered} bytes belong to no tensor`, length);
}

function checkSize(name: string, entry: HeaderEntry): void {
  const { shape, start, end } = entry;
  const size = shape.reduce((product, n) => product * n, ELEMENT_SIZE[dtypeOf(name, entry)]);
  // Not `!==` of counts that overflow: those are no size of any file.
  if (size === end - start) return;
  refuse(
    `'${name}' of ${entry.dtype} [${shape}] takes ${size} bytes, but its offsets are ${start} and ${end}`,
    [start, end],
  );
}

function dtypeOf(name: string, { dtype }: HeaderEntry): DType {
  return (
    DTYPES.get(dtype) ??
    refuse(`'${name}' is of type '${dtype}'; what is read is ${[...DTYPES.keys()].join(', ')}`, dtype)
  );
}
