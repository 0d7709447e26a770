/**
 * Records come from files that anybody may have written: each field is checked, and only known ones are taken over.
 */
import { isPruneError, PruneError, shown } from '../../errors';
import { resolveAmount } from '../../masks/amount';
import { checkWhole, refused } from '../refusal';
import type { ExperimentData, FinetuningRecord, Metrics, ModelRecord, PruningRecord } from './records';

function fieldsOf(value: unknown, where: string): (name: string) => unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refused(where, value, 'an object');
  // Own fields only: those of a prototype are nobody's record.
  return (name) => (Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined);
}

function text(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  throw refused(where, value, 'a string');
}

function share(value: unknown, where: string): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  throw refused(where, value, 'a number in [0, 1]');
}

function count(value: unknown, where: string): number {
  checkWhole(where, value, 0);
  return Number(value);
}

function list(value: unknown, where: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw refused(where, value, 'an array');
}

function metrics(value: unknown, where: string): Metrics {
  const field = fieldsOf(value, where);
  const loss = field('loss');
  const accuracy = field('accuracy');
  if (loss !== undefined && !(typeof loss === 'number' && Number.isFinite(loss))) {
    throw refused(`${where}.loss`, loss, 'a finite number');
  }
  return {
    ...(loss === undefined ? {} : { loss }),
    ...(accuracy === undefined ? {} : { accuracy: share(accuracy, `${where}.accuracy`) }),
  };
}

/** @returns A copy of a record of a model, checked. */
export function checkedModel(value: unknown): ModelRecord {
  const field = fieldsOf(value, 'model');
  const accuracy = field('accuracy');
  return {
    name: text(field('name'), 'model.name'),
    ...(accuracy === undefined ? {} : { accuracy: share(accuracy, 'model.accuracy') }),
  };
}

/** @returns A copy of a record of a pruning, checked. */
export function checkedPruning(value: unknown, where: string): PruningRecord {
  const field = fieldsOf(value, where);
  return {
    method: text(field('method'), `${where}.method`),
    parameters: list(field('parameters'), `${where}.parameters`).map((name, i) =>
      text(name, `${where}.parameters[${i}]`),
    ),
    amount: amount(field('amount'), where),
    sparsity: share(field('sparsity'), `${where}.sparsity`),
  };
}

function amount(value: unknown, where: string): PruningRecord['amount'] {
  try {
    return resolveAmount(value);
  } catch (cause) {
    if (!isPruneError(cause)) throw cause;
    throw new PruneError('argument', `${where}.amount: ${cause.message}`, { given: value, cause });
  }
}

/** @returns A copy of a record of a fine-tuning, checked. */
export function checkedFinetuning(value: unknown, where: string): FinetuningRecord {
  const field = fieldsOf(value, where);
  return {
    epochs: count(field('epochs'), `${where}.epochs`),
    steps: count(field('steps'), `${where}.steps`),
    optimiser: text(field('optimiser'), `${where}.optimiser`),
    before: metrics(field('before'), `${where}.before`),
    after: metrics(field('after'), `${where}.after`),
  };
}

/**
 * @param value What may be an experiment.
 * @returns A copy of it, checked.
 * @throws {@link PruneError} `unsupported` for another version, `argument` for what is no experiment.
 */
export function checkedExperiment(value: unknown): ExperimentData {
  const field = fieldsOf(value, 'The experiment');
  const version = field('version');
  if (version !== 1) {
    const kind = Number.isSafeInteger(version) && Number(version) > 1 ? 'unsupported' : 'argument';
    const message = `The experiment must be of version 1, but got ${shown(version)}.`;
    throw new PruneError(kind, message, { given: version, allowed: '1' });
  }
  return {
    version,
    model: checkedModel(field('model')),
    prunings: list(field('prunings'), 'prunings').map((each, i) => checkedPruning(each, `prunings[${i}]`)),
    finetunings: list(field('finetunings'), 'finetunings').map((each, i) =>
      checkedFinetuning(each, `finetunings[${i}]`),
    ),
  };
}
