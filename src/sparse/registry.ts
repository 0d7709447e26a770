/**
 * What stands for the data of tensors, by their identity: whatever is assigned to a variable has another. The same tensor
 * may be registered several times, such as by two models that share a layer; the last one counts until it is taken back.
 */
export interface Registry<T> {
  /**
   * @param dataId A tensor's.
   * @returns What counts for it; undefined where nothing was registered, or all of it has been taken back.
   */
  get(dataId: object): T | undefined;
  /**
   * @param dataId A tensor's.
   * @param value What is to count for it.
   */
  add(dataId: object, value: T): void;
  /**
   * @param dataId A tensor's.
   * @param value What was added, and counts no more.
   */
  remove(dataId: object, value: T): void;
}

/** Makes a registry, empty at first. */
export function makeRegistry<T>(): Registry<T> {
  const values = new WeakMap<object, readonly T[]>();
  return {
    get: (dataId) => values.get(dataId)?.at(-1),
    add: (dataId, value) => void values.set(dataId, [...(values.get(dataId) ?? []), value]),
    remove: (dataId, value) => {
      const left = (values.get(dataId) ?? []).filter((each) => each !== value);
      if (left.length > 0) values.set(dataId, left);
      else values.delete(dataId);
    },
  };
}
