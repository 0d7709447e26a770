import { describe, expect, it } from 'vitest';
import { parsePth } from '../../../../src/weights/pth/pth';
import { bytes, pickle, u64 } from './archive';
import { expectRefused } from './refused';

const { text, int, tuple, dict, call, global, document } = pickle;
const MAGIC = bytes(0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19);
const TWO_FLOATS = new Uint8Array(Float32Array.of(1.5, -2).buffer);

interface Parts {
  readonly version?: Uint8Array;
  readonly machine?: Uint8Array;
  readonly value?: Uint8Array;
  readonly keys?: Uint8Array;
  readonly storages?: Uint8Array;
}

interface Reference {
  readonly type?: string;
  readonly key?: string;
  readonly numel?: Uint8Array;
  readonly view?: Uint8Array;
}

const list = (...items: Uint8Array[]): Uint8Array => bytes(']', '(', ...items, 'e');

function tensor({ type = 'FloatStorage', key = '0', numel = int(2), view }: Reference = {}): Uint8Array {
  const id = tuple(text('storage'), global('torch', type), text(key), text('cpu'), numel, view ?? bytes('N'));
  const args = tuple(bytes(id, 'Q'), int(0), tuple(int(2)), tuple(int(1)));
  return call(global('torch._utils', '_rebuild_tensor'), args);
}

/** A file of one tensor of two floats. */
function legacy(parts: Parts = {}): Uint8Array {
  return bytes(
    document(MAGIC),
    document(parts.version ?? bytes('M', 0xe9, 0x03)),
    document(parts.machine ?? dict(text('little_endian'), bytes(0x88))),
    document(parts.value ?? dict(text('w'), tensor())),
    document(parts.keys ?? list(text('0'))),
    parts.storages ?? bytes(u64(2n), TWO_FLOATS),
  );
}

const parse = (file: Uint8Array): unknown => parsePth(file, 'x.pth').get('w');

describe('a file from before torch 1.6', () => {
  it('is read wherever its bytes lie', () => {
    for (let shift = 0; shift < 8; shift++) {
      const file = bytes(new Uint8Array(shift), legacy()).subarray(shift);
      expect(parse(file)).toEqual({ shape: [2], dtype: 'float32', data: Float32Array.of(1.5, -2) });
    }
  });

  it('may hold a view of a part of a storage', () => {
    const view = tuple(text('1'), int(1), int(2));
    const value = dict(text('w'), tensor({ numel: int(3), view }));
    const storages = bytes(u64(3n), new Uint8Array(4), TWO_FLOATS);
    expect(parse(legacy({ value, storages }))).toMatchObject({ data: Float32Array.of(1.5, -2) });
  });

  it.each<[string, Parts, RegExp]>([
    ['of another version', { version: int(1002) }, /of version 1002, not 1001/],
    ['of no machine', { machine: bytes('N') }, /description of the machine is None/],
    ['of a machine that does not say its byte order', { machine: bytes('}') }, /big-endian/],
    ['of a big-endian machine', { machine: dict(text('little_endian'), bytes(0x89)) }, /big-endian/],
    ['without a list of storages', { keys: int(1) }, /list of storages is 1/],
    ['that lists a storage of nothing', { keys: list(text('1')) }, /nothing refers to its storage .*'1'/],
    ['that lists a number', { keys: list(int(0)) }, /nothing refers to its storage 0/],
    [
      'that lists a storage twice',
      { keys: list(text('0'), text('0')), storages: bytes(u64(2n), TWO_FLOATS, u64(2n), TWO_FLOATS) },
      /storage '0' twice/,
    ],
    ['that lacks a storage', { keys: list(), storages: bytes() }, /storage '0' of 'w' is not in the file/],
    ['with a longer storage than it says', { storages: bytes(u64(3n), TWO_FLOATS) }, /has 3 .* have 2/],
    ['with a storage of more than all numbers', { storages: u64(2n ** 63n) }, /size or offset of 9223/],
    ['cut off inside a storage', { storages: bytes(u64(2n), TWO_FLOATS.subarray(1)) }, /cut off/],
    ['cut off before a storage', { storages: bytes(2) }, /cut off/],
    [
      'that gives a storage two types',
      { value: dict(text('w'), tensor(), text('v'), tensor({ type: 'IntStorage' })) },
      /the storage '0' in two ways/,
    ],
    [
      'that gives a storage two sizes',
      { value: dict(text('w'), tensor(), text('v'), tensor({ numel: int(1) })) },
      /the storage '0' in two ways/,
    ],
    [
      'with a view that leaves its storage',
      { value: dict(text('w'), tensor({ view: tuple(text('1'), int(1), int(2)) })) },
      /'a tensor' is in a view that does not fit/,
    ],
    [
      'with a view that is a number',
      { value: dict(text('w'), tensor({ view: int(1) })) },
      /a view that does not fit/,
    ],
    [
      'with a view shorter than the tensor',
      { value: dict(text('w'), tensor({ view: tuple(text('1'), int(1), int(1)) })) },
      /does not fit its storage of 1 elements/,
    ],
    ['that asks for code', { value: global('os', 'system') }, /needs 'os.system', which is not allowed/],
    ['that refers to a module', { value: bytes(tuple(text('module')), 'Q') }, /which storage it is in/],
  ])('is refused if it is one %s', (_, parts, message) => {
    expectRefused(
      () => parse(legacy(parts)),
      new RegExp(`^Cannot read x.pth as a .pth file: .*${message.source}`),
    );
  });

  it('is refused wherever it is cut off', () => {
    const file = legacy();
    for (let length = 10; length < file.length; length++) {
      expectRefused(() => parse(file.subarray(0, length)), /^Cannot read x.pth/);
    }
  });

  it('is refused if its pickle has no end', () => {
    const value = bytes(...Array.from({ length: 40 }, () => new Uint8Array(2 ** 18).fill(0x4e)));
    expectRefused(
      () => parse(legacy({ value })),
      /the pickle (has more than 1000000 instructions|is cut off)/,
    );
  });
});
