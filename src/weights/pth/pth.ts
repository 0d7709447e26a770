import { PruneError } from '../../errors';
import { decodeText, refuse } from '../cursor';
import { bytesToAllocate, ELEMENT_SIZE, elementsOf, gather } from '../elements';
import type { DType, StateDict, TensorData } from '../tensor-data';
import { readPickle } from './pickle';
import {
  isCall,
  isDict,
  isGlobal,
  isPersistent,
  isSequence,
  type PickleDict,
  type PickleValue,
} from './pickle-value';
import { readZip } from './zip';

const STORAGE_DTYPES: ReadonlyMap<string, DType> = new Map([
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
const TENSOR = 'torch._utils._rebuild_tensor_v2';
const PARAMETER = 'torch._utils._rebuild_parameter';
const GLOBALS: ReadonlySet<string> = new Set([TENSOR, PARAMETER, ...STORAGE_DTYPES.keys()]);

/** Where training scripts commonly keep the state dict in a checkpoint, in the order they are looked for. */
const CHECKPOINT_KEYS = ['state_dict', 'model_state_dict', 'model'] as const;

const LEGACY_START = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20];
/** Of state dicts: torch's names are much shorter, pickles of whole optimisers still fit. */
const LARGEST_PICKLE = 2 ** 23;
const MOST_AXES = 64;
const LONGEST_BYTEORDER = 16;
/** Copies (of 16-bit, strided or unaligned tensors) may take this many times the file's size. */
const MOST_COPIED = 4;

interface Archive {
  readonly entries: ReadonlyMap<string, Uint8Array>;
  readonly root: string;
  /** How many more bytes may be allocated. */
  budget: number;
}

/**
 * Reads a .pth file's bytes as tensors by name. Nothing in the file is run.
 *
 * @param bytes The whole file. The tensors are views of it wherever their bytes allow.
 * @param label What to call the file in messages.
 * @returns The state dict: the dict under `state_dict`, `model_state_dict` or `model` if the file's dict has one, else
 * that dict itself.
 * @throws {@link PruneError} `file` for anything but a zip by torch that holds tensors in a dict.
 */
export function parsePth(bytes: Uint8Array, label: string): StateDict {
  try {
    return parse(bytes);
  } catch (cause) {
    if (!(cause instanceof PruneError)) throw cause;
    throw new PruneError('file', `Cannot read ${label} as a .pth file: ${cause.message}.`, {
      given: cause.given,
      cause,
    });
  }
}

function parse(bytes: Uint8Array): StateDict {
  if (LEGACY_START.every((byte, i) => bytes[i] === byte)) {
    refuse(
      'it is in the format that torch wrote before version 1.6, which is not supported. Load it in a newer torch and ' +
        'save it again with torch.save(state_dict, path)',
    );
  }
  const entries = readZip(bytes);
  const root = rootOf(entries);
  const byteorder = entries.get(`${root}/byteorder`)?.subarray(0, LONGEST_BYTEORDER);
  if (byteorder !== undefined && decodeText(byteorder, 'byteorder') !== 'little') {
    refuse('it was written on a big-endian machine, which is not supported');
  }
  const pickle = entries.get(`${root}/data.pkl`)!;
  if (pickle.length > LARGEST_PICKLE) {
    refuse(
      `data.pkl has ${pickle.length} bytes, more than the ${LARGEST_PICKLE} that are read`,
      pickle.length,
    );
  }
  const archive: Archive = { entries, root, budget: MOST_COPIED * bytes.length };
  const dict = stateDictIn(readPickle(pickle, 'data.pkl', GLOBALS));
  const tensors: StateDict = new Map();
  for (const [name, value] of dict.entries) {
    if (typeof name !== 'string') refuse(`its state dict has a key that is not a string: ${describe(name)}`);
    else tensors.set(name, readTensor(value, name, archive));
  }
  return tensors;
}

function rootOf(entries: ReadonlyMap<string, Uint8Array>): string {
  const roots = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (roots.length !== 1)
    refuse(`the zip must have one '<name>/data.pkl', but has ${roots.length}`, roots.length);
  return roots[0]!.slice(0, -'/data.pkl'.length);
}

function stateDictIn(value: PickleValue): PickleDict {
  if (!isDict(value)) {
    return refuse(`it holds ${describe(value)} rather than a dict: save model.state_dict()`);
  }
  for (const key of CHECKPOINT_KEYS) {
    const nested = value.entries.get(key);
    if (isDict(nested)) return nested;
  }
  return value;
}

function readTensor(value: PickleValue, name: string, archive: Archive): TensorData {
  // A Parameter is its tensor and whether it is trained.
  const inner = isCall(value) && value.callee === PARAMETER ? value.args[0] : value;
  if (!isCall(inner) || inner.callee !== TENSOR) {
    return refuse(`'${name}' is ${describe(value)}, not a tensor; a state dict holds tensors only`, name);
  }
  const [storage, offset, sizes, strides] = inner.args;
  const { dtype, bytes } = readStorage(storage, name, archive);
  const shape = naturals(sizes, `the shape of '${name}'`);
  const steps = naturals(strides, `the strides of '${name}'`);
  if (shape.length !== steps.length)
    refuse(`'${name}' has ${shape.length} sizes but ${steps.length} strides`);
  if (!isNatural(offset)) return refuse(`the storage offset of '${name}' is ${describe(offset)}`);

  const count = shape.reduce((product, size) => product * size, 1);
  const span = count === 0 ? 0 : 1 + shape.reduce((sum, size, axis) => sum + (size - 1) * steps[axis]!, 0);
  const capacity = Math.floor(bytes.length / ELEMENT_SIZE[dtype]);
  // Not `>`: sizes that multiply to infinity or NaN must not pass.
  if (!(offset + span <= capacity && count <= Number.MAX_SAFE_INTEGER)) {
    refuse(
      `'${name}' of shape [${shape}] and strides [${steps}] from offset ${offset} does not fit its storage of ${capacity} elements`,
      shape,
    );
  }
  const region = bytes.subarray(offset * ELEMENT_SIZE[dtype], (offset + span) * ELEMENT_SIZE[dtype]);
  return { shape, dtype, data: elementsIn(region, dtype, shape, steps, count, archive) };
}

function elementsIn(
  region: Uint8Array,
  dtype: DType,
  shape: readonly number[],
  strides: readonly number[],
  count: number,
  archive: Archive,
): TensorData['data'] {
  if (count === 0 || isContiguous(shape, strides)) {
    spend(archive, bytesToAllocate(region, dtype));
    return elementsOf(region, dtype);
  }
  const size = ELEMENT_SIZE[dtype];
  spend(archive, count * size + (region.byteOffset % size === 0 ? 0 : region.length));
  const packed = gather(region, size, shape, strides);
  spend(archive, bytesToAllocate(packed, dtype));
  return elementsOf(packed, dtype);
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}

function spend(archive: Archive, bytes: number): void {
  archive.budget -= bytes;
  if (archive.budget < 0) refuse(`its tensors take more than ${MOST_COPIED} times the size of the file`);
}

function readStorage(
  value: PickleValue | undefined,
  name: string,
  archive: Archive,
): { dtype: DType; bytes: Uint8Array } {
  const id = isPersistent(value) && isSequence(value.id) ? value.id.items : [];
  const [tag, type, key, , numel] = id;
  if (tag !== 'storage' || !isGlobal(type) || typeof key !== 'string' || !isNatural(numel)) {
    return refuse(`'${name}' does not say which storage it is in`, name);
  }
  const dtype = STORAGE_DTYPES.get(type.name);
  if (dtype === undefined) return refuse(`'${name}' is in a storage of type '${type.name}'`, type.name);
  const bytes = archive.entries.get(`${archive.root}/data/${key}`);
  if (bytes === undefined) return refuse(`the storage 'data/${key}' of '${name}' is not in the zip`, key);
  if (numel * ELEMENT_SIZE[dtype] > bytes.length) {
    refuse(
      `the storage 'data/${key}' of '${name}' is said to hold ${numel} elements, but has ${bytes.length} bytes`,
      numel,
    );
  }
  return { dtype, bytes: bytes.subarray(0, numel * ELEMENT_SIZE[dtype]) };
}

function naturals(value: PickleValue | undefined, what: string): number[] {
  if (!isSequence(value)) return refuse(`${what} is ${describe(value)}, not a tuple`);
  if (value.items.length > MOST_AXES)
    refuse(`${what} has ${value.items.length} axes, more than torch's ${MOST_AXES}`);
  return value.items.map((item) =>
    isNatural(item) ? item : refuse(`${what} has ${describe(item)} where a whole number ≥ 0 belongs`),
  );
}

function isNatural(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function describe(value: PickleValue | undefined): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'string') return `the string '${value.slice(0, 40)}'`;
  if (typeof value !== 'object') return `${value}`;
  if (value.kind === 'call')
    return value.callee === TENSOR || value.callee === PARAMETER ? 'a tensor' : value.callee;
  if (value.kind === 'global') return value.name;
  return value.kind === 'persistent' ? 'a storage' : `a ${value.kind}`;
}
