/**
 * # What is known of the paper's numbers
 *
 * Dauncey, Holmes, Williams & Falck (TMLR 2024), the script of its timestep figure: a diffusion
 * model looking at timestep T, B = 5, AUROC averaged over the twenty pairs of its five colour sets.
 * The entries of its 5x5 tables are not known.
 */
import type { AblationPoint } from './ablation-points';

const TIMESTEPS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** Mean AUROC at each timestep, T = 1 first, by the name of the method here. */
export const PAPER_TIMESTEPS = {
  'layer-wise gradients': [
    0.8793, 0.876, 0.8811, 0.8799, 0.878, 0.8709, 0.8673, 0.8553, 0.8521, 0.7719,
  ],
  typicality: [0.8131, 0.8223, 0.8322, 0.8419, 0.8479, 0.8503, 0.8489, 0.8447, 0.8358, 0.8187],
} as const;

/** The batch size that the paper's averages are of. */
export const PAPER_BATCH_SIZE = 5;

/**
 * The paper's averages as points of the ablation over timesteps, to stand beside those of a model.
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
