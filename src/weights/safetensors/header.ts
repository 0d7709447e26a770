import { refuse } from '../cursor';

/** What the header says of one tensor. */
export interface HeaderEntry {
  /** The format's name of the type, whatever the header has there. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Where its bytes start and end, from the end of the header. */
  readonly start: number;
  readonly end: number;
}

/** The one name that is no tensor's. */
export const METADATA = '__metadata__';
/** More of them than the largest models have. */
const MOST_TENSORS = 100_000;
/** torch's limit. */
const MOST_AXES = 64;
/** No number that is allowed is longer. */
const LONGEST_NUMBER = 16;

/**
 * Reads the header of a safetensors file, the JSON before the tensors. JSON.parse would keep the last of two entries of one
 * name, put names that are numbers first, and build whatever else is in there; this reads what the format allows, and
 * refuses the rest where it stands.
 *
 * @param text The header.
 * @returns What it says of each tensor, by name and in the header's order.
 * @throws {@link PruneError} `file` for anything but such a header.
 */
export function readHeader(text: string): Map<string, HeaderEntry> {
  return new HeaderReader(text).read();
}

class HeaderReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Map<string, HeaderEntry> {
    if (!this.#text.startsWith('{')) this.#refuse("must begin with '{'");
    const tensors = new Map<string, HeaderEntry>();
    this.#object((name) => {
      if (name === METADATA) this.#metadata();
      else tensors.set(name, this.#entry(name));
      if (tensors.size > MOST_TENSORS) this.#refuse(`has more than ${MOST_TENSORS} tensors`);
    });
    this.#space();
    if (this.#at < this.#text.length) this.#refuse('goes on after its end');
    return tensors;
  }

  /** Left out, but of names a hundred million bytes have room for more than memory has. */
  #metadata(): void {
    let texts = 0;
    this.#object(() => {
      this.#string();
      if (++texts > MOST_TENSORS) this.#refuse(`has more than ${MOST_TENSORS} texts as metadata`);
    });
  }

  #entry(name: string): HeaderEntry {
    let dtype: string | undefined;
    let shape: number[] | undefined;
    let offsets: number[] | undefined;
    this.#object((field) => {
      if (field === 'dtype') dtype = this.#string();
      else if (field === 'shape') shape = this.#numbers();
      else if (field === 'data_offsets') offsets = this.#numbers();
      else this.#refuse(`gives '${name}' the field '${field}', which the format does not have`);
    });
    const [start, end] = offsets ?? [];
    if (dtype === undefined || shape === undefined || start === undefined || end === undefined) {
      return this.#refuse(`must give '${name}' a dtype, a shape and two data_offsets`);
    }
    if (offsets?.length !== 2) this.#refuse(`gives '${name}' more than two data_offsets`);
    return { dtype, shape, start, end };
  }

  /** Reads an object whose values `member` reads. */
  #object(member: (key: string) => void): void {
    this.#expect('{');
    const keys = new Set<string>();
    if (this.#accept('}')) return;
    do {
      const key = this.#string();
      if (keys.has(key)) this.#refuse(`has the name '${key}' twice`);
      keys.add(key);
      this.#expect(':');
      member(key);
    } while (this.#accept(','));
    this.#expect('}');
  }

  #numbers(): number[] {
    this.#expect('[');
    const numbers: number[] = [];
    if (this.#accept(']')) return numbers;
    do {
      numbers.push(this.#number());
      if (numbers.length > MOST_AXES) this.#refuse(`has a list of more than ${MOST_AXES} numbers`);
    } while (this.#accept(','));
    this.#expect(']');
    return numbers;
  }

  #number(): number {
    this.#space();
    const [digits] = /^(0|[1-9]\d*)/.exec(this.#text.slice(this.#at, this.#at + LONGEST_NUMBER + 1)) ?? [];
    const value = Number(digits);
    if (!Number.isSafeInteger(value)) this.#refuse('must have a whole number ≥ 0 here');
    this.#at += digits?.length ?? 0;
    return value;
  }

  #string(): string {
    this.#expect('"');
    const start = this.#at - 1;
    for (let code = 0; code !== 0x22; this.#at++) {
      code = this.#text.charCodeAt(this.#at);
      if (Number.isNaN(code)) this.#refuse('ends inside a string');
      if (code === 0x5c) this.#at++;
    }
    const value = parsed(this.#text.slice(start, this.#at));
    return value ?? this.#refuse('has a string that is no JSON');
  }

  #space(): void {
    while (' \t\n\r'.includes(this.#text.charAt(this.#at) || '.')) this.#at++;
  }

  #accept(character: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #expect(character: string): void {
    if (!this.#accept(character)) this.#refuse(`must have '${character}' here`);
  }

  #refuse(what: string): never {
    return refuse(`the header ${what} (at character ${this.#at})`);
  }
}

/** The text of a JSON string, undefined if it is none: escapes that do not exist, halves of a character. */
function parsed(literal: string): string | undefined {
  try {
    const value: unknown = JSON.parse(literal);
    return typeof value === 'string' && !/\p{Surrogate}/u.test(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
