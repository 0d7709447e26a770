export { readPth } from './read-pth';
export type { DType, StateDict, TensorData, TensorElements } from './tensor-data';
