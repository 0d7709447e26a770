import { Cursor, decodeText, refuse } from '../cursor';
import { integer, Op } from './pickle-op';
import { isDict, isGlobal, isSequence, type PickleValue } from './pickle-value';

const ORDERED_DICT = 'collections.OrderedDict';

const PROTOCOL = 2;
/** Of state dicts: torch's names are much shorter, pickles of whole optimisers still fit. */
export const LARGEST_PICKLE: number = 2 ** 23;
/** Enough for 30,000 tensors, and so few that a hostile file takes neither much time nor much memory. */
const MOST_INSTRUCTIONS = 1_000_000;
const MOST_OBJECTS = 400_000;

/**
 * Reads one pickle of protocol 2 as data. Cyclic and deeply nested values are harmless: reading does not recurse.
 *
 * @param bytes The pickle.
 * @param what What it is, for messages: "data.pkl".
 * @param globals The classes and functions it may name, besides `collections.OrderedDict`.
 * @returns The value it describes.
 * @throws {@link PruneError} `file` for a name that is not allowed, an unknown instruction, or a broken pickle.
 */
export function readPickle(bytes: Uint8Array, what: string, globals: ReadonlySet<string>): PickleValue {
  return readPickleAt(new Cursor(bytes, what), what, globals);
}

/**
 * The same for a pickle that other bytes follow.
 *
 * @param cursor Where the pickle starts; it is moved to where the pickle ends.
 * @param what What it is, for messages.
 * @param globals The classes and functions it may name, besides `collections.OrderedDict`.
 * @param note Gets each reference to something outside of the pickle.
 * @returns The value it describes.
 * @throws {@link PruneError} `file` as {@link readPickle}.
 */
export function readPickleAt(
  cursor: Cursor,
  what: string,
  globals: ReadonlySet<string>,
  note: (reference: PickleValue) => void = () => {},
): PickleValue {
  return new Reader(cursor, what, globals, note).read();
}

class Reader {
  readonly #cursor: Cursor;
  readonly #what: string;
  readonly #globals: ReadonlySet<string>;
  readonly #note: (reference: PickleValue) => void;
  readonly #memo = new Map<number, PickleValue>();
  readonly #marks: number[] = [];
  readonly #stack: PickleValue[] = [];
  #objects = 0;
  #at = 0;

  constructor(
    cursor: Cursor,
    what: string,
    globals: ReadonlySet<string>,
    note: (reference: PickleValue) => void,
  ) {
    this.#cursor = cursor;
    this.#what = what;
    this.#globals = globals;
    this.#note = note;
  }

  read(): PickleValue {
    for (let left = MOST_INSTRUCTIONS; ; left--) {
      this.#at = this.#cursor.offset;
      if (left === 0) this.#refuse(`has more than ${MOST_INSTRUCTIONS} instructions`);
      const op = this.#cursor.u8();
      if (op === Op.STOP) return this.#pop();
      this.#step(op);
    }
  }

