/**
 * # U-Net
 *
 * The network that predicts the noise in an image. It goes down through levels of halved size and
 * more channels, through a middle, and up again, and every level passes its maps across
 * (Ronneberger et al. 2015, arXiv 1505.04597), as in P. Wang's denoising-diffusion-pytorch, which
 * the paper builds on. The noise level t enters as sines and cosines, goes through two dense layers
 * and modulates every residual block:
 *
 *     block            silu(modulate(group norm(weight-standardised convolution)))
 *     residual         block₂(block₁(x; t)) + x
 *     attention        x + LN( linear attention( LN x ) ) on every level
 *                      x + attention( LN x ) in the middle
 *
 * with LN a layer norm of the channels.
 *
 * | | tensors at dim 32, multipliers 1-2-4-8 |
 * |---|---|
 * | down, a level | residual, residual, attention; 2x2 pixels into channels, 1x1 convolution¹ |
 * | middle | residual, attention, residual |
 * | up, a level | twice: join with the map handed across, residual |
 * | | then attention; every pixel 2x2, 3x3 convolution² |
 * | end | join with the first map, residual, 1x1 convolution |
 *
 * ¹ At the last level a 3x3 convolution instead of both. ² At the last level the convolution only.
 *
 * 276 tensors, 9 194 563 parameters.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { at, tf } from '../../backend/index';
import { FisherlabError } from '../../errors';
import type { Layer, Tape, Value } from '../../gradients/index';
import {
  attention,
  type BlockLayers,
  channelLayerNorm,
  convolution,
  convolutionBlock,
  dense,
  gelu,
  joinChannels,
  linearAttention,
  rearrange,
  silu,
  squeeze,
  sum,
  unsqueeze,
  upsample,
} from '../../gradients/index';
import { LayerList, type WeightAndBias } from '../layer-list';

export interface UNetConfig {
  /** Channels of an image. */
  readonly channels: number;
  /** Channels of the first level, a multiple of 8. */
  readonly dim: number;
  /** Channels of the levels, in multiples of `dim`. */
  readonly dimMults: readonly number[];
  /** Seeds the initial weights. */
  readonly seed: number;
}

const GROUPS = 8;
const HEADS = 4;
const HEAD_CHANNELS = 32;

interface Residual {
  readonly time: WeightAndBias;
  readonly blocks: readonly [BlockLayers, BlockLayers];
  /** A 1x1 convolution around the blocks, where the number of channels changes. */
  readonly around: WeightAndBias | null;
}

interface Attention {
  readonly before: Layer;
  readonly qkv: Layer;
  readonly out: WeightAndBias;
  /** The gain behind linear attention. */
  readonly after: Layer | null;
}

interface Level {
  readonly residuals: readonly [Residual, Residual];
  readonly attention: Attention;
  readonly resize: WeightAndBias;
  /** Whether the level is the one without resizing. */
  readonly last: boolean;
}

export class UNet {
  readonly layers: readonly Layer[];
  private readonly first: WeightAndBias;
  private readonly time: readonly [WeightAndBias, WeightAndBias];
  private readonly downs: readonly Level[];
  private readonly ups: readonly Level[];
  private readonly middle: {
    readonly before: Residual;
    readonly attention: Attention;
    readonly after: Residual;
  };
  private readonly end: { readonly residual: Residual; readonly convolution: WeightAndBias };

  /** @param list the list that its tensors are declared in */
  constructor(
    readonly config: UNetConfig,
    list = new LayerList(config.seed),
  ) {
    const { channels, dim, dimMults } = config;
    if (dim % GROUPS !== 0 || dim < GROUPS || dimMults.length === 0) {
      throw new FisherlabError(
        `a U-Net of dim ${dim} and ${dimMults.length} levels cannot be built`,
        `dim must be a multiple of ${GROUPS} and there must be a level`,
      );
    }
    const widths = [dim, ...dimMults.map((multiple) => multiple * dim)];
    const pairs = dimMults.map((_, k) => [widths[k], widths[k + 1]] as [number, number]);
    const lastLevel = pairs.length - 1;
    this.first = list.convolution('init_conv', [dim, channels, 7, 7]);
    this.time = [
      list.dense('time_mlp.1', 4 * dim, dim),
      list.dense('time_mlp.3', 4 * dim, 4 * dim),
    ];
    this.downs = pairs.map(([i, o], k) => ({
      residuals: [
        residual(list, `downs.${k}.0`, i, i, dim),
        residual(list, `downs.${k}.1`, i, i, dim),
      ],
      attention: linear(list, `downs.${k}.2`, i),
      resize:
        k === lastLevel
          ? list.convolution(`downs.${k}.3`, [o, i, 3, 3])
          : list.convolution(`downs.${k}.3.1`, [o, 4 * i, 1, 1]),
      last: k === lastLevel,
    }));
    this.ups = [...pairs].reverse().map(([i, o], k) => ({
      residuals: [
        residual(list, `ups.${k}.0`, o + i, o, dim),
        residual(list, `ups.${k}.1`, o + i, o, dim),
      ],
      attention: linear(list, `ups.${k}.2`, o),
      resize: list.convolution(k === lastLevel ? `ups.${k}.3` : `ups.${k}.3.1`, [i, o, 3, 3]),
      last: k === lastLevel,
    }));
    const widest = at(widths, widths.length - 1);
    this.middle = {
      before: residual(list, 'mid_block1', widest, widest, dim),
      attention: full(list, 'mid_attn', widest),
      after: residual(list, 'mid_block2', widest, widest, dim),
    };
    this.end = {
      residual: residual(list, 'final_res_block', 2 * dim, dim, dim),
      convolution: list.convolution('final_conv', [channels, dim, 1, 1]),
    };
    this.layers = list.layers;
  }

