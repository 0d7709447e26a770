import * as tf from '@tensorflow/tfjs';
import { isPruneError, PruneError } from '../../errors';
import { artifactsOf, stateFrom } from './artifacts';
import type { CheckpointPlace } from './options';
import type { RunState } from './state';

const SLOTS = ['a', 'b'] as const;
type Slot = (typeof SLOTS)[number];

/** Two places that are written in turn, so that one is whole whenever writing is cut off. */
export class Checkpoint {
  readonly #place: CheckpointPlace;
  #save = 0;

  /** @param place What the user gave. */
  constructor(place: CheckpointPlace) {
    this.#place = place;
  }

  /**
   * @returns The newest state that is whole, undefined where nothing is kept.
   * @throws {@link PruneError} `file` if something is there, but nothing whole.
   */
  async load(): Promise<RunState | undefined> {
    let newest: { readonly state: RunState; readonly save: number } | undefined;
    let broken: unknown;
    for (const slot of SLOTS) {
      const artifacts = await loaded(this.#handler(slot, 'load'));
      if (artifacts === undefined) continue;
      try {
        const found = stateFrom(artifacts);
        if (newest === undefined || found.save > newest.save) newest = found;
      } catch (error) {
        if (!isPruneError(error, 'file')) throw error;
        broken = error;
      }
    }
    if (newest === undefined && broken !== undefined) throw broken;
    this.#save = newest?.save ?? 0;
    return newest?.state;
  }

  /** @param state What to keep; the older of the two is overwritten. */
  async save(state: RunState): Promise<void> {
    const number = this.#save + 1;
    const handler = this.#handler(SLOTS[number % 2]!, 'save');
    if (handler.save === undefined) throw cannot('save', this.#place);
    await handler.save(artifactsOf(state, number));
    this.#save = number;
  }

  #handler(slot: Slot, what: 'save' | 'load'): tf.io.IOHandler {
    const place = typeof this.#place === 'string' ? `${this.#place}-${slot}` : this.#place(slot);
    if (typeof place !== 'string') return place;
    const [handler] = what === 'save' ? tf.io.getSaveHandlers(place) : tf.io.getLoadHandlers(place);
    if (handler === undefined) throw cannot(what, place);
    return handler;
  }
}

/** A handler cannot say that nothing is there but by failing. */
async function loaded(handler: tf.io.IOHandler): Promise<tf.io.ModelArtifacts | undefined> {
  try {
    return await handler.load?.();
  } catch {
    return undefined;
  }
}

function cannot(what: string, place: CheckpointPlace): PruneError {
  const allowed = "a URL that tfjs has a handler for, such as 'indexeddb://run' in a browser, or a handler";
  const message = `tfjs cannot ${what} at ${String(place)}; the checkpoint must be ${allowed}.`;
  return new PruneError('unsupported', message, { given: place, allowed });
}
