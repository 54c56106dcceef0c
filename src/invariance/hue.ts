/**
 * # Hue: RGB ↔ HSV and RGB ↔ HSL
 *
 * With M = max(r,g,b), m = min(r,g,b) and the chroma C = M − m, both turn a colour into an angle on
 * the hexagon of hues,
 *
 *     6H = (g−b)/C        where M = r  (plus 6 where negative)
 *          (b−r)/C + 2    where M = g
 *          (r−g)/C + 4    where M = b,
 *
 * and two numbers for the rest: V = M and S = C/M, or L = (M+m)/2 and S = C/(1−|2L−1|).
 *
 * **The Jacobian.** In the sextant r > g > b: M = r, m = b, and ∂(6H)/∂g = 1/C at fixed M and m, so
 * |∂(H,M,m)/∂(r,g,b)| = 1/(6C); the other sextants are permutations and reflections of this one.
 * Then
 *
 *     |∂(S,V)/∂(M,m)| = 1/M                ⇒   |det ∂(H,S,V)/∂(r,g,b)| = 1/(6·M·C)  (eq:hsv-volume)
 *     |∂(S,L)/∂(M,m)| = 1/(1−|2L−1|)       ⇒   |det ∂(H,S,L)/∂(r,g,b)| = 1/(6·C·(1−|2L−1|)) .
 *
 * Both blow up where a colour turns grey (C = 0, hue undefined) and where it turns black (or, for
 * HSL, white): frequent in 8-bit images, so dequantise first. Noise may carry a value a little
 * below 0 or above 1: the maps and their determinants hold there too, M and 1−|2L−1| then being
 * negative. HSL has one more seam, L = 1/2, where S has a crease: the determinant is the same on
 * both sides.
 *
 * Reference: Smith, *Color gamut transform pairs*, SIGGRAPH 1978; Joblove & Greenberg, ibid.; the
 * determinant is derived above.
 */
import type { Representation } from './representation';
import { joinChannels, perImage, threeChannels, type Values, whereAbove } from './values';

/** Largest and smallest channel and their difference, each `[N, H, W, 1]`. */
function extremes<S extends Values<S>>(x: S): { max: S; min: S; chroma: S } {
  const [r, g, b] = threeChannels(x);
  const max = r.maximum(g).maximum(b);
  const min = r.minimum(g).minimum(b);
  return { max, min, chroma: max.sub(min) };
}

/** Hue in [0, 1), `[N, H, W, 1]`. */
function hue<S extends Values<S>>(x: S): S {
  const [r, g, b] = threeChannels(x);
  const { max, chroma } = extremes(x);
  const red = g.sub(b).div(chroma);
  const green = b.sub(r).div(chroma).add(2);
  const blue = r.sub(g).div(chroma).add(4);
  const sixth = whereAbove(max, r, whereAbove(max, g, blue, green), red);
  const wrapped = whereAbove(sixth.mul(-1), 0, sixth.add(6), sixth);
  return wrapped.div(6);
}

/**
 * The colour of a hue in [0, 1] between 0 and 1 in each channel, as `[N, H, W, 3]`: max(0, min(1,
 * k, 4−k)) falls where the channel does.
 */
function away<S extends Values<S>>(hue01: S): S {
  const channel = (offset: number): S => {
    const turned = hue01.mul(6).add(offset);
    const k = whereAbove(turned, 6, turned.sub(6), turned);
    return k.minimum(k.mul(-1).add(4)).minimum(1).maximum(0);
  };
  return joinChannels(channel(5), channel(3), channel(1));
}

/** RGB ↔ (H, S, V), each of H, S, V in [0, 1] for colours of the unit cube. */
export const hsv: Representation = {
  name: 'RGB→HSV',
  domain: 'every pixel neither grey (max = min of its channels) nor black (max = 0)',
  forward(x) {
    const { max, chroma } = extremes(x);
    return joinChannels(hue(x), chroma.div(max), max);
  },
  inverse(y) {
    const [h, s, v] = threeChannels(y);
    return v.sub(v.mul(s).mul(away(h)));
  },
  logAbsDetJacobian(x) {
    const { max, chroma } = extremes(x);
    return perImage(max.abs().mul(chroma).mul(6).log().mul(-1)); // [N]
  },
  margin(x) {
    const { max, chroma } = extremes(x);
    return chroma.minimum(max.abs()).min([1, 2, 3]); // [N]
  },
};

/** RGB ↔ (H, S, L). */
export const hsl: Representation = {
  name: 'RGB→HSL',
  domain:
    'every pixel neither grey (max = min of its channels), black (max + min = 0) nor white (max + min = 2)',
  forward(x) {
    const { max, min, chroma } = extremes(x);
    const lightness = max.add(min).div(2);
    return joinChannels(hue(x), chroma.div(spread(lightness)), lightness);
  },
  inverse(y) {
    const [h, s, lightness] = threeChannels(y);
    const chroma = s.mul(spread(lightness));
    return lightness.add(chroma.div(2)).sub(chroma.mul(away(h)));
  },
  logAbsDetJacobian(x) {
    const { max, min, chroma } = extremes(x);
    return perImage(spread(max.add(min).div(2)).abs().mul(chroma).mul(6).log().mul(-1)); // [N]
  },
  margin(x) {
    const { max, min, chroma } = extremes(x);
    return chroma.minimum(spread(max.add(min).div(2)).abs()).min([1, 2, 3]); // [N]
  },
};

/** 1 − |2L − 1|: the largest chroma a colour of lightness L can have. */
function spread<S extends Values<S>>(lightness: S): S {
  return lightness.mul(2).sub(1).abs().mul(-1).add(1);
}
