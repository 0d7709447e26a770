import { download } from 'tfjs-prune/weights';
import { describe, expect, it } from 'vitest';
import { checkRemoteFile } from '../../../../src/weights/download/remote-file';
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
    ['https://host:81/model.bin?v=2', 'host_81_model.bin_v_2', undefined],
    ['https://host/', 'host_', undefined],
    ['https://host/..%2f..%2fetc', 'host_.._2f.._2fetc', undefined],
    ['https://host/net-123.pth', 'host_net-123.pth', undefined],
  ])('of %s is %s', (url, name, sha256) => {
    expect(checkRemoteFile({ url })).toEqual({ url, name, sha256, size: undefined });
  });

  it('may say the digest, unless it is said not to', () => {
    const url = 'https://host/x';
    expect(checkRemoteFile({ url, name: 'net-0123abcd.pth' }).sha256).toBe('0123abcd');
    expect(checkRemoteFile({ url, name: 'net-20240229.pth', sha256: false }).sha256).toBe(undefined);
    expect(checkRemoteFile({ url, name: 'net-20240229.pth', sha256: 'ABCDEF01' }).sha256).toBe('abcdef01');
  });
});
