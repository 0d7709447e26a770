import sharp from 'sharp';
import type { Pixels } from 'tfjs-prune/models';

/**
 * The pixels of a JPEG, PNG, WebP, GIF, AVIF or TIFF file, as PIL's `convert('RGB')` has them: without alpha and without
 * applying colour profiles. A photograph that its camera stored lying on its side is turned upright, as a browser shows it.
 *
 * @param path The file.
 */
export async function decode(path: string): Promise<Pixels> {
  try {
    const { data, info } = await sharp(path, { autoOrient: true, ignoreIcc: true })
      .removeAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${path} cannot be read as an image: ${reason}.`, { cause });
  }
}
