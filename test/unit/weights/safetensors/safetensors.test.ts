import { describe, expect, it } from 'vitest';
import { parseSafetensors } from '../../../../src/weights/safetensors/safetensors';
import type { StateDict } from '../../../../src/weights/tensor-data';
import { bytes, u64 } from '../pth/archive';
import { expectRefused } from '../pth/refused';

const parse = (file: Uint8Array): StateDict => parseSafetensors(file, 'x.safetensors');

/** A file with a header, and data of as many bytes as given. */
function file(header: string, dataSize = 0): Uint8Array {
  const text = new TextEncoder().encode(header);
  return bytes(u64(BigInt(text.length)), text, new Uint8Array(dataSize));
}

const entry = (start: number, end: number, shape = '[1]', dtype = 'F32'): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${start},${end}]}`;

describe('parseSafetensors', () => {
  it('keeps the order of the header, also of names that are numbers', () => {
    const header = `{"b":${entry(4, 8)},"10":${entry(0, 4)},"9":${entry(8, 12)}}`;
    expect([...parse(file(header, 12)).keys()]).toEqual(['b', '10', '9']);
  });

  it('takes JSON with spaces, fields in any order, and spaces after it', () => {
    const header = '{ "w" : { "shape" : [ 2 , 1 ] ,\n"data_offsets":[ 0 ,\t8],"dtype":\r"F32" } }    ';
    expect(parse(file(header, 8)).get('w')).toMatchObject({ shape: [2, 1], dtype: 'float32' });
  });

  it('takes tensors without elements anywhere between others', () => {
    const header = `{"a":${entry(0, 4)},"none":${entry(4, 4, '[0,5]')},"b":${entry(4, 8)},"end":${entry(8, 8, '[0]')}}`;
    expect([...parse(file(header, 8)).values()].map(({ data }) => data.length)).toEqual([1, 0, 1, 0]);
  });

  it('copies no more than the tensors that are not aligned', () => {
    const header = `{"a":${entry(0, 1, '[1]', 'U8')},"b":${entry(1, 5)}}`;
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
    const whole = file(padded, 5);
    const state = parse(whole);
    expect(state.get('a')!.data.buffer).toBe(whole.buffer);
    expect(state.get('b')!.data.byteLength).toBe(4);
  });

  it('leaves metadata out', () => {
    expect(parse(file('{"__metadata__":{"format":"pt","é":"\\u00e9"}}')).size).toBe(0);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['nothing', bytes(), /it is empty/],
    ['less than a length', bytes(1, 2, 3), /cut off: it needs 4 bytes/],
    ['no whole prefix', bytes(1, 0, 0, 0, 0, 0, 0), /cut off/],
    [
      'a page of HTML',
      bytes('<!doctype html><title>404</title>'),
      /header would have .* another kind of file/,
    ],
    ['a header beyond the limit', bytes(u64(100_000_001n), '{}'), /would have 100000001 bytes, more than/],
    ['a header beyond the file', bytes(u64(99_999_999n), '{}'), /cut off: it needs 99999999 bytes/],
    ['a header that is no text', bytes(u64(2n), 0xff, 0xff), /header is not UTF-8/],
    ['no header', file(''), /must begin with '\{'/],
    ['a space before the header', file(' {}'), /must begin with '\{'/],
    ['something after the header', file('{} x'), /goes on after its end \(at character 3\)/],
    ['a header without an end', file(`{"w":${entry(0, 4)}`, 4), /must have '\}' here/],
    ['a comma before the end', file(`{"w":${entry(0, 4)},}`, 4), /must have '"' here/],
    ['a string without an end', file('{"w'), /ends inside a string/],
    ['a string that ends in a backslash', file('{"w\\'), /ends inside a string/],
    ['a string with a line break', file('{"a\nb":1}'), /a string that is no JSON/],
    ['a string with half a character', file(`{"\\ud800":${entry(0, 4)}}`, 4), /a string that is no JSON/],
    ['a tensor that is a list', file('{"w":[]}'), /must have '\{' here/],
    ['metadata that is no text', file('{"__metadata__":{"a":1}}'), /must have '"' here/],
    ['metadata in metadata', file('{"__metadata__":{"a":{}}}'), /must have '"' here/],
    ['a name twice', file(`{"w":${entry(0, 4)},"w":${entry(4, 8)}}`, 8), /has the name 'w' twice/],
    ['a name twice, once escaped', file(`{"w":${entry(0, 4)},"\\u0077":${entry(4, 8)}}`, 8), /'w' twice/],
    ['metadata twice', file('{"__metadata__":{},"__metadata__":{}}'), /'__metadata__' twice/],
    ['a key of metadata twice', file('{"__metadata__":{"a":"","a":""}}'), /'a' twice/],
    ['a field twice', file('{"w":{"dtype":"F32","dtype":"F32"}}'), /'dtype' twice/],
    ['another field', file('{"w":{"strides":[1]}}'), /gives 'w' the field 'strides'/],
    ['no dtype', file('{"w":{"shape":[1],"data_offsets":[0,4]}}', 4), /must give 'w' a dtype/],
    ['no shape', file('{"w":{"dtype":"F32","data_offsets":[0,4]}}', 4), /must give 'w' a dtype, a shape/],
    ['one offset', file('{"w":{"dtype":"F32","shape":[1],"data_offsets":[0]}}', 4), /two data_offsets/],
    ['three offsets', file('{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}', 4), /more than two/],
    ['a negative size', file(`{"w":${entry(0, 4, '[-1]')}}`, 4), /must have a whole number/],
    ['a size that is not whole', file(`{"w":${entry(0, 4, '[1.5]')}}`, 4), /must have '\]' here/],
    ['a size with a leading zero', file(`{"w":${entry(0, 4, '[01]')}}`, 4), /must have '\]' here/],
    ['a size beyond all numbers', file(`{"w":${entry(0, 4, '[9007199254740993]')}}`, 4), /whole number/],
    ['a size of many digits', file(`{"w":${entry(0, 4, `[${'9'.repeat(99)}]`)}}`, 4), /whole number/],
    ['a shape of too many axes', file(`{"w":${entry(0, 4, `[${'1,'.repeat(64)}1]`)}}`, 4), /more than 64/],
    [
      'sizes that multiply to more than all numbers',
      file(`{"w":${entry(0, 4, '[9007199254740991,9007199254740991]')}}`, 4),
      /takes 3.*e\+32 bytes/,
    ],
    [
      'sizes that multiply to a whole turn of 64 bits',
      file(`{"w":${entry(0, 0, '[4294967296,1073741824]')}}`, 0),
      /takes 18446744073709552000 bytes/,
    ],
    ['deep lists', file(`{"w":${'['.repeat(100_000)}`), /must have '\{' here/],
    [
      'a type that is not read',
      file(`{"w":${entry(0, 1, '[1]', 'F8_E4M3')}}`, 1),
      /'w' is of type 'F8_E4M3'; what is read is I64, F64/,
    ],
    [
      'fewer bytes than the shape',
      file(`{"w":${entry(0, 4, '[2]')}}`, 4),
      /'w' of F32 \[2\] takes 8 bytes, but its offsets are 0 and 4/,
    ],
    ['offsets that run backwards', file(`{"w":${entry(4, 0)}}`, 4), /offsets are 4 and 0/],
    ['offsets beyond the file', file(`{"w":${entry(0, 4)}}`, 3), /end at byte 4 of 3: the file is cut off/],
    ['offsets far beyond the file', file(`{"w":${entry(9007199254740987, 9007199254740991)}}`, 4), /cut off/],
    ['tensors that overlap', file(`{"a":${entry(0, 4)},"b":${entry(2, 6)}}`, 6), /'b' overlaps/],
    ['tensors in one place', file(`{"a":${entry(0, 4)},"b":${entry(0, 4)}}`, 4), /'b' overlaps/],
    ['nothing inside another', file(`{"a":${entry(0, 4)},"b":${entry(2, 2, '[0]')}}`, 4), /'b' overlaps/],
    [
      'a gap',
      file(`{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, 12),
      /the 4 bytes before 'b' belong to no tensor/,
    ],
    ['a gap at the start', file(`{"a":${entry(4, 8)}}`, 8), /4 bytes before 'a'/],
    ['bytes at the end', file(`{"a":${entry(0, 4)}}`, 9), /last 5 bytes belong to no tensor/],
  ])('refuses %s', (_, contents, message) => {
    expectRefused(
      () => parse(contents),
      new RegExp(`^Cannot read x.safetensors as a safetensors file: .*${message.source}`),
    );
  });

  it('refuses more metadata than any model has', () => {
    const texts = Array.from({ length: 100_001 }, (_, i) => `"${i}":""`);
    expectRefused(() => parse(file(`{"__metadata__":{${texts.join(',')}}}`)), /more than 100000 texts/);
  });

  it('refuses more tensors than any model has', () => {
    const names = Array.from({ length: 100_001 }, (_, i) => `"${i}":${entry(0, 0, '[0]')}`);
    expectRefused(() => parse(file(`{${names.join(',')}}`)), /more than 100000 tensors/);
  });

  it('shortens what it quotes from the file', () => {
    const name = 'n'.repeat(10_000);
    expectRefused(() => parse(file(`{"${name}":${entry(0, 0)}}`)), /^.{0,700}…\.$/);
  });
});
