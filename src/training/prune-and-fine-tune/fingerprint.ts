import { PruneError } from '../../errors';
import type { PruningSchedule } from '../pruning-schedule';
import { variablesOf } from '../snapshot';
import type { Settings } from './options';

/** What has to be the same for a run to be taken up; the learning rate, the data and when to save are yours to change. */
export function fingerprintOf(model: object, settings: Settings, schedule: PruningSchedule): string {
  const { targetSparsity, maxAccuracyDrop, amountPerRound, epochs, scope, batchSize, seed } = settings;
  // Not the layers' names: tfjs numbers those that have none on through a process.
  const shapes = variablesOf(model)
    .map(({ shape }) => shape.join('×'))
    .join(' ');
  const parameters = schedule.names().length;
  const method = schedule.methodName();
  return JSON.stringify({
    targetSparsity,
    maxAccuracyDrop,
    amountPerRound,
    epochs,
    scope,
    batchSize,
    seed,
    parameters,
    shapes,
    method,
  });
}

/**
 * @param kept That of the checkpoint.
 * @param fingerprint That of this run.
 * @throws {@link PruneError} `state` if they differ.
 */
export function checkFingerprint(kept: string, fingerprint: string): void {
  if (kept === fingerprint) return;
  const message = `The checkpoint is of another run, of ${kept}, but this one is of ${fingerprint}. Give it another place, or resume: false to begin anew.`;
  throw new PruneError('state', message, { given: fingerprint, allowed: kept });
}
