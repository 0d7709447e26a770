import { describe, expect, it } from 'vitest';
import { readZip } from '../../../../src/weights/pth/zip';
import { bytes, u16, u64, type ZipEnd, type ZipEntry, zip } from './archive';
import { expectRefused } from './refused';

const hello: ZipEntry = { name: 'a/hello', data: bytes('hello') };
const world: ZipEntry = { name: 'a/world', data: bytes('world!') };
const text = (data: Uint8Array | undefined): string => new TextDecoder().decode(data);

describe('readZip', () => {
  it('reads stored entries as views of the file', () => {
    const file = zip([hello, world]);
    const entries = readZip(file);
    expect([...entries.keys()]).toEqual(['a/hello', 'a/world']);
    expect(text(entries.get('a/world'))).toBe('world!');
    expect(entries.get('a/hello')!.buffer).toBe(file.buffer);
  });

  it('reads a file that starts in the middle of a buffer', () => {
    const file = zip([hello]);
    expect(text(readZip(bytes('??', file, '??').subarray(2, 2 + file.length)).get('a/hello'))).toBe('hello');
  });

  it('reads a zip with a comment, with no entries, and with empty entries', () => {
    expect(readZip(zip([hello], { comment: 'made by hand' })).size).toBe(1);
    expect(readZip(zip([])).size).toBe(0);
    expect(readZip(zip([{ name: 'a/', data: bytes() }, hello])).get('a/')).toHaveLength(0);
  });

  it('takes sizes and offsets from zip64 fields', () => {
    const extra = bytes(u16(0x4242), u16(1), 0, u16(1), u16(24), u64(5n), u64(5n), u64(0n));
    const file = zip([{ ...hello, size: 0xffffffff, offset: 0xffffffff, extra }], {
      count: 0xffff,
      size: 0xffffffff,
      offset: 0xffffffff,
      zip64: {},
    });
    expect(text(readZip(file).get('a/hello'))).toBe('hello');
  });

  const refused: Array<[string, ZipEntry[], ZipEnd, RegExp]> = [
    ['deflated entries', [{ ...hello, method: 8 }], {}, /'a\/hello' is compressed \(method 8\)/],
    ['encrypted entries', [{ ...hello, flags: 1 }], {}, /'a\/hello' is encrypted/],
    ['two entries of one name', [hello, hello], {}, /two entries named 'a\/hello'/],
    ['entries that overlap', [{ ...hello, size: 20 }, world], {}, /'a\/hello' and 'a\/world' overlap/],
    ['two names for the same bytes', [hello, { ...world, offset: 0 }], {}, /has another name/],
    ['a header with another name', [{ ...hello, localName: 'a/other' }], {}, /'a\/hello' has another name/],
    ['sizes past the directory', [{ ...hello, size: 1000 }], {}, /1000 bytes .* past the directory/],
    ['huge sizes', [{ ...hello, size: 0xfffffffe }], {}, /4294967294 bytes/],
    ['offsets past the file', [{ ...hello, offset: 99999 }], {}, /cut off/],
    ['offsets to something else', [{ ...hello, offset: 3 }], {}, /is not at byte 3/],
    ['zip64 sizes without their field', [{ ...hello, size: 0xffffffff }], {}, /lacks its zip64 field/],
    [
      'zip64 sizes beyond all numbers',
      [{ ...hello, size: 0xffffffff, extra: bytes(u16(1), u16(16), u64(2n ** 63n), u64(5n)) }],
      {},
      /9223372036854775808/,
    ],
    [
      'zip64 fields that are too short',
      [{ ...hello, size: 0xffffffff, extra: bytes(u16(1), u16(4), u16(0), u16(0)) }],
      {},
      /zip64 field .* cut off/,
    ],
    [
      'extra fields that are too short',
      [{ ...hello, extra: bytes(u16(1), u16(99)) }],
      {},
      /extra field .* cut off/,
    ],
    [
      'names that are not UTF-8',
      [{ ...hello, name: 'a', localName: 'a', extra: bytes() }],
      { offset: 1 },
      /no entry at byte/,
    ],
    ['more entries than fit', [hello], { count: 9 }, /9 entries/],
    ['too many entries', [hello], { count: 0xffff, zip64: { count: 100_001n } }, /100001 entries, more than/],
    ['a directory past its end', [hello], { size: 9999 }, /9999 bytes/],
    ['several parts', [hello], { disk: 1 }, /several parts/],
    ['end records that differ', [hello], { zip64: { count: 2n } }, /two end records differ/],
    ['a zip64 record that is not there', [hello], { zip64: { at: 3n } }, /no zip64 end record at byte 3/],
    ['a zip64 record past the file', [hello], { zip64: { at: 2n ** 40n } }, /past its locator/],
    ['a zip64 record beyond all numbers', [hello], { zip64: { at: 2n ** 64n - 1n } }, /18446744073709551615/],
  ];
  it.each(refused)('refuses %s', (_, entries, end, message) => {
    expectRefused(() => readZip(zip(entries, end)), message);
  });

  it('refuses names that are not UTF-8', () => {
    const file = zip([{ name: 'a\u00e9', data: bytes() }]);
    file.forEach((byte, i) => {
      if (byte === 0xa9) file[i] = 0xff;
    });
    expectRefused(() => readZip(file), /not UTF-8/);
  });

  it('refuses a file cut off anywhere, and one with something after its end', () => {
    const file = zip([hello, world], { zip64: {} });
    for (let length = 0; length < file.length; length++) {
      expectRefused(() => readZip(file.subarray(0, length)), /end of the zip is missing/);
    }
    expectRefused(() => readZip(bytes(file, 'x')), /end of the zip is missing/);
  });
});
