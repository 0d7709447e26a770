import type * as tf from '@tensorflow/tfjs';
import { PruneError, shown } from '../../errors';
import { checkedExperiment, checkedFinetuning, checkedModel, checkedPruning } from './check-records';
import { markdownOf } from './markdown';
import type { ExperimentData, FinetuningRecord, ModelRecord, PruningRecord } from './records';

/** Where a saved model's metadata holds the experiment. */
const KEY = 'tfjs-prune';

/**
 * A record of what was done to a model: prunings and fine-tunings, in order. Written by {@link PruningCallback},
 * {@link pruneAndFineTune} and by hand; kept as JSON or in the saved model.
 *
 * @example
 * ```ts
 * const experiment = new Experiment({ name: 'ResNet50', accuracy: 0.8034 });
 * prune.l1Unstructured(model.fc, 'weight', 0.5);
 * experiment.addPruning({ method: 'L1Unstructured', parameters: ['fc.weight'], amount: { fraction: 0.5 }, sparsity: 0.5 });
 * experiment.attachTo(model);
 * await model.save('indexeddb://pruned'); // Experiment.of(await tf.loadLayersModel('indexeddb://pruned'))
 * ```
 */
export class Experiment {
  /** The model that it is about. */
  readonly model: ModelRecord;
  readonly #prunings: PruningRecord[] = [];
  readonly #finetunings: FinetuningRecord[] = [];

  /**
   * @param model Its name, and its accuracy before anything was pruned.
   * @throws {@link PruneError} `argument` for anything else.
   */
  constructor(model: ModelRecord) {
    this.model = checkedModel(model);
  }

  /** All prunings, in order. */
  get prunings(): readonly PruningRecord[] {
    return this.#prunings;
  }

  /** All fine-tunings, in order. */
  get finetunings(): readonly FinetuningRecord[] {
    return this.#finetunings;
  }

  /**
   * Adds a pruning.
   *
   * @param pruning What was done. It is copied.
   * @throws {@link PruneError} `argument` if a field is missing or wrong, with nothing added.
   */
  addPruning(pruning: PruningRecord): void {
    this.#prunings.push(checkedPruning(pruning, 'pruning'));
  }

  /**
   * Adds a fine-tuning.
   *
   * @param finetuning What was done. It is copied.
   * @throws {@link PruneError} `argument` if a field is missing or wrong, with nothing added.
   */
  addFinetuning(finetuning: FinetuningRecord): void {
    this.#finetunings.push(checkedFinetuning(finetuning, 'finetuning'));
  }

  /** @returns The record as plain data, which `JSON.stringify` asks for. */
  toJSON(): ExperimentData {
    return {
      version: 1,
      model: this.model,
      prunings: [...this.#prunings],
      finetunings: [...this.#finetunings],
    };
  }

  /**
   * Reads a record. Whatever the file holds, it is read or refused; fields that there are not are left out.
   *
   * @param data What {@link Experiment.toJSON} gave, or its text.
   * @returns The experiment.
   * @throws {@link PruneError} `file` for a text that is no JSON, `unsupported` for a later version, `argument` for what is
   *   no experiment.
   */
  static fromJSON(data: unknown): Experiment {
    const { model, prunings, finetunings } = checkedExperiment(
      typeof data === 'string' ? parsed(data) : data,
    );
    const experiment = new Experiment(model);
    for (const pruning of prunings) experiment.addPruning(pruning);
    for (const finetuning of finetunings) experiment.addFinetuning(finetuning);
    return experiment;
  }

  /**
   * Puts the record into a model's metadata, which `model.save` saves; what else is there stays. Call it again after what is
   * added later.
   *
   * @param model The model.
   */
  attachTo(model: tf.LayersModel): void {
    model.setUserDefinedMetadata({ ...model.getUserDefinedMetadata(), [KEY]: this.toJSON() });
  }

  /**
   * The record in a model's metadata.
   *
   * @param model A model, such as `tf.loadLayersModel` gives.
   * @returns The experiment, undefined where there is none.
   * @throws {@link PruneError} as {@link Experiment.fromJSON} does.
   */
  static of(model: tf.LayersModel): Experiment | undefined {
    const metadata: object = model.getUserDefinedMetadata() ?? {};
    return Object.hasOwn(metadata, KEY) ? Experiment.fromJSON(Reflect.get(metadata, KEY)) : undefined;
  }

  /** @returns A heading, and a table each of prunings and of fine-tunings, in Markdown. */
  toMarkdown(): string {
    return markdownOf(this.toJSON());
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = `The experiment must be JSON, but got ${shown(text.slice(0, 40))}.`;
    throw new PruneError('file', message, { given: text, allowed: 'JSON', cause });
  }
}
