import type { Slices } from './slices';

/** A mask of whole channels, kept as their numbers: it is written out only when something reads it entry by entry. */
export class ChannelMask {
  /** Number of entries. */
  readonly size: number;
  readonly #slices: Slices;
  /** Which of the runs in a row are pruned. */
  readonly #removed: Int32Array;
  #bytes: Uint8Array | undefined;

  /**
   * @param size Number of entries.
   * @param slices How the channels lie among them.
   * @param removed The channels that are pruned, each once.
   */
  constructor(size: number, slices: Slices, removed: readonly number[]) {
    this.size = size;
    this.#slices = slices;
    this.#removed = Int32Array.from(removed, (channel) => slices.slots[channel]!);
  }

  /** How many entries are pruned. */
  get zeros(): number {
    return this.#removed.length * (this.size / Math.max(this.#slices.count, 1));
  }

  /** 1 where an entry stays, 0 where it is pruned. */
  get bytes(): Uint8Array {
    this.#bytes ??= this.#written();
    return this.#bytes;
  }

  /**
   * Sets the pruned entries to zero.
   *
   * @param bits The bits of as many floats as the mask has entries.
   */
  clear(bits: Int32Array): void {
    const { count, run } = this.#slices;
    const removed = this.#removed;
    for (let row = 0; row < this.size; row += count * run) {
      if (run === 1) for (let i = 0; i < removed.length; i++) bits[row + removed[i]!] = 0;
      else for (const slot of removed) bits.fill(0, row + slot * run, row + (slot + 1) * run);
    }
  }

  #written(): Uint8Array {
    const { count, run } = this.#slices;
    const mask = new Uint8Array(this.size).fill(1);
    for (const slot of this.#removed) mask.fill(0, slot * run, (slot + 1) * run);
    for (let done = count * run; done < mask.length; done *= 2)
      mask.copyWithin(done, 0, Math.min(done, mask.length - done));
    return mask;
  }
}
