/** What a pickle holds, as plain data: nothing in it is ever run. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleSequence
  | PickleDict
  | PickleGlobal
  | PickleCall
  | PicklePersistent;

/** A Python list or tuple. */
export interface PickleSequence {
  readonly kind: 'list' | 'tuple';
  readonly items: PickleValue[];
}

/** A Python dict or OrderedDict. */
export interface PickleDict {
  readonly kind: 'dict';
  readonly entries: Map<PickleValue, PickleValue>;
}

/** A Python class or function, by name. */
export interface PickleGlobal {
  readonly kind: 'global';
  readonly name: string;
}

/** A call that Python would make, written down instead of made. */
export interface PickleCall {
  readonly kind: 'call';
  readonly callee: string;
  readonly args: readonly PickleValue[];
}

/** A reference to something kept outside of the pickle, such as a tensor's storage. */
export interface PicklePersistent {
  readonly kind: 'persistent';
  readonly id: PickleValue;
}

/** Whether a value is a list or a tuple. */
export function isSequence(value: PickleValue | undefined): value is PickleSequence {
  return typeof value === 'object' && value !== null && (value.kind === 'list' || value.kind === 'tuple');
}

/** Whether a value is a dict. */
export function isDict(value: PickleValue | undefined): value is PickleDict {
  return typeof value === 'object' && value !== null && value.kind === 'dict';
}

/** Whether a value is the name of a class or function. */
export function isGlobal(value: PickleValue | undefined): value is PickleGlobal {
  return typeof value === 'object' && value !== null && value.kind === 'global';
}

/** Whether a value is a call. */
export function isCall(value: PickleValue | undefined): value is PickleCall {
  return typeof value === 'object' && value !== null && value.kind === 'call';
}

/** Whether a value is a reference to something outside of the pickle. */
export function isPersistent(value: PickleValue | undefined): value is PicklePersistent {
  return typeof value === 'object' && value !== null && value.kind === 'persistent';
}

/** Whether a value is a whole number that can count something. */
export function isNatural(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** A value in a few words, for messages. */
export function describe(value: PickleValue | undefined): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'string') return `the string '${value.slice(0, 40)}'`;
  if (typeof value !== 'object') return `${value}`;
  if (value.kind === 'call')
    return value.callee.startsWith('torch._utils._rebuild_') ? 'a tensor' : value.callee;
  if (value.kind === 'global') return value.name;
  return value.kind === 'persistent' ? 'a storage' : `a ${value.kind}`;
}