  #step(op: number): void {
    const cursor = this.#cursor;
    switch (op) {
      case Op.PROTO:
        this.#protocol(cursor.u8());
        break;
      case Op.MARK:
        this.#marks.push(this.#stack.length);
        break;
      case Op.TUPLE1:
      case Op.TUPLE2:
      case Op.TUPLE3:
        this.#push({ kind: 'tuple', items: this.#popMany(op - Op.TUPLE1 + 1) });
        break;
      case Op.TUPLE:
        this.#push({ kind: 'tuple', items: this.#popToMark() });
        break;
      case Op.APPEND:
        this.#append([this.#pop()]);
        break;
      case Op.APPENDS:
        this.#append(this.#popToMark());
        break;
      case Op.SETITEM:
        this.#setItems(this.#popMany(2));
        break;
      case Op.SETITEMS:
        this.#setItems(this.#popToMark());
        break;
      case Op.BINPUT:
        this.#remember(cursor.u8());
        break;
      case Op.LONG_BINPUT:
        this.#remember(cursor.u32());
        break;
      case Op.BINGET:
        this.#recall(cursor.u8());
        break;
      case Op.LONG_BINGET:
        this.#recall(cursor.u32());
        break;
      case Op.GLOBAL:
        this.#global();
        break;
      case Op.REDUCE:
        this.#call();
        break;
      case Op.BINPERSID:
        this.#refer();
        break;
      case Op.BUILD:
        this.#build();
        break;
      default:
        this.#push(this.#literal(op));
    }
  }

  /** The value of an instruction that needs nothing from the stack. */
  #literal(op: number): PickleValue {
    const cursor = this.#cursor;
    switch (op) {
      case Op.NONE:
        return null;
      case Op.NEWTRUE:
        return true;
      case Op.NEWFALSE:
        return false;
      case Op.BININT:
        return cursor.i32();
      case Op.BININT1:
        return cursor.u8();
      case Op.BININT2:
        return cursor.u16();
      case Op.LONG1:
        return integer(cursor.take(cursor.u8()));
      case Op.BINFLOAT:
        return cursor.f64BigEndian();
      case Op.BINUNICODE:
      case Op.BINSTRING:
        return this.#text(cursor.u32());
      case Op.SHORT_BINSTRING:
        return this.#text(cursor.u8());
      case Op.EMPTY_TUPLE:
        return { kind: 'tuple', items: [] };
      case Op.EMPTY_LIST:
        return { kind: 'list', items: [] };
      case Op.EMPTY_DICT:
        return { kind: 'dict', entries: new Map() };
      default:
        return this.#refuse(
          `has the instruction 0x${op.toString(16).padStart(2, '0')}, which torch does not write`,
          op,
        );
    }
  }

  /** Strings of Python 2, which are bytes, are taken for UTF-8, as torch.load does. */
  #text(length: number): string {
    return decodeText(this.#cursor.take(length), `a string in ${this.#what} at byte ${this.#at}`);
  }

  #protocol(version: number): void {
    if (version !== PROTOCOL) this.#refuse(`is of pickle protocol ${version}, not ${PROTOCOL}`, version);
  }

  #push(value: PickleValue): void {
    const isObject = typeof value === 'object' && value !== null;
    if (isObject && ++this.#objects > MOST_OBJECTS) this.#refuse(`has more than ${MOST_OBJECTS} objects`);
    this.#stack.push(value);
  }

  #pop(): PickleValue {
    this.#need(1);
    return this.#stack.pop()!;
  }

  #popMany(count: number): PickleValue[] {
    this.#need(count);
    return this.#stack.splice(this.#stack.length - count);
  }

  /** Values that are taken may not be from before the last mark. */
  #need(count: number): void {
    const floor = this.#marks.at(-1) ?? 0;
    if (this.#stack.length - count < floor) this.#refuse('takes a value that is not there');
  }

  #popToMark(): PickleValue[] {
    const mark = this.#marks.pop();
    return mark === undefined
      ? this.#refuse('takes values back to a mark that is not there')
      : this.#stack.splice(mark);
  }

  #top(): PickleValue {
    this.#need(1);
    return this.#stack.at(-1)!;
  }

  #append(items: PickleValue[]): void {
    const list = this.#top();
    if (!isSequence(list) || list.kind !== 'list') this.#refuse('appends to something that is not a list');
    for (const item of items) list.items.push(item);
  }

  #setItems(items: PickleValue[]): void {
    const dict = this.#top();
    if (!isDict(dict)) this.#refuse('sets items of something that is not a dict');
    if (items.length % 2 !== 0) this.#refuse('sets an item with no value');
    for (let i = 0; i < items.length; i += 2) dict.entries.set(items[i]!, items[i + 1]!);
  }

  #remember(key: number): void {
    this.#memo.set(key, this.#top());
  }

  #recall(key: number): void {
    const value = this.#memo.get(key);
    if (value === undefined) this.#refuse(`recalls value ${key}, which it has not put aside`, key);
    this.#push(value);
  }

  #global(): void {
    const where = `a name in ${this.#what} at byte ${this.#at}`;
    const module = decodeText(this.#cursor.line(), where);
    const name = `${module}.${decodeText(this.#cursor.line(), where)}`;
    if (name !== ORDERED_DICT && !this.#globals.has(name)) {
      this.#refuse(
        `needs '${name}', which is not allowed: only tensors in dicts are read, and nothing is ever run. ` +
          'Save model.state_dict() rather than the model or other objects',
        name,
      );
    }
    this.#push({ kind: 'global', name });
  }

  #call(): void {
    const [callee, args] = this.#popMany(2);
    if (!isGlobal(callee) || !isSequence(args)) this.#refuse('calls something that is not a function');
    const isDictionary = callee.name === ORDERED_DICT;
    if (isDictionary && args.items.length > 0) this.#refuse('makes an OrderedDict with arguments');
    this.#push(
      isDictionary
        ? { kind: 'dict', entries: new Map() }
        : { kind: 'call', callee: callee.name, args: args.items },
    );
  }

  #refer(): void {
    const reference: PickleValue = { kind: 'persistent', id: this.#pop() };
    this.#note(reference);
    this.#push(reference);
  }

  /** torch only sets `_metadata` this way, which nothing here needs. */
  #build(): void {
    this.#pop();
    if (!isDict(this.#top())) this.#refuse('sets attributes of something that is not a dict');
  }

  #refuse(what: string, given?: unknown): never {
    return refuse(`${this.#what} ${what} (at byte ${this.#at})`, given);
  }
}
