/**
 * # What kind of file is it?
 *
 * Weights come as safetensors, as PyTorch's pickle (inside a zip archive or, in old files, alone),
 * or, in a clone without git-lfs, as three lines of text that say where the weights are. Neither
 * the name nor the first byte tells them apart: a safetensors file begins with the length of its
 * header, which may be any number, so one file in 32 begins like a pickle. But byte 8 of a
 * safetensors file is always `{`, the beginning of the header.
 */
import path from 'node:path';
import { FisherlabError } from '../errors';

const ZIP = Buffer.from('PK\u0003\u0004', 'latin1');
const LFS = Buffer.from('version https://git-lfs');
/** Opens every pickle since protocol 2: an opcode and the protocol. */
const PICKLE = 0x80;

/**
 * @param start of the file, 32 bytes or more where there are as many
 * @throws {FisherlabError} if it is a file of PyTorch's or a pointer of git-lfs, saying how to get
 *   a safetensors file from it
 */
export function refuseOtherKinds(start: Buffer, file: string): void {
  if (start[8] === 0x7b && start.length > 8) return; // {
  const begins = (with_: Buffer) => start.subarray(0, with_.length).equals(with_);
  if (begins(LFS))
    throw new FisherlabError(
      `'${file}' is a pointer of git-lfs, not the weights`,
      'fetch them there with git lfs pull',
    );
  const protocol = start[1] ?? 0;
  if (start.length > 8 && (begins(ZIP) || (start[0] === PICKLE && protocol >= 2 && protocol <= 5)))
    throw new FisherlabError(
      `'${file}' is a PyTorch file, which only Python reads`,
      `convert it there by these lines: ${recipe(path.basename(file))}`,
    );
}

/**
 * Python that writes all tensors of a file, however deep they lie in it (trainers keep `model`,
 * `ema` and `opt` side by side), under the keys on the way to them. Tensors that share memory are
 * copied, which safetensors demands.
 */
function recipe(file: string): string {
  return [
    'import torch',
    'from safetensors.torch import save_file',
    "flat = lambda x, at='': {at[:-1]: x.contiguous().clone()} if torch.is_tensor(x) else {k: t for n, y in x.items() for k, t in flat(y, f'{at}{n}.').items()} if isinstance(x, dict) else {}",
    `save_file(flat(torch.load(${JSON.stringify(file)}, map_location='cpu')), 'weights.safetensors')`,
  ].join('; ');
}
