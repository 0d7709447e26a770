import { describe, expect, it } from 'vitest';
import { parsePth } from '../../../../src/weights/pth/pth';
import type { StateDict } from '../../../../src/weights/tensor-data';
import { bytes, pickle, pth, type TensorParts, tensor, u64, zip } from './archive';
import { expectRefused } from './refused';

const { text, int, tuple, dict, call, global, document } = pickle;
const parse = (file: Uint8Array): StateDict => parsePth(file, 'x.pth');
const withTensor = (parts: TensorParts): Uint8Array => pth(document(dict(text('w'), tensor(parts))));

describe('parsePth', () => {
  it('reads a tensor as a view of the file where its bytes are aligned', () => {
    const file = withTensor({});
    const at = new TextDecoder('latin1').decode(file).indexOf('\x00\x00\xc0\x3f'); // 1.5
    const shift = (4 - (at % 4)) % 4;
    const shifted = new Uint8Array(file.length + 4).subarray(shift, shift + file.length);
    shifted.set(file);
    const { shape, dtype, data } = parse(shifted).get('w')!;
    expect({ shape, dtype, data }).toEqual({ shape: [2], dtype: 'float32', data: Float32Array.of(1.5, -2) });
    expect(data.buffer).toBe(shifted.buffer);
  });

  it('reads a tensor at any place in a buffer', () => {
    const file = withTensor({});
    for (let shift = 0; shift < 8; shift++) {
      const moved = new Uint8Array(file.length + 8).subarray(shift, shift + file.length);
      moved.set(file);
      expect(parse(moved).get('w')!.data).toEqual(Float32Array.of(1.5, -2));
    }
  });

  it('takes the dict under state_dict before the one around it', () => {
    const inner = dict(text('w'), tensor());
    const names = (...items: Uint8Array[]): string[] => [...parse(pth(document(dict(...items)))).keys()];
    expect(names(text('epoch'), int(3), text('state_dict'), inner)).toEqual(['w']);
    expect(names(text('model'), text('resnet'), text('model_state_dict'), inner)).toEqual(['w']);
    expect(names(text('model'), inner, text('loss'), tensor())).toEqual(['w']);
    expect(names(text('model'), tensor())).toEqual(['model']);
  });

  it.each<[string, TensorParts, RegExp]>([
    ['a storage that is not there', { key: '7' }, /storage 'data\/7' of 'w' is not in the zip/],
    [
      'a key that leaves the archive',
      { key: '../data.pkl' },
      /'data\/..\/data.pkl' of 'w' is not in the zip/,
    ],
    ['more elements than the storage has', { numel: int(3) }, /3 elements, but has 8 bytes/],
    ['a negative count', { numel: int(-1) }, /which storage/],
    ['a shape beyond its storage', { shape: tuple(int(3)) }, /'w' of shape \[3\].* storage of 2 elements/],
    ['an offset beyond its storage', { offset: int(1) }, /offset 1 does not fit/],
    ['an offset beyond an empty tensor', { shape: tuple(int(0)), offset: int(9) }, /offset 9 does not fit/],
    ['strides beyond its storage', { strides: tuple(int(2)) }, /strides \[2\].* does not fit/],
    ['a negative stride', { offset: int(1), strides: tuple(int(-1)) }, /strides of 'w' has -1/],
    ['a negative size', { shape: tuple(int(-2)) }, /shape of 'w' has -2/],
    ['a negative offset', { offset: int(-1) }, /offset of 'w' is -1/],
    ['sizes that are not numbers', { shape: tuple(text('2')) }, /has the string '2'/],
    ['sizes that are not whole', { shape: tuple(bytes('G', 0x3f, 0xf8, 0, 0, 0, 0, 0, 0)) }, /has 1.5/],
    ['sizes beyond all numbers', { shape: tuple(bytes(0x8a, 8, u64(2n ** 62n))) }, /has 4611686018427387904/],
    ['sizes with no strides', { strides: tuple() }, /1 sizes but 0 strides/],
    ['a shape that is no tuple', { shape: int(2) }, /shape of 'w' is 2, not a tuple/],
    [
      'sizes that multiply to more than all numbers',
      { shape: tuple(...Array(40).fill(int(2 ** 31 - 1))), strides: tuple(...Array(40).fill(int(0))) },
      /does not fit/,
    ],
    [
      'huge tensors that repeat one element',
      { shape: tuple(int(2 ** 30)), strides: tuple(int(0)) },
      /more than 4 times the size of the file/,
    ],
    ['too many axes', { shape: tuple(...Array(65).fill(int(1))) }, /65 axes/],
  ])('refuses %s', (_, parts, message) => {
    expectRefused(() => parse(withTensor(parts)), message);
  });

  it('refuses a storage type that it does not know by its name', () => {
    expectRefused(
      () => parse(withTensor({ storage: 'ComplexFloatStorage' })),
      /needs 'torch.ComplexFloatStorage'/,
    );
  });

  it('refuses a shape that holds itself', () => {
    const shape = bytes(']', 'q', 5, 'h', 5, 'a');
    expectRefused(() => parse(withTensor({ shape })), /has a list where a whole number/);
  });

  it('refuses a parameter that holds itself or another parameter', () => {
    const parameter = (inner: Uint8Array): Uint8Array =>
      call(global('torch._utils', '_rebuild_parameter'), tuple(inner));
    const nested = parameter(parameter(tensor()));
    expect(parse(pth(document(dict(text('w'), parameter(tensor()))))).get('w')!.shape).toEqual([2]);
    expectRefused(
      () => parse(pth(document(dict(text('w'), nested)))),
      /'w' is a tensor, not a tensor|'w' is .*not a tensor/,
    );
    expectRefused(() => parse(pth(document(dict(text('w'), parameter(bytes(')')))))), /not a tensor/);
  });

  it.each<[string, Uint8Array, RegExp]>([
    [
      'a value that is no tensor',
      dict(text('w'), tensor(), text('epoch'), int(3)),
      /'epoch' is 3, not a tensor/,
    ],
    ['a key that is no text', dict(int(1), tensor()), /key that is not a string: 1/],
    ['a lone tensor', tensor(), /holds a tensor rather than a dict/],
    ['a list', bytes(']'), /holds a list rather than a dict/],
  ])('refuses %s', (_, value, message) => {
    expectRefused(() => parse(pth(document(value))), message);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['no data.pkl', zip([{ name: 'x/version', data: bytes('3') }]), /one '<name>\/data.pkl', but has 0/],
    [
      'two of them',
      zip(['x', 'y'].map((root) => ({ name: `${root}/data.pkl`, data: document(bytes('}')) }))),
      /but has 2/,
    ],
    [
      'big-endian numbers',
      pth(document(bytes('}')), { name: 'x/byteorder', data: bytes('big') }),
      /big-endian/,
    ],
    ['a page of HTML', bytes('<!doctype html><title>404</title>'), /end of the zip is missing.*not a zip/],
    ['nothing', bytes(), /it is empty/],
  ])('refuses a file with %s, and names the file', (_, file, message) => {
    expectRefused(() => parse(file), new RegExp(`^Cannot read x.pth as a .pth file: .*${message.source}`));
  });

  it('refuses a pickle that is far too large', () => {
    const file = zip([{ name: 'x/data.pkl', data: new Uint8Array(2 ** 23 + 1) }]);
    expectRefused(() => parse(file), /data.pkl has 8388609 bytes/);
  });

  it('refuses many copies of one storage', () => {
    const flipped = tensor({ shape: tuple(int(50), int(2)), strides: tuple(int(0), int(1)) });
    const items = Array.from({ length: 400 }, (_, i) =>
      bytes(text(`w${i}`), i === 0 ? bytes(flipped, 'q', 9) : bytes('h', 9)),
    );
    expectRefused(() => parse(pth(document(dict(...items)))), /more than 4 times/);
  });

  it('shortens what it quotes from the file', () => {
    const name = 'n'.repeat(10_000);
    expectRefused(() => parse(pth(document(dict(text(name), int(1))))), /^.{0,700}…\.$/);
  });
});
