import { download } from 'tfjs-prune/weights';
import { describe, expect, it } from 'vitest';
import { checkRemoteFile, type RemoteFile } from '../../../../src/weights/download/remote-file';
import { refusalOf } from './host';

describe('arguments that are refused', () => {
  // As a caller in JavaScript may write them.
  it.each([
    ['a path', '["net.pth"]', /absolute address.*'net\.pth'/],
    ['a file', '["file:///etc/passwd"]', /https:\/\/ or http:\/\/.*'file:/],
    ['a data address', '["data:,x"]', /https:\/\//],
    ['no address', '[42]', /object with url, name, sha256, size/],
    ['null', '[null]', /object with url, name, sha256, size/],
    ['an object without an address', '[{}]', /absolute address.*undefined/],
    ['an unknown field', '[{ "url": "http://h/x", "hash": "x" }]', /no option 'hash'.*sha256/],
    ['an unknown option', '["http://h/x", { "folder": "x" }]', /no option 'folder'.*cache/],
    ['options that are none', '["http://h/x", "folder"]', /object with onProgress, signal, cache/],
    ['a name with a folder', '[{ "url": "http://h/x", "name": "../x" }]', /name.*'\.\.\/x'/],
    ['a name on Windows', '[{ "url": "http://h/x", "name": "c:\\\\x" }]', /name/],
    ['a name of a folder', '[{ "url": "http://h/x", "name": ".." }]', /name.*'\.\.'/],
    ['an empty name', '[{ "url": "http://h/x", "name": "" }]', /name.*''/],
    ['a name with a zero', '[{ "url": "http://h/x", "name": "a\\u0000" }]', /name/],
    ['a short digest', '[{ "url": "http://h/x", "sha256": "abc" }]', /8 to 64 hexadecimal.*'abc'/],
    ['no digest', '[{ "url": "http://h/x", "sha256": "not hexadecimal" }]', /8 to 64 hexadecimal/],
    ['true for a digest', '[{ "url": "http://h/x", "sha256": true }]', /hexadecimal digits, or false.*true/],
    ['a negative size', '[{ "url": "http://h/x", "size": -1 }]', /whole number of bytes.*-1/],
    ['half a byte', '[{ "url": "http://h/x", "size": 1.5 }]', /whole number of bytes.*1\.5/],
    ['a callback that is none', '["http://h/x", { "onProgress": 1 }]', /onProgress.*1/],
    ['a signal that is none', '["http://h/x", { "signal": {} }]', /AbortSignal/],
    ['a cache that is none', '["http://h/x", { "cache": true }]', /cache must.*false.*true/],
    ['a cache without a name', '["http://h/x", { "cache": "" }]', /cache must/],
  ])('%s', async (_, json, says) => {
    const args: Parameters<typeof download> = JSON.parse(json);
    expect((await refusalOf(download(...args), 'argument')).message).toMatch(says);
  });

  it('a password, which is not shown', async () => {
    const error = await refusalOf(download('https://me:secret@host.example/x'), 'argument');
    expect(error.message).toContain('host.example');
    expect(`${error.message} ${String(error.given)}`).not.toContain('secret');
  });
});

describe('the name in the cache', () => {
  it.each([
    // Names of torchvision's.
    ['https://download.pytorch.org/models/resnet50-11ad3fa6.pth', 'resnet50-11ad3fa6.pth', '11ad3fa6'],
    ['https://host/shufflenetv2_x1-5666bf0f80.pth?x=1#y', 'shufflenetv2_x1-5666bf0f80.pth', '5666bf0f80'],
    ['https://host/a/b/model.safetensors', 'host_a_b_model.safetensors', undefined],
    ['https://host/', 'host_', undefined],
    ['https://host/net-123.pth', 'host_net-123.pth', undefined],
    // Digits that are not in the file's own name.
    ['https://net-0123abcd.host.app/m.pth', 'net-0123abcd.host.app_m.pth', undefined],
    ['https://host/net-20240101.v2/m.pth', 'host_net-20240101.v2_m.pth', undefined],
  ])('of %s is %s', async (url, name, sha256) => {
    expect(await checkRemoteFile({ url })).toEqual({ url, name, sha256, size: undefined });
  });

  it.each([
    ['https://host:81/model.bin?v=2', 'host_81_model.bin_v_2'],
    ['https://host/..%2f..%2fetc', 'host_.._2f.._2fetc'],
    ['http://host/model.bin', 'host_model.bin'],
    ['https://host/Model.bin', 'host_Model.bin'],
    [`https://host/model.bin?signature=${'0123456789'.repeat(100)}`, 'host_model.bin_signature_0123456789'],
  ])('of %s starts with %s, goes on with a digest, and is short enough for any disk', async (url, start) => {
    const { name } = await checkRemoteFile({ url });
    expect(name).toMatch(/^[\w.-]{1,170}_[0-9a-f]{16}$/);
    expect(name.startsWith(start)).toBe(true);
  });

  it('is not the same for different addresses, also where case does not matter', async () => {
    const urls = ['https://host/a/b', 'https://host/a_b', 'https://host/a//b', 'https://host/a%2fb'];
    urls.push(
      'http://host/a/b',
      'https://host/A/b',
      'https://host:1/a/b',
      'https://host/a/b?',
      'https://host/a?b',
    );
    const names = await Promise.all(urls.map(async (url) => (await checkRemoteFile({ url })).name));
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(urls.length - 1);
    // An empty query is none.
    expect(names[7]).toBe(names[0]);
  });

  it('may say the digest, unless it is said not to', async () => {
    const digestOf = async (file: RemoteFile): Promise<string | undefined> =>
      (await checkRemoteFile(file)).sha256;
    const url = 'https://host/x';
    expect(await digestOf({ url, name: 'net-0123abcd.pth' })).toBe('0123abcd');
    expect(await digestOf({ url, name: 'net-20240229.pth', sha256: false })).toBe(undefined);
    expect(await digestOf({ url, name: 'net-20240229.pth', sha256: 'ABCDEF01' })).toBe('abcdef01');
    expect(await digestOf({ url: 'https://host/net-0123abcd.pth', name: 'mine.pth' })).toBe('0123abcd');
  });
});
