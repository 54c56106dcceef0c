/**
 * # Known numbers of the paper
 *
 * Dauncey, Holmes, Williams & Falck (TMLR 2024), from the script of its timestep figure: a
 * diffusion model at timestep T, B = 5, with the AUROC averaged over the twenty pairs of its five
 * colour sets. We do not know the entries of its 5x5 tables.
 */
import type { AblationPoint } from './ablation-points';

const TIMESTEPS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** Mean AUROC at each timestep, from T = 1 on, keyed by the name of the method in this program. */
export const PAPER_TIMESTEPS = {
  'layer-wise gradients': [
    0.8793, 0.876, 0.8811, 0.8799, 0.878, 0.8709, 0.8673, 0.8553, 0.8521, 0.7719,
  ],
  typicality: [0.8131, 0.8223, 0.8322, 0.8419, 0.8479, 0.8503, 0.8489, 0.8447, 0.8358, 0.8187],
} as const;

/** The batch size of the paper's averages. */
export const PAPER_BATCH_SIZE = 5;

/**
 * The paper's averages as points of the ablation over timesteps, to compare with those of a model.
 */
export function paperTimesteps(method: keyof typeof PAPER_TIMESTEPS): AblationPoint[] {
  return PAPER_TIMESTEPS[method].map((value, k) => ({
    out: 'mean of 20 pairs in the paper',
    batchSize: PAPER_BATCH_SIZE,
    method,
    x: TIMESTEPS[k] as number,
    auroc: { value, low: value, high: value },
  }));
}
