import { refuse } from '../cursor';
import { bytesToAllocate, ELEMENT_SIZE, elementsOf, gather } from '../elements';
import type { DType, TensorData } from '../tensor-data';
import { describe, isCall, isNatural, isSequence, type PickleValue } from './pickle-value';
import { type StorageReference, storageReference } from './storage';

/** The functions that a pickled tensor calls; the last is that of torch 0.3. */
const TENSOR = ['torch._utils._rebuild_tensor_v2', 'torch._utils._rebuild_tensor'];
/** What a pickled Parameter calls. */
const PARAMETER = 'torch._utils._rebuild_parameter';
/** All of them. */
export const TENSOR_FUNCTIONS: readonly string[] = [...TENSOR, PARAMETER];

const MOST_AXES = 64;
/** Copies (of 16-bit, strided or unaligned tensors) may take this many times the file's size. */
const MOST_COPIED = 4;

/** Where tensors find their elements. */
export interface Storages {
  /**
   * The elements that a reference means.
   *
   * @param reference What the pickle says of them.
   * @param name Whose they are, for messages.
   * @returns Their bytes, as many as the reference says.
   * @throws {@link PruneError} `file` if they are not in the file.
   */
  bytes(reference: StorageReference, name: string): Uint8Array;
}

/** Reads the tensors of one file, within a bound on what they take in all. */
export class TensorReader {
  readonly #storages: Storages;
  /** How many more bytes may be allocated. */
  #budget: number;

  /**
   * @param storages Where the elements are.
   * @param fileSize Bytes of the file.
   */
  constructor(storages: Storages, fileSize: number) {
    this.#storages = storages;
    this.#budget = MOST_COPIED * fileSize;
  }

  /**
   * Reads one tensor.
   *
   * @param value A value of the pickle.
   * @param name The tensor's name.
   * @returns The tensor: a view of the storage wherever its bytes allow that.
   * @throws {@link PruneError} `file` if the value is no tensor, or one that does not fit its storage.
   */
  read(value: PickleValue, name: string): TensorData {
    // A Parameter is its tensor and whether it is trained.
    const inner = isCall(value) && value.callee === PARAMETER ? value.args[0] : value;
    if (!isCall(inner) || !TENSOR.includes(inner.callee)) {
      return refuse(`'${name}' is ${describe(value)}, not a tensor; a state dict holds tensors only`, name);
    }
    const [storage, offset, sizes, strides] = inner.args;
    const reference = storageReference(storage, name);
    const { dtype } = reference;
    const bytes = this.#storages.bytes(reference, name);
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
    return { shape, dtype, data: this.#elements(region, dtype, shape, steps, count) };
  }

  #elements(
    region: Uint8Array,
    dtype: DType,
    shape: readonly number[],
    strides: readonly number[],
    count: number,
  ): TensorData['data'] {
    if (count === 0 || isContiguous(shape, strides)) {
      this.#spend(bytesToAllocate(region, dtype));
      return elementsOf(region, dtype);
    }
    const size = ELEMENT_SIZE[dtype];
    this.#spend(count * size + (region.byteOffset % size === 0 ? 0 : region.length));
    const packed = gather(region, size, shape, strides);
    this.#spend(bytesToAllocate(packed, dtype));
    return elementsOf(packed, dtype);
  }

  #spend(bytes: number): void {
    this.#budget -= bytes;
    if (this.#budget < 0) refuse(`its tensors take more than ${MOST_COPIED} times the size of the file`);
  }
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}

function naturals(value: PickleValue | undefined, what: string): number[] {
  if (!isSequence(value)) return refuse(`${what} is ${describe(value)}, not a tuple`);
  if (value.items.length > MOST_AXES)
    refuse(`${what} has ${value.items.length} axes, more than torch's ${MOST_AXES}`);
  return value.items.map((item) =>
    isNatural(item) ? item : refuse(`${what} has ${describe(item)} where a whole number ≥ 0 belongs`),
  );
}
