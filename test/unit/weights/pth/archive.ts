/** Writes zips and pickles by hand, so that tests can make them wrong in one place. */

const encoder = new TextEncoder();

/** Joins bytes, strings (as UTF-8) and single bytes. */
export function bytes(...parts: Array<number | string | Uint8Array>): Uint8Array {
  const pieces = parts.map((part) => {
    if (typeof part === 'number') return Uint8Array.of(part);
    return typeof part === 'string' ? encoder.encode(part) : part;
  });
  const joined = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, value >>> 8);
}

export function u32(value: number): Uint8Array {
  return bytes(u16(value & 0xffff), u16(value >>> 16));
}

export function u64(value: bigint): Uint8Array {
  return new Uint8Array(BigUint64Array.of(value).buffer);
}

export interface ZipEntry {
  readonly name: string;
  readonly data: Uint8Array;
  /** What to put instead of the right values. */
  readonly method?: number;
  readonly flags?: number;
  readonly size?: number;
  readonly offset?: number;
  readonly localName?: string;
  readonly extra?: Uint8Array;
}

export interface ZipEnd {
  readonly count?: number;
  readonly size?: number;
  readonly offset?: number;
  readonly disk?: number;
  readonly comment?: string;
  /** Writes a zip64 end record with these values in place of the right ones. */
  readonly zip64?: {
    readonly count?: bigint;
    readonly size?: bigint;
    readonly offset?: bigint;
    readonly at?: bigint;
  };
}

/** A zip of stored entries. */
export function zip(entries: readonly ZipEntry[], end: ZipEnd = {}): Uint8Array {
  const locals: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let at = 0;
  for (const entry of entries) {
    const local = encoder.encode(entry.localName ?? entry.name);
    const name = encoder.encode(entry.name);
    const extra = entry.extra ?? new Uint8Array(0);
    const [flags, method] = [u16(entry.flags ?? 0), u16(entry.method ?? 0)];
    const size = u32(entry.size ?? entry.data.length);
    const header = bytes(
      u32(0x04034b50),
      u16(20),
      flags,
      method,
      u32(0),
      u32(0),
      u32(0),
      u32(0),
      u16(local.length),
    );
    locals.push(bytes(header, u16(0), local, entry.data));
    const start = bytes(u32(0x02014b50), u16(20), u16(20), flags, method, u32(0), u32(0), size, size);
    const lengths = bytes(u16(name.length), u16(extra.length), u16(0), u16(0), u16(0), u32(0));
    central.push(bytes(start, lengths, u32(entry.offset ?? at), name, extra));
    at += locals.at(-1)!.length;
  }
  const directory = bytes(...central);
  const count = end.count ?? entries.length;
  const [size, offset] = [end.size ?? directory.length, end.offset ?? at];
  const comment = encoder.encode(end.comment ?? '');
  const disk = u16(end.disk ?? 0);
  const short = bytes(
    u32(0x06054b50),
    disk,
    disk,
    u16(count),
    u16(count),
    u32(size),
    u32(offset),
    u16(comment.length),
  );
  const record =
    end.zip64 === undefined ? new Uint8Array(0) : zip64End(end.zip64, entries.length, directory.length, at);
  return bytes(...locals, directory, record, short, comment);
}

function zip64End(
  given: NonNullable<ZipEnd['zip64']>,
  entries: number,
  length: number,
  at: number,
): Uint8Array {
  const count = u64(given.count ?? BigInt(entries));
  const size = u64(given.size ?? BigInt(length));
  const offset = u64(given.offset ?? BigInt(at));
  const record = bytes(
    u32(0x06064b50),
    u64(44n),
    u16(45),
    u16(45),
    u32(0),
    u32(0),
    count,
    count,
    size,
    offset,
  );
  return bytes(record, u32(0x07064b50), u32(0), u64(given.at ?? BigInt(at + length)), u32(1));
}

/** Pickle instructions by hand. */
export const pickle = {
  start: bytes(0x80, 2),
  stop: bytes('.'),
  mark: bytes('('),
  text: (value: string): Uint8Array => bytes('X', u32(encoder.encode(value).length), value),
  int: (value: number): Uint8Array => bytes('J', u32(value >>> 0)),
  global: (module: string, name: string): Uint8Array => bytes(`c${module}\n${name}\n`),
  tuple: (...items: Uint8Array[]): Uint8Array => bytes('(', ...items, 't'),
  dict: (...items: Uint8Array[]): Uint8Array => bytes('}', '(', ...items, 'u'),
  call: (callee: Uint8Array, args: Uint8Array): Uint8Array => bytes(callee, args, 'R'),
  document: (...parts: Uint8Array[]): Uint8Array => bytes(pickle.start, ...parts, pickle.stop),
};

export interface TensorParts {
  readonly storage?: string;
  readonly key?: string;
  readonly numel?: Uint8Array;
  readonly offset?: Uint8Array;
  readonly shape?: Uint8Array;
  readonly strides?: Uint8Array;
}

/** The pickle of a tensor: by default two floats in the storage '0'. */
export function tensor(parts: TensorParts = {}): Uint8Array {
  const { text, int, tuple, global, call } = pickle;
  const id = tuple(
    text('storage'),
    global('torch', parts.storage ?? 'FloatStorage'),
    text(parts.key ?? '0'),
    text('cpu'),
    parts.numel ?? int(2),
  );
  const args = tuple(
    bytes(id, 'Q'),
    parts.offset ?? int(0),
    parts.shape ?? tuple(int(2)),
    parts.strides ?? tuple(int(1)),
    bytes(0x89),
    call(global('collections', 'OrderedDict'), bytes(')')),
  );
  return call(global('torch._utils', '_rebuild_tensor_v2'), args);
}

/** A .pth file with the given pickle and one storage of eight bytes. */
export function pth(document: Uint8Array, ...more: ZipEntry[]): Uint8Array {
  return zip([
    { name: 'x/data.pkl', data: document },
    { name: 'x/data/0', data: new Uint8Array(Float32Array.of(1.5, -2).buffer) },
    ...more,
  ]);
}
