import type { Experiment } from './experiment';
import { percent, shortNumber, table } from './markdown';

/** What an experiment has come to. */
export interface Outcome {
  /** The model's name. */
  readonly name: string;
  /** Accuracy before anything was pruned. */
  readonly accuracyBefore: number | undefined;
  /** Sparsity after the last pruning, 0 where there was none. */
  readonly sparsity: number;
  /** Accuracy after the last fine-tuning. */
  readonly accuracy: number | undefined;
  /** Loss after the last fine-tuning. */
  readonly loss: number | undefined;
  /** How many prunings there were. */
  readonly prunings: number;
  /** How many epochs of fine-tuning in all. */
  readonly epochs: number;
  /** How many steps of fine-tuning in all. */
  readonly steps: number;
}

/** Two experiments side by side. */
export interface Comparison {
  /** What the first has come to. */
  readonly first: Outcome;
  /** What the second has come to. */
  readonly second: Outcome;
  /** The second less the first. */
  readonly difference: {
    /** Of the sparsities. */
    readonly sparsity: number;
    /** Of the accuracies after fine-tuning, where both are known. */
    readonly accuracy: number | undefined;
    /** Of the losses after fine-tuning, where both are known. */
    readonly loss: number | undefined;
    /** Of the steps. */
    readonly steps: number;
  };
  /** @returns A table in Markdown. */
  toMarkdown(): string;
}

/**
 * Puts two experiments side by side.
 *
 * @param first One.
 * @param second The other.
 * @returns What both have come to, and the second less the first.
 * @example
 * ```ts
 * console.log(compareExperiments(oneShot, gradual).toMarkdown());
 * ```
 */
export function compareExperiments(first: Experiment, second: Experiment): Comparison {
  const [a, b] = [outcomeOf(first), outcomeOf(second)];
  return {
    first: a,
    second: b,
    difference: {
      sparsity: b.sparsity - a.sparsity,
      accuracy: difference(a.accuracy, b.accuracy),
      loss: difference(a.loss, b.loss),
      steps: b.steps - a.steps,
    },
    toMarkdown: () => `${table(HEAD, [rowOf(a), rowOf(b)])}\n`,
  };
}

const HEAD = [
  'model',
  'accuracy before',
  'sparsity',
  'accuracy',
  'loss',
  'prunings',
  'epochs',
  'steps',
] as const;

function rowOf(outcome: Outcome): string[] {
  const { name, accuracyBefore, sparsity, accuracy, loss, prunings, epochs, steps } = outcome;
  const shares = [percent(accuracyBefore), percent(sparsity), percent(accuracy)];
  return [name, ...shares, shortNumber(loss), String(prunings), String(epochs), String(steps)];
}

function difference(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : b - a;
}

function outcomeOf({ model, prunings, finetunings }: Experiment): Outcome {
  const last = finetunings.at(-1)?.after;
  return {
    name: model.name,
    accuracyBefore: model.accuracy,
    sparsity: prunings.at(-1)?.sparsity ?? 0,
    accuracy: last?.accuracy,
    loss: last?.loss,
    prunings: prunings.length,
    epochs: finetunings.reduce((sum, { epochs }) => sum + epochs, 0),
    steps: finetunings.reduce((sum, { steps }) => sum + steps, 0),
  };
}
