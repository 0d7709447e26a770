/**
 * Weights from PyTorch and for it: `.pth` and safetensors files, downloads, and state dicts.
 *
 * @module tfjs-prune/weights
 */
export { isPruneError, PruneError, type PruneErrorDetails, type PruneErrorKind } from '../errors';
export { download } from './download/download';
export type { DownloadOptions, RemoteFile } from './download/remote-file';
export { readPth } from './pth/read-pth';
export { writePth } from './pth/write-pth';
export { readSafetensors } from './safetensors/read-safetensors';
export { type WriteSafetensorsOptions, writeSafetensors } from './safetensors/write-safetensors';
export type { FileSource } from './source';
export type { LoadStateDictResult } from './state-dict/check-state-dict';
export { type LoadStateDictOptions, loadStateDict } from './state-dict/load-state-dict';
export type { StateDictKeys } from './state-dict/named-parameters';
export { type StateDictOptions, stateDict } from './state-dict/state-dict';
export type { FileTarget, NodeWritable } from './target';
export type { DType, StateDict, TensorData, TensorElements } from './tensor-data';
