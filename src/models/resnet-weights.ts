import * as tf from '@tensorflow/tfjs';
import { isPruneError, PruneError, shown } from '../errors';
import { fetchFile } from '../weights/download/fetch-file';
import type { RemoteFile } from '../weights/download/remote-file';
import { readStateDict } from '../weights/read-state-dict';
import type { StateDict } from '../weights/tensor-data';
import type { PretrainedWeights } from './pretrained-weights';
import { findRegistered, type RegisteredWeights, refuseWeights } from './registry';
import type { ResNetOptions, Settings } from './resnet-options';
import type { ResNetName } from './resnet-plan';

const HUB = 'https://huggingface.co';
const ADDRESS = /^https?:\/\//i;
/** A name rather than a path: a word, or a member of an enum. */
const NAME = /^\w+$|^\w+_Weights\.\w*$/;

/**
 * Reads the weights that a ResNet is to have, wherever they are.
 *
 * @param model Which ResNet.
 * @param settings Its weights, their source, and how to download them.
 * @returns The state dict; undefined if no weights are given.
 * @throws {@link PruneError} `argument` for what names no weights of this ResNet, `file` for a file that cannot be read,
 * `network` or `integrity` for a download that failed.
 */
export async function readWeights(model: ResNetName, settings: Settings): Promise<StateDict | undefined> {
  const { weights, source } = settings;
  if (weights === undefined) return undefined;
  const registered = registeredWeights(model, weights);
  if (registered !== undefined) return download(registeredFile(registered, source), model, settings);
  if (source !== undefined) refuseSource(source, weights);
  if (weights instanceof Map) return weights;
  if (weights instanceof ArrayBuffer || weights instanceof Uint8Array) return readStateDict(weights, model);
  if (weights instanceof URL) return download({ url: weights.href }, model, settings);
  if (typeof weights === 'string') {
    return ADDRESS.test(weights) ? download({ url: weights }, model, settings) : readPath(model, weights);
  }
  const allowed = "the name of pretrained weights, a file's path, address or bytes, or a state dict (a Map)";
  throw new PruneError('argument', `weights must be ${allowed}, but got ${shown(weights)}.`, {
    given: weights,
    allowed,
  });
}

async function download(file: RemoteFile, model: ResNetName, settings: Settings): Promise<StateDict> {
  return readStateDict(await fetchFile(file, downloadOptions(settings)), model);
}

/** Reads a file on disk. What looks like a misspelt name of weights, and is no file, is refused as such. */
async function readPath(model: ResNetName, path: string): Promise<StateDict> {
  try {
    return await readStateDict(path, model);
  } catch (error) {
    if (NAME.test(path) && isNoFile(error)) refuseWeights(model, path, error);
    throw error;
  }
}

/** Whether there is no such file, or no file system. */
function isNoFile(error: unknown): boolean {
  if (isPruneError(error, 'unsupported')) return true;
  return (
    isPruneError(error, 'file') &&
    error.cause instanceof Error &&
    Reflect.get(error.cause, 'code') === 'ENOENT'
  );
}

function refuseSource(source: unknown, weights: unknown): never {
  const allowed = "pretrained weights, such as 'DEFAULT'";
  const given = weights instanceof Map ? 'a state dict' : shown(weights);
  const message = `source says where to get ${allowed}, but the weights are ${given}. Leave it out.`;
  throw new PruneError('argument', message, { given: source, allowed });
}

function downloadOptions({ onProgress, signal, cache }: ResNetOptions): Parameters<typeof fetchFile>[1] {
  return {
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(signal === undefined ? {} : { signal }),
    ...(cache === undefined ? {} : { cache }),
  };
}

function registeredWeights(model: ResNetName, weights: unknown): RegisteredWeights | undefined {
  if (typeof weights === 'string') return findRegistered(model, weights);
  if (!isPretrained(weights)) return undefined;
  const { model: own, name } = weights;
  return own === model ? findRegistered(model, name) : refuseWeights(model, `${own} ${name}`);
}

function isPretrained(weights: unknown): weights is PretrainedWeights {
  return typeof weights === 'object' && weights !== null && 'model' in weights && 'transforms' in weights;
}

/**
 * Where registered weights are.
 *
 * @param weights The weights.
 * @param source Where to take them from; by default the one that this platform can read.
 * @returns The file. Its hash is known for torchvision's files, and for some on the hub.
 * @throws {@link PruneError} `argument` for a source that there is not.
 */
export function registeredFile(weights: RegisteredWeights, source: ResNetOptions['source']): RemoteFile {
  const { url, hub } = weights;
  // A host must allow pages of other hosts to read it (CORS): the hub does.
  const byDefault = tf.env().getBool('IS_BROWSER') ? 'huggingface' : 'torchvision';
  switch (source === undefined ? byDefault : source) {
    case 'torchvision':
      return { url };
    case 'huggingface': {
      const { repository, sha256 } = hub;
      const file = { url: `${HUB}/${repository}/resolve/main/model.safetensors` };
      return sha256 === undefined ? file : { ...file, sha256 };
    }
  }
  if (typeof source !== 'string' || !ADDRESS.test(source) || !URL.canParse(source)) {
    const allowed = ["'torchvision'", "'huggingface'", "the https:// address of a mirror's folder or file"];
    const message = `source must be ${allowed.join(' or ')}, but got ${shown(source)}.`;
    throw new PruneError('argument', message, { given: source, allowed });
  }
  const mirror = new URL(source);
  if (!mirror.pathname.endsWith('/')) return { url: source };
  mirror.pathname += url.slice(url.lastIndexOf('/') + 1);
  return { url: mirror.href };
}
