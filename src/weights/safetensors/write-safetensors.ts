import { checkOptions } from '../../core/options';
import { PruneError, shown } from '../../errors';
import { type FileTarget, joined, writeTo } from '../target';
import type { StateDict } from '../tensor-data';
import { checkWritable } from '../writable';
import { METADATA } from './header';
import { safetensorsPieces } from './safetensors-pieces';

/** How {@link writeSafetensors} writes. */
export interface WriteSafetensorsOptions {
  /**
   * Texts by name for the header's `__metadata__`; `{ format: 'pt' }` by default, which Hugging Face's transformers asks
   * for in tensors of PyTorch's layouts.
   */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes tensors as a safetensors file, byte for byte as the format's reference implementation does: tensors of the largest
 * elements first, then by name.
 *
 * Source: the format's [specification](https://github.com/huggingface/safetensors#format).
 *
 * @param dict The tensors by name, such as {@link stateDict} or {@link readSafetensors} gives. Those of type float16 and
 * bfloat16 are rounded to it, which is exact where they came from such a file.
 * @param target Leave it out, or undefined, to get the bytes.
 * @param options Texts for the header.
 * @returns The file's bytes.
 * @throws {@link PruneError} `argument` for what is no Map of tensors, a tensor whose array is not that of its type, a tensor
 * named `__metadata__`, or metadata that is no text; `shape` where a shape and the number of elements differ.
 * @example
 * ```ts
 * await writeSafetensors(stateDict(model), 'pruned.safetensors');
 * ```
 */
export function writeSafetensors(
  dict: StateDict,
  target?: undefined,
  options?: WriteSafetensorsOptions,
): Promise<Uint8Array>;
/**
 * The same to a path or a stream: tensor by tensor, so that the file is never in memory as a whole.
 *
 * @param dict The tensors by name.
 * @param target The file's path (in Node), which appears once it is complete, in place of a file that is there, whose
 * permissions it keeps; or a stream, the web's or Node's, which is closed at the end and aborted if something fails.
 * @param options Texts for the header.
 * @throws {@link PruneError} as above, and `file` if the file cannot be written; `unsupported` for a path in a browser;
 * `argument` for a target of another type, or a stream that is locked.
 */
export function writeSafetensors(
  dict: StateDict,
  target: FileTarget,
  options?: WriteSafetensorsOptions,
): Promise<void>;
export async function writeSafetensors(
  dict: StateDict,
  target?: FileTarget,
  options: WriteSafetensorsOptions = {},
): Promise<unknown> {
  checkWritable(dict, 'writeSafetensors');
  if (dict.has(METADATA)) {
    const message = `writeSafetensors: no tensor may be called '${METADATA}', which means something else in the format.`;
    throw new PruneError('argument', message, { given: METADATA });
  }
  const file = safetensorsPieces(dict, metadataOf(options));
  return target === undefined ? joined(file) : writeTo(file, target, 'writeSafetensors');
}

function metadataOf(options: unknown): Map<string, string> {
  const isObject = typeof options === 'object' && options !== null;
  const metadata: unknown = isObject ? (Reflect.get(options, 'metadata') ?? { format: 'pt' }) : undefined;
  const entries = typeof metadata === 'object' && metadata !== null ? Object.entries(metadata) : undefined;
  const texts = new Map<string, string>();
  for (const [name, text] of entries ?? []) {
    if (typeof text === 'string' && !/\p{Surrogate}/u.test(name + text)) texts.set(name, text);
  }
  if (entries !== undefined && texts.size === entries.length) {
    checkOptions(options, ['metadata']);
    return texts;
  }
  const allowed = "{ metadata: { name: 'text' } }";
  const message = `writeSafetensors: the options must be ${allowed}, but got ${shown(isObject ? metadata : options)}.`;
  throw new PruneError('argument', message, { given: options, allowed });
}