  /** By what height and width of an image must be divisible. */
  get divisor(): number {
    return 2 ** (this.downs.length - 1);
  }

  /**
   * The noise in `x` [N, H, W, C]; the shape of `x`. `embedding` [N, dim] tells the timestep of
   * each image.
   */
  trace(tape: Tape, x: Value, embedding: Tensor): Value {
    const t = this.embedTime(tape, embedding);
    const start = convolution(tape, x, this.first.weight, this.first.bias, { pad: 3 });
    const across: Value[] = [];
    let h = start;
    for (const { residuals, attention: layers, resize, last } of this.downs) {
      h = applyResidual(tape, h, t, residuals[0]);
      across.push(h);
      h = applyLinear(tape, applyResidual(tape, h, t, residuals[1]), layers);
      across.push(h);
      h = last
        ? convolution(tape, h, resize.weight, resize.bias, { pad: 1 })
        : convolution(tape, rearrange(tape, h, squeeze, unsqueeze), resize.weight, resize.bias);
    }
    h = applyResidual(tape, h, t, this.middle.before);
    h = applyFull(tape, h, this.middle.attention);
    h = applyResidual(tape, h, t, this.middle.after);
    for (const { residuals, attention: layers, resize, last } of this.ups) {
      for (const layersOfOne of residuals)
        h = applyResidual(tape, joinChannels(tape, h, at(across.splice(-1), 0)), t, layersOfOne);
      h = applyLinear(tape, h, layers);
      h = convolution(tape, last ? h : upsample(tape, h), resize.weight, resize.bias, { pad: 1 });
    }
    h = applyResidual(tape, joinChannels(tape, h, start), t, this.end.residual);
    return convolution(tape, h, this.end.convolution.weight, this.end.convolution.bias);
  }

  /** The sinusoidal embedding of timestep indices, [N, dim]: first the sines, then the cosines. */
  embedding(times: readonly number[]): Tensor {
    const half = this.config.dim / 2;
    const frequency = (k: number) => Math.exp((-k * Math.log(10000)) / (half - 1));
    const waves = times.flatMap((t) => {
      const angles = Array.from({ length: half }, (_, k) => t * frequency(k));
      return [...angles.map(Math.sin), ...angles.map(Math.cos)];
    });
    return tf.tensor2d(waves, [times.length, 2 * half]); // [N, dim]
  }

  /**
   * SiLU of what the network makes of the embedding (every residual block begins with it), [N,
   * 4·dim].
   */
  private embedTime(tape: Tape, embedding: Tensor): Value {
    const [one, two] = this.time;
    return silu(
      tape,
      dense(
        tape,
        gelu(tape, dense(tape, tape.constant(embedding), one.weight, one.bias)),
        two.weight,
        two.bias,
      ),
    );
  }
}

function residual(list: LayerList, name: string, i: number, o: number, dim: number): Residual {
  const time = list.dense(`${name}.mlp.1`, 2 * o, 4 * dim);
  const block = (key: string, inputs: number): BlockLayers => {
    const { weight, bias } = list.convolution(`${name}.${key}.proj`, [o, inputs, 3, 3]);
    const norm = list.norm(`${name}.${key}.norm`, o);
    return { weight, bias, gain: norm.weight, offset: norm.bias };
  };
  const blocks = [block('block1', i), block('block2', o)] as const;
  return {
    time,
    blocks,
    around: i === o ? null : list.convolution(`${name}.res_conv`, [o, i, 1, 1]),
  };
}

function applyResidual(tape: Tape, x: Value, t: Value, { time, blocks, around }: Residual): Value {
  return tape.block(() => {
    const modulation = dense(tape, t, time.weight, time.bias);
    const h = convolutionBlock(
      tape,
      convolutionBlock(tape, x, blocks[0], GROUPS, modulation),
      blocks[1],
      GROUPS,
    );
    return sum(tape, [h, around === null ? x : convolution(tape, x, around.weight, around.bias)]);
  });
}

function linear(list: LayerList, name: string, c: number): Attention {
  const [qkv, out] = projections(list, name, `${name}.fn.fn.to_out.0`, c);
  const after = list.constant(`${name}.fn.fn.to_out.1.g`, [1, c, 1, 1], 1);
  return { qkv, out, after, before: list.constant(`${name}.fn.norm.g`, [1, c, 1, 1], 1) };
}

function full(list: LayerList, name: string, c: number): Attention {
  const [qkv, out] = projections(list, name, `${name}.fn.fn.to_out`, c);
  return { qkv, out, after: null, before: list.constant(`${name}.fn.norm.g`, [1, c, 1, 1], 1) };
}

function projections(
  list: LayerList,
  name: string,
  out: string,
  c: number,
): [Layer, WeightAndBias] {
  const e = HEADS * HEAD_CHANNELS;
  const qkv = list.uniform(
    `${name}.fn.fn.to_qkv.weight`,
    'convolution',
    [3 * e, c, 1, 1],
    1 / Math.sqrt(c),
  );
  return [qkv, list.convolution(out, [c, e, 1, 1])];
}

function applyLinear(tape: Tape, x: Value, { before, qkv, out, after }: Attention): Value {
  return tape.block(() => {
    const y = linearAttention(
      tape,
      channelLayerNorm(tape, x, before),
      { qkv, out: out.weight, bias: out.bias },
      HEADS,
    );
    return sum(tape, [channelLayerNorm(tape, y, after as Layer), x]);
  });
}

function applyFull(tape: Tape, x: Value, { before, qkv, out }: Attention): Value {
  return tape.block(() => {
    const looked = attention(
      tape,
      convolution(tape, channelLayerNorm(tape, x, before), qkv),
      HEADS,
    );
    return sum(tape, [convolution(tape, looked, out.weight, out.bias), x]);
  });
}
