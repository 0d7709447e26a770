import { readBytes } from '#bytes';
import { isPruneError, PruneError } from '../../errors';
import { decodeText, refuse } from '../cursor';
import { isAddress } from '../source';
import type { StateDict } from '../tensor-data';
import { parseSafetensors } from './safetensors';

const INDEX = /\.index\.json$/i;
/** Room for the names of 100,000 tensors. */
const LARGEST_INDEX = 2 ** 24;

/**
 * Whether a path is that of an index of shards.
 *
 * @param path A path.
 * @returns True for `<name>.index.json`, unless it is an address.
 */
export function isIndex(path: string): boolean {
  return INDEX.test(path) && !isAddress(path);
}

/**
 * Reads a model that is split over several safetensors files, which are in the index's folder.
 *
 * @param path The path of the index.
 * @returns The tensors in the index's order.
 * @throws {@link PruneError} `file` if the index or a shard cannot be read, or one does not have what the other says.
 */
export async function readShards(path: string): Promise<StateDict> {
  const places = readIndex(await readBytes(path), path);
  const folder = path.replace(/[^/\\]*$/, '');
  const shards = new Map<string, StateDict>();
  for (const file of new Set(places.values())) {
    const shard = parseSafetensors(await readBytes(folder + file), `'${folder}${file}'`);
    const stray = [...shard.keys()].find((name) => places.get(name) !== file);
    if (stray !== undefined)
      wrongIndex(path, `'${file}' has a tensor '${stray}' that the index does not place there`);
    shards.set(file, shard);
  }
  const tensors: StateDict = new Map();
  for (const [name, file] of places) {
    const tensor = shards.get(file)?.get(name);
    if (tensor === undefined) wrongIndex(path, `'${file}' has no tensor '${name}'`);
    tensors.set(name, tensor);
  }
  return tensors;
}

/** Which file has each tensor. */
function readIndex(bytes: Uint8Array, path: string): Map<string, string> {
  try {
    if (bytes.length > LARGEST_INDEX)
      refuse(`it has ${bytes.length} bytes, more than the ${LARGEST_INDEX} that are read`);
    const index: unknown = JSON.parse(decodeText(bytes, 'it'));
    const map: unknown =
      typeof index === 'object' && index !== null ? Reflect.get(index, 'weight_map') : undefined;
    if (typeof map !== 'object' || map === null || Array.isArray(map))
      refuse("it has no object 'weight_map'");
    return new Map(Object.entries(map).map(([name, file]) => [name, shardName(name, file)]));
  } catch (cause) {
    if (cause instanceof SyntaxError || isPruneError(cause)) wrongIndex(path, cause.message, cause);
    throw cause;
  }
}

/** A shard is in the index's folder, and nowhere else. */
function shardName(name: string, file: unknown): string {
  const isPlain = typeof file === 'string' && /^[^/\\:\0]+$/.test(file) && !/^\.+$/.test(file);
  return isPlain
    ? file
    : refuse(`it places '${name}' in ${JSON.stringify(file)}, which is no name of a file in its folder`);
}

function wrongIndex(path: string, what: string, cause?: unknown): never {
  throw new PruneError('file', `Cannot read '${path}' as an index of safetensors files: ${what}.`, {
    given: path,
    cause,
  });
}
