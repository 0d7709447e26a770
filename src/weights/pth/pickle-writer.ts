import { ByteWriter } from '../byte-writer';
import { Op } from './pickle-op';

const PROTOCOL = 2;

/** Writes a pickle of protocol 2, of what a state dict needs: text, whole numbers, tuples, names and calls. */
export class PickleWriter {
  readonly #out = new ByteWriter().u8(Op.PROTO).u8(PROTOCOL);
  /** Where names and text that come often have been put aside. */
  readonly #memo = new Map<string, number>();

  mark(): this {
    return this.#op(Op.MARK);
  }

  /** Everything since the last mark as one tuple. */
  tuple(): this {
    return this.#op(Op.TUPLE);
  }

  /** Everything since the last mark as keys and values of the dict before it. */
  setItems(): this {
    return this.#op(Op.SETITEMS);
  }

  /** The function and the tuple before this, as a call. */
  call(): this {
    return this.#op(Op.REDUCE);
  }

  /** The tuple before this, as a reference to something outside of the pickle. */
  reference(): this {
    return this.#op(Op.BINPERSID);
  }

  boolean(value: boolean): this {
    return this.#op(value ? Op.NEWTRUE : Op.NEWFALSE);
  }

  /** A whole number from 0 to 2^53. */
  natural(value: number): this {
    if (value < 2 ** 8) this.#op(Op.BININT1).#out.u8(value);
    else if (value < 2 ** 31) this.#op(Op.BININT).#out.u32(value);
    else this.#op(Op.LONG1).#out.u8(8).u64(value);
    return this;
  }

  naturals(values: readonly number[]): this {
    this.mark();
    for (const value of values) this.natural(value);
    return this.tuple();
  }

  text(value: string): this {
    const bytes = new TextEncoder().encode(value);
    this.#op(Op.BINUNICODE).#out.u32(bytes.length).text(value);
    return this;
  }

  /** Text that comes again: written once. */
  word(value: string): this {
    return this.#once(`text ${value}`, () => this.text(value));
  }

  /** The name of a class or function. */
  global(module: string, name: string): this {
    return this.#once(`${module}\n${name}\n`, () => this.#op(Op.GLOBAL).#out.text(`${module}\n${name}\n`));
  }

  /** A new `collections.OrderedDict`, which has nothing in it yet. */
  orderedDict(): this {
    return this.global('collections', 'OrderedDict').#op(Op.EMPTY_TUPLE).call();
  }

  toBytes(): Uint8Array {
    return this.#op(Op.STOP).#out.toBytes();
  }

  #once(key: string, write: () => void): this {
    const known = this.#memo.get(key);
    if (known === undefined) {
      write();
      this.#op(Op.BINPUT).#out.u8(this.#memo.size);
      this.#memo.set(key, this.#memo.size);
    } else this.#op(Op.BINGET).#out.u8(known);
    return this;
  }

  #op(op: number): this {
    this.#out.u8(op);
    return this;
  }
}
