import { describe, expect, it } from 'vitest';
import { readPickle } from '../../../../src/weights/pth/pickle';
import type { PickleValue } from '../../../../src/weights/pth/pickle-value';
import { bytes, pickle, u32 } from './archive';
import { expectRefused } from './refused';

const { text, int, global, tuple, dict, call, document, start, stop } = pickle;
const read = (data: Uint8Array): PickleValue => readPickle(data, 'data.pkl', new Set(['torch.FloatStorage']));

describe('readPickle', () => {
  it('reads numbers', () => {
    const double = new Uint8Array(8);
    new DataView(double.buffer).setFloat64(0, -0.1);
    const cases: Array<[Uint8Array, PickleValue]> = [
      [bytes('K', 255), 255],
      [bytes('M', 1, 2), 513],
      [int(-7), -7],
      [bytes('G', double), -0.1],
      [bytes(0x8a, 0), 0],
      [bytes(0x8a, 1, 0x80), -128],
      [bytes(0x8a, 5, 0, 0, 0, 0, 1), 2 ** 32],
      [bytes(0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1), 2n ** 64n],
    ];
    for (const [data, value] of cases) expect(read(document(data))).toBe(value);
  });

  it('reads whole numbers of any size', () => {
    for (const value of [2n ** 63n, -(2n ** 64n) - 7n, 2n ** 127n - 1n, -(2n ** 1000n), 3n ** 400n]) {
      const size = Math.ceil(value.toString(2).length / 8) + 1;
      const digits = Uint8Array.from({ length: size }, (_, i) =>
        Number((BigInt.asUintN(size * 8, value) >> BigInt(8 * i)) & 0xffn),
      );
      expect(read(document(bytes(0x8a, size, digits)))).toBe(value);
    }
  });

  it('reads None, booleans, text, lists, tuples and dicts', () => {
    const items = bytes('N', 0x88, 0x89, text('größe'), ']', ')', int(1), 0x85, int(1), int(2), 0x86);
    const value = read(document(bytes(']', '(', items, int(1), int(2), int(3), 0x87, 'e', int(9), 'a')));
    const items1 = [null, true, false, 'größe', { kind: 'list', items: [] }, { kind: 'tuple', items: [] }];
    const tuples = [[1], [1, 2], [1, 2, 3]].map((numbers) => ({ kind: 'tuple', items: numbers }));
    expect(value).toEqual({ kind: 'list', items: [...items1, ...tuples, 9] });
    const entries = new Map<PickleValue, PickleValue>([
      ['a', 1],
      ['b', 2],
    ]);
    expect(read(document(bytes('}', text('a'), int(1), 's', text('b'), int(2), 's')))).toEqual({
      kind: 'dict',
      entries,
    });
  });

  it('makes an OrderedDict a dict, and leaves its attributes out', () => {
    const ordered = call(global('collections', 'OrderedDict'), bytes(')'));
    const value = read(
      document(ordered, text('a'), int(1), bytes('s'), dict(text('_metadata'), int(2)), bytes('b')),
    );
    expect(value).toEqual({ kind: 'dict', entries: new Map([['a', 1]]) });
  });

  it('writes calls and references down instead of following them', () => {
    const storage = global('torch', 'FloatStorage');
    expect(read(document(call(storage, tuple(int(4)))))).toEqual({
      kind: 'call',
      callee: 'torch.FloatStorage',
      args: [4],
    });
    expect(read(document(text('id'), bytes('Q')))).toEqual({ kind: 'persistent', id: 'id' });
  });

  it('remembers values, None too', () => {
    const value = read(document(bytes('(N', 'q', 0, ']', 'r', u32(70000), 'h', 0, 'j', u32(70000), 't')));
    const list = { kind: 'list', items: [] };
    expect(value).toEqual({ kind: 'tuple', items: [null, list, null, list] });
  });

  it('reads values that hold themselves', () => {
    const value = read(document(bytes(']', 'q', 0, 'h', 0, 'a')));
    expect(value).toMatchObject({ kind: 'list', items: [{ kind: 'list' }] });
  });

  it('reads values nested hundreds of thousands deep', () => {
    const depth = 300_000;
    const data = new Uint8Array(2 * depth);
    data.fill(0x5d, 0, depth);
    data.fill(0x61, depth);
    expect(read(bytes(start, ']', data, stop))).toMatchObject({ kind: 'list' });
    expect(read(bytes(start, 'N', new Uint8Array(depth).fill(0x85), stop))).toMatchObject({ kind: 'tuple' });
  });

  it.each([
    ['os', 'system'],
    ['builtins', 'eval'],
    ['torch', 'load'],
    ['torch.nn.modules.linear', 'Linear'],
    ['collections', 'Counter'],
    ['collections.OrderedDict', '__init__'],
  ])('refuses to name %s.%s', (module, name) => {
    const data = document(call(global(module, name), tuple(text('echo'))));
    expectRefused(
      () => read(data),
      new RegExp(`needs '${module}.${name}', which is not allowed.*\\(at byte 2\\)`),
    );
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['other protocols', bytes(0x80, 4, 'N.'), /protocol 4, not 2 \(at byte 0\)/],
    [
      'unknown instructions',
      document(bytes('i')),
      /instruction 0x69, which torch does not write \(at byte 2\)/,
    ],
    ['a pickle with no value', document(), /takes a value that is not there/],
    ['values from before a mark', document(int(1), bytes('(', 0x85)), /takes a value that is not there/],
    ['a mark that is not there', document(int(1), bytes('t')), /back to a mark that is not there/],
    ['values that were not remembered', document(bytes('h', 7)), /recalls value 7/],
    ['appending to a tuple', document(bytes(')', int(1), 'a')), /appends to something that is not a list/],
    ['setting items of a list', document(bytes(']', int(1), int(1), 's')), /not a dict/],
    ['an item with no value', document(bytes('}(', int(1), 'u')), /an item with no value/],
    ['attributes of a list', document(bytes(']}b')), /sets attributes of something that is not a dict/],
    ['calls of a value', document(bytes(int(1), ')R')), /calls something that is not a function/],
    ['calls with no tuple', document(global('torch', 'FloatStorage'), bytes('NR')), /not a function/],
    [
      'an OrderedDict with arguments',
      document(call(global('collections', 'OrderedDict'), tuple(int(1)))),
      /with arguments/,
    ],
    [
      'text longer than the pickle',
      document(bytes('X', u32(0xffffffff))),
      /cut off: it needs 4294967295 bytes/,
    ],
    [
      'text that is not UTF-8',
      document(bytes('X', u32(1), 0xff)),
      /a string in data.pkl at byte 2 is not UTF-8/,
    ],
    ['a name with no end', document(bytes('cos')), /ends inside the line/],
  ])('refuses %s', (_, data, message) => {
    expectRefused(() => read(data), message);
  });

  it('refuses a pickle cut off anywhere', () => {
    const data = document(dict(text('a'), tuple(int(1), bytes(0x8a, 2, 1, 2))));
    for (let length = 0; length < data.length; length++) {
      expectRefused(() => read(data.subarray(0, length)), /cut off/);
    }
  });

  it.each<[string, Uint8Array]>([
    ['lists within lists', bytes(']')],
    ['lists side by side', bytes(']a')],
    ['tuples within tuples', bytes(0x85)],
  ])('stops after 400,000 objects: %s', (_, instructions) => {
    const many = new Uint8Array(instructions.length * 400_001);
    for (let at = 0; at < many.length; at += instructions.length) many.set(instructions, at);
    expectRefused(() => read(bytes(start, ']', many)), /more than 400000 objects/);
  });

  it.each<[string, Uint8Array]>([
    ['values', bytes('N')],
    ['marks', bytes('(')],
    ['remembered values', bytes('q', 0)],
    ['appending nothing', bytes('(e')],
    ['announcing the protocol', bytes(0x80, 2)],
  ])('stops after a million instructions: %s', (_, instruction) => {
    const many = new Uint8Array(instruction.length * 1_000_001);
    for (let at = 0; at < many.length; at += instruction.length) many.set(instruction, at);
    expectRefused(() => read(bytes(start, ']', many)), /more than 1000000 instructions/);
  });
});
