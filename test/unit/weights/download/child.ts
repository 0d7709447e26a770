/** A process that downloads a file: `node --import tsx child.ts URL FOLDER`. Prints the bytes' SHA-256, or the error. */
import { createHash } from 'node:crypto';
import { fetchFile } from '../../../../src/weights/download/fetch-file';

const [url = '', cache = ''] = process.argv.slice(2);
try {
  const bytes = await fetchFile({ url }, { cache });
  console.log(createHash('sha256').update(bytes).digest('hex'));
} catch (error) {
  console.log(String(error));
}
