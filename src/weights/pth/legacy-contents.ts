import { Cursor, refuse } from '../cursor';
import { ELEMENT_SIZE } from '../elements';
import { LARGEST_PICKLE, readPickleAt } from './pickle';
import { describe, isDict, isSequence, type PickleValue } from './pickle-value';
import { referredBytes, type StorageReference, storageReference } from './storage';
import type { PthContents } from './zip-contents';

/** The start of the first pickle: the magic number below. */
const START = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20];
const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;

/**
 * Whether a file is in the format that torch wrote before version 1.6.
 *
 * @param bytes The file, or its start.
 * @returns True if it begins as such files do.
 */
export function isLegacy(bytes: Uint8Array): boolean {
  return START.every((byte, i) => bytes[i] === byte);
}

/**
 * Opens what torch wrote before version 1.6, and still does with `_use_new_zipfile_serialization=False`: five pickles in a
 * row (a magic number, the version, facts about the machine, the value, the keys of its storages), then for each key the
 * number of elements as an int64, and the elements.
 *
 * @param bytes The whole file.
 * @param globals The names that the pickles may use.
 * @returns Its contents, as views of `bytes`.
 * @throws {@link PruneError} `file` for any other file.
 */
export function openLegacy(bytes: Uint8Array, globals: ReadonlySet<string>): PthContents {
  const references = new Map<string, StorageReference>();
  let at = 0;
  const next = (what: string, note?: (reference: PickleValue) => void): PickleValue => {
    const cursor = new Cursor(bytes.subarray(at, at + LARGEST_PICKLE), what);
    const value = readPickleAt(cursor, what, globals, note);
    at += cursor.offset;
    return value;
  };
  const magic = next('the magic number');
  if (magic !== MAGIC) refuse(`its magic number is ${describe(magic)}`);
  const version = next('the version');
  if (version !== VERSION) refuse(`it is of version ${describe(version)}, not ${VERSION}`);
  checkMachine(next('the description of the machine'));
  const value = next('the pickle', (reference) => note(references, reference));
  const keys = next('the list of storages');
  return { value, storages: storagesFrom(new Cursor(bytes, 'the file', at), keys, references) };
}

function checkMachine(facts: PickleValue): void {
  if (!isDict(facts)) refuse(`its description of the machine is ${describe(facts)}`);
  else if (facts.entries.get('little_endian') !== true) {
    refuse('it was written on a big-endian machine, which is not supported');
  }
}

/** Sizes of elements are only in the references, so all of them are needed, also those outside of the state dict. */
function note(references: Map<string, StorageReference>, value: PickleValue): void {
  const reference = storageReference(value, 'a tensor');
  const before = references.get(reference.key);
  if (before === undefined) references.set(reference.key, reference);
  else if (before.dtype !== reference.dtype || before.numel !== reference.numel) {
    refuse(`the pickle describes the storage '${reference.key}' in two ways`, reference.key);
  }
}

function storagesFrom(
  cursor: Cursor,
  keys: PickleValue,
  references: ReadonlyMap<string, StorageReference>,
): PthContents['storages'] {
  if (!isSequence(keys)) return refuse(`its list of storages is ${describe(keys)}`);
  const contents = new Map<string, Uint8Array>();
  for (const key of keys.items) {
    const reference = typeof key === 'string' ? references.get(key) : undefined;
    if (reference === undefined) return refuse(`nothing refers to its storage ${describe(key)}`);
    if (contents.has(reference.key)) refuse(`it has the storage '${reference.key}' twice`, reference.key);
    const numel = cursor.u64();
    if (numel !== reference.numel) {
      const { key: name, numel: said } = reference;
      refuse(`the storage '${name}' has ${numel} elements, but is said to have ${said}`, numel);
    }
    contents.set(reference.key, cursor.take(numel * ELEMENT_SIZE[reference.dtype]));
  }
  return {
    bytes: (reference, name) => {
      const bytes = contents.get(reference.key);
      return bytes === undefined
        ? refuse(`the storage '${reference.key}' of '${name}' is not in the file`, reference.key)
        : referredBytes(bytes, reference);
    },
  };
}
