import { PruneError, shown } from '../errors';

const STATE_WORDS = 624;
const SHIFT_WORDS = 397;
const DEFAULT_SEED = 67280421310721;
const LOWEST_SEED = -(2n ** 63n);
const HIGHEST_SEED = 2n ** 64n - 1n;

/**
 * Turns the 624 words of a Mersenne Twister on, in place, as often as it takes to draw 24 bits for every place of `into`,
 * whose length is a multiple of 624; returns whether it has.
 */
export type DrawTurns = (state: Uint32Array, into: Uint32Array | Int32Array) => boolean;

/** Where a {@link Generator} stands in its sequence, as plain data that JSON keeps. */
export interface GeneratorState {
  /** The 624 words of the Mersenne Twister, each from 0 to 2³² − 1. */
  readonly words: readonly number[];
  /** How many of the words have been used, from 0 to 624. */
  readonly position: number;
  /** The second half of the last pair of normals drawn in double precision, null if it is used. */
  readonly cachedNormal: number | null;
}

/**
 * PyTorch's random numbers on the CPU: a Mersenne Twister (mt19937) that gives, seed for seed, the numbers of
 * `torch.Generator`.
 *
 * @example
 * ```ts
 * const generator = new Generator(0);
 * generator.rand24() * 2 ** -24; // 0.49625658988952637, torch.rand(1) after torch.manual_seed(0)
 * ```
 */
export class Generator {
  /** The second half of the last pair of normals drawn in double precision, until it is used or the seed changes. */
  cachedNormal: number | undefined;
  #state: Uint32Array = new Uint32Array(STATE_WORDS);
  #position: number = STATE_WORDS;

  /**
   * @param seed See {@link Generator.manualSeed}. By default the one that PyTorch starts with, 67280421310721.
   * @throws {@link PruneError} `argument` if the seed is not a whole number in range.
   */
  constructor(seed: number | bigint = DEFAULT_SEED) {
    this.manualSeed(seed);
  }

  /**
   * Starts the sequence that belongs to a seed. As in PyTorch only its lowest 32 bits count: 2³² + 7 seeds like 7.
   *
   * @param seed A whole number from −2⁶³ to 2⁶⁴ − 1; beyond 2⁵³ only as a bigint.
   * @returns This generator.
   * @throws {@link PruneError} `argument` if the seed is not a whole number in range.
   */
  manualSeed(seed: number | bigint): this {
    let word = seedWord(seed);
    for (let i = 0; i < STATE_WORDS; i++) {
      this.#state[i] = word;
      word = (Math.imul(1812433253, word ^ (word >>> 30)) + i + 1) >>> 0;
    }
    this.#position = STATE_WORDS;
    this.cachedNormal = undefined;
    return this;
  }

