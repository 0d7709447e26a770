import type * as tf from '@tensorflow/tfjs';

/**
 * The weights of the last step whose loss was a number. Copies share the variables' data, so they cost no time, and memory
 * only once a step has replaced the weights.
 */
export class LastGood {
  readonly #variables: readonly tf.Variable[];
  #good: tf.Tensor[] | undefined;
  #tried: tf.Tensor[] = [];

  /** @param variables All weights of the model. */
  constructor(variables: readonly tf.Variable[]) {
    this.#variables = variables;
  }

  /** Before a step: notes the weights down that it begins with. */
  begin(): void {
    free(this.#tried);
    this.#tried = this.#variables.map((variable) => variable.clone());
  }

  /** After a step whose loss was a number: the weights that it began with were good. */
  accept(): void {
    free(this.#good);
    this.#good = this.#tried;
    this.#tried = [];
  }

  /** After a step whose loss was none: gives the good weights back; those that it began with, if it was the first. */
  restore(): void {
    const good = this.#good ?? this.#tried;
    for (const [i, tensor] of good.entries()) this.#variables[i]!.assign(tensor);
  }

  /** Frees the copies. */
  dispose(): void {
    free(this.#good);
    free(this.#tried);
    this.#good = undefined;
    this.#tried = [];
  }
}

function free(tensors: readonly tf.Tensor[] | undefined): void {
  for (const tensor of tensors ?? []) tensor.dispose();
}
