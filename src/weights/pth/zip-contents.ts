import { decodeText, refuse } from '../cursor';
import { ELEMENT_SIZE } from '../elements';
import { LARGEST_PICKLE, readPickle } from './pickle';
import type { PickleValue } from './pickle-value';
import { referredBytes } from './storage';
import type { Storages } from './tensors';
import { readZip } from './zip';

const LONGEST_BYTEORDER = 16;

/** What a .pth file holds: the pickled value, and the storages that it refers to. */
export interface PthContents {
  readonly value: PickleValue;
  readonly storages: Storages;
}

/**
 * Opens what torch has written since version 1.6: a zip with the pickle in `<root>/data.pkl` and each storage in
 * `<root>/data/<key>`.
 *
 * @param bytes The whole file.
 * @param globals The names that the pickle may use.
 * @returns Its contents, as views of `bytes`.
 * @throws {@link PruneError} `file` for any other file.
 */
export function openZip(bytes: Uint8Array, globals: ReadonlySet<string>): PthContents {
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
  return { value: readPickle(pickle, 'data.pkl', globals), storages: storagesIn(entries, root) };
}

function rootOf(entries: ReadonlyMap<string, Uint8Array>): string {
  const roots = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (roots.length !== 1)
    refuse(`the zip must have one '<name>/data.pkl', but has ${roots.length}`, roots.length);
  return roots[0]!.slice(0, -'/data.pkl'.length);
}

function storagesIn(entries: ReadonlyMap<string, Uint8Array>, root: string): Storages {
  return {
    bytes: (reference, name) => {
      const { key, numel, dtype } = reference;
      const bytes = entries.get(`${root}/data/${key}`);
      if (bytes === undefined) return refuse(`the storage 'data/${key}' of '${name}' is not in the zip`, key);
      if (numel * ELEMENT_SIZE[dtype] > bytes.length) {
        refuse(
          `the storage 'data/${key}' of '${name}' is said to hold ${numel} elements, but has ${bytes.length} bytes`,
          numel,
        );
      }
      return referredBytes(bytes, reference);
    },
  };
}