  /**
   * Where the sequence stands, as `torch.Generator.get_state` gives it.
   *
   * @returns A copy, as plain data.
   */
  getState(): GeneratorState {
    return {
      words: [...this.#state],
      position: this.#position,
      cachedNormal: this.cachedNormal ?? null,
    };
  }

  /**
   * Goes on where another generator, or this one earlier, stood.
   *
   * @param state What {@link Generator.getState} gave.
   * @returns This generator.
   * @throws {@link PruneError} `argument` for anything else, with nothing changed.
   */
  setState(state: GeneratorState): this {
    checkState(state);
    this.#state = Uint32Array.from(state.words);
    this.#position = state.position;
    this.cachedNormal = state.cachedNormal ?? undefined;
    return this;
  }

  /** @returns The next 32 random bits, as a whole number from 0 to 2³² − 1. */
  random(): number {
    if (this.#position === STATE_WORDS) this.#twist();
    return temper(this.#state[this.#position++]!) >>> 0;
  }

  /** @returns The next 24 random bits; times 2⁻²⁴ they are the next element of `torch.rand`. */
  rand24(): number {
    return this.random() & 0xffffff;
  }

  /** @returns A number in [0, 1) of 53 random bits, as `torch.rand` draws one in double precision. */
  u53(): number {
    const high = this.random() & 0x1fffff;
    return (high * 2 ** 32 + this.random()) * 2 ** -53;
  }

  /**
   * Draws as {@link Generator.rand24} does, many at a time.
   *
   * @param into Where the numbers go.
   * @param count How many to draw, into the first places of `into`.
   * @param drawTurns A faster way to draw many; none by default.
   */
  fillRand24(
    into: Uint32Array | Int32Array,
    count: number = into.length,
    drawTurns: DrawTurns = () => false,
  ): void {
    const state = this.#state;
    for (let filled = 0; filled < count; ) {
      if (this.#position === STATE_WORDS) {
        const whole = count - filled - ((count - filled) % STATE_WORDS);
        if (whole > 0 && drawTurns(state, into.subarray(filled, filled + whole))) {
          filled += whole;
          continue;
        }
        this.#twist();
      }
      const from = this.#position;
      const until = Math.min(STATE_WORDS, from + count - filled);
      for (let i = from; i < until; i++) into[filled++] = temper(state[i]!) & 0xffffff;
      this.#position = until;
    }
  }

  #twist(): void {
    const state = this.#state;
    const split = STATE_WORDS - SHIFT_WORDS;
    const last = STATE_WORDS - 1;
    for (let i = 0; i < split; i++) state[i] = state[i + SHIFT_WORDS]! ^ mix(state[i]!, state[i + 1]!);
    for (let i = split; i < last; i++) state[i] = state[i - split]! ^ mix(state[i]!, state[i + 1]!);
    state[last] = state[SHIFT_WORDS - 1]! ^ mix(state[last]!, state[0]!);
    this.#position = 0;
  }
}

function isWholeUpTo(value: unknown, most: number): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= most;
}

function checkState(state: unknown): void {
  const { words, position, cachedNormal } = Object(state) as Partial<Record<string, unknown>>; // anything may be given
  const isRight =
    Array.isArray(words) &&
    words.length === STATE_WORDS &&
    words.every((word) => isWholeUpTo(word, 0xffffffff)) &&
    isWholeUpTo(position, STATE_WORDS) &&
    (cachedNormal === null || Number.isFinite(cachedNormal));
  if (isRight) return;
  const allowed = 'what getState() gave';
  throw new PruneError('argument', `The state of a generator must be ${allowed}, but got ${shown(state)}.`, {
    given: state,
    allowed,
  });
}

function mix(upper: number, lower: number): number {
  return (((upper & 0x80000000) | (lower & 0x7fffffff)) >>> 1) ^ (-(lower & 1) & 0x9908b0df);
}

function temper(word: number): number {
  let y = word ^ (word >>> 11);
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return y ^ (y >>> 18);
}

function seedWord(seed: number | bigint): number {
  const whole = typeof seed === 'bigint' || Number.isSafeInteger(seed);
  if (!whole || seed < LOWEST_SEED || seed > HIGHEST_SEED) {
    const allowed = 'a whole number from -2^63 to 2^64 - 1 (beyond 2^53 as a bigint)';
    throw new PruneError('argument', `The seed of a generator must be ${allowed}, but got ${shown(seed)}.`, {
      given: seed,
      allowed,
    });
  }
  return Number(BigInt.asUintN(32, BigInt(seed)));
}

/**
 * The generator that random masks are drawn from where none is named, like PyTorch's own default one.
 *
 * @example
 * ```ts
 * manualSeed(0);
 * defaultGenerator.rand24() * 2 ** -24; // 0.49625658988952637
 * ```
 */
export const defaultGenerator: Generator = new Generator();

/**
 * Seeds the {@link defaultGenerator}, as `torch.manual_seed` does.
 *
 * @param seed A whole number from −2⁶³ to 2⁶⁴ − 1; beyond 2⁵³ only as a bigint.
 * @returns The default generator.
 * @throws {@link PruneError} `argument` if the seed is not a whole number in range.
 * @example
 * ```ts
 * manualSeed(0);
 * randomUnstructured(4, 0.5); // the mask that PyTorch draws after torch.manual_seed(0)
 * ```
 */
export function manualSeed(seed: number | bigint): Generator {
  return defaultGenerator.manualSeed(seed);
}
