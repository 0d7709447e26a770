import { refuse } from '../cursor';
import { readAs } from '../lookalike';
import type { StateDict } from '../tensor-data';
import { isLegacy, openLegacy } from './legacy-contents';
import { describe, isDict, type PickleDict, type PickleValue } from './pickle-value';
import { STORAGE_DTYPES } from './storage';
import { TENSOR_FUNCTIONS, TensorReader } from './tensors';
import { openZip } from './zip-contents';

const GLOBALS: ReadonlySet<string> = new Set([...TENSOR_FUNCTIONS, ...STORAGE_DTYPES.keys()]);

/** Where training scripts commonly keep the state dict in a checkpoint, in the order they are looked for. */
const CHECKPOINT_KEYS = ['state_dict', 'model_state_dict', 'model'] as const;

/**
 * Reads a .pth file's bytes as tensors by name. Nothing in the file is run.
 *
 * @param bytes The whole file. The tensors are views of it wherever their bytes allow.
 * @param label What to call the file in messages.
 * @returns The state dict: the dict under `state_dict`, `model_state_dict` or `model` if the file's dict has one, else
 * that dict itself.
 * @throws {@link PruneError} `file` for anything but a file by torch that holds tensors in a dict.
 */
export function parsePth(bytes: Uint8Array, label: string): StateDict {
  return readAs('pth', bytes, label, parse);
}

function parse(bytes: Uint8Array): StateDict {
  if (bytes.length === 0) refuse('it is empty');
  const { value, storages } = isLegacy(bytes) ? openLegacy(bytes, GLOBALS) : openZip(bytes, GLOBALS);
  const reader = new TensorReader(storages, bytes.length);
  const tensors: StateDict = new Map();
  for (const [name, entry] of stateDictIn(value).entries) {
    if (typeof name !== 'string') refuse(`its state dict has a key that is not a string: ${describe(name)}`);
    else tensors.set(name, reader.read(entry, name));
  }
  return tensors;
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
