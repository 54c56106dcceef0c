/**
 * # The tensors of a VAE
 *
 * In the reference's order and names: the encoder's stages, its two dense layers, the decoder's
 * dense layer and last layers, then its stages. A stage is a convolution, of which the decoder's
 * are transposed, and a batch norm.
 */
import { at } from '../../backend/index';
import type { BatchNormLayers } from '../../gradients/index';
import type { LayerList, WeightAndBias } from '../layer-list';
import type { VaeConfig } from './vae-family';

export interface Stage extends WeightAndBias {
  readonly norm: BatchNormLayers;
}

export interface VaeTensors {
  readonly encoder: readonly Stage[];
  readonly mu: WeightAndBias;
  readonly logs: WeightAndBias;
  /** From a latent to the decoder's first map. */
  readonly start: WeightAndBias;
  readonly decoder: readonly Stage[];
  readonly last: WeightAndBias;
}

/** @param inner height, width and channels of the encoder's last map */
export function vaeTensors(
  list: LayerList,
  { imageShape, channels, latent }: VaeConfig,
  inner: readonly [number, number, number],
): VaeTensors {
  const [, , c] = imageShape;
  const first = at(channels, 0);
  const size = inner[0] * inner[1] * inner[2];
  const stage = (name: string, i: number, o: number, transposed: boolean): Stage => ({
    ...list.convolution(`${name}.0`, transposed ? [i, o, 3, 3] : [o, i, 3, 3], o),
    norm: list.batchNorm(`${name}.1`, o),
  });
  const encoder = channels.map((o, k) =>
    stage(`encoder.conv_backbone.${k}`, channels[k - 1] ?? c, o, false),
  );
  const mu = list.dense('encoder.fc_mu', latent, size);
  const logs = list.dense('encoder.fc_var', latent, size);
  const start = list.dense('decoder.decoder_input', size, latent);
  const end: Stage = stage('decoder.final_layer', first, first, true);
  const last = list.convolution('decoder.final_layer.3', [c, first, 3, 3]);
  const mirrored = [...channels].reverse();
  const backbone = mirrored
    .slice(1)
    .map((o, k) => stage(`decoder.conv_backbone.${k}`, at(mirrored, k), o, true));
  return { encoder, mu, logs, start, decoder: [...backbone, end], last };
}
