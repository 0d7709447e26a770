import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isPruneError } from '../../src/errors';
import { parsePth } from '../../src/weights/pth/pth';
import { parseSafetensors } from '../../src/weights/safetensors/safetensors';
import type { StateDict } from '../../src/weights/tensor-data';

/** A real file, and what reads such files. */
export interface Sample {
  readonly name: string;
  readonly bytes: Uint8Array;
  parse(bytes: Uint8Array, label: string): StateDict;
}

function samplesIn(folder: string, extension: string, parse: Sample['parse']): Sample[] {
  const path = fileURLToPath(new URL(`../parity/fixtures/${folder}/`, import.meta.url));
  const names = readdirSync(path).filter((name) => name.endsWith(extension));
  return names.map((name) => ({ name, bytes: new Uint8Array(readFileSync(path + name)), parse }));
}

/** The fixtures of every format: zips and legacy files by torch, safetensors. */
export const corpus: readonly Sample[] = [
  ...samplesIn('pth', '.pth', parsePth),
  ...samplesIn('safetensors', '.safetensors', parseSafetensors),
];

/**
 * Reads a damaged file. It must come out whole, tensors with as many elements as their shapes say, or be refused.
 *
 * @param sample Which file it was, and what reads it.
 * @param bytes The damaged file.
 * @returns Whether it was refused.
 * @throws Error for any other outcome.
 */
export function isRefused({ name, parse }: Sample, bytes: Uint8Array): boolean {
  let state: StateDict;
  try {
    state = parse(bytes, name);
  } catch (error) {
    if (!isPruneError(error, 'file')) throw error;
    return true;
  }
  let total = 0;
  for (const [key, { shape, data }] of state) {
    const size = shape.reduce((product, n) => product * n, 1);
    if (size !== data.length) throw new Error(`'${key}' of [${shape}] has ${data.length} elements`);
    if (data.buffer !== bytes.buffer) total += data.byteLength;
  }
  // Twice what copies may take, since each is at most widened once.
  if (total > 8 * bytes.length) throw new Error(`${bytes.length} bytes became ${total}`);
  return false;
}
