"""What a user of PyTorch would run, to compare with `fisherlab bench` (peers.ts).

    python peers.py FAMILY PRESET KIND IMAGES        e.g.  python peers.py glow small features 32

Prints one line of JSON per method, {"method", "ms_per_image"}: the best of two passes. KIND is

features  squared gradient norms of every tensor and image
fim       the gradient of every image with respect to three tensors
training  forward and backward of the mean over a batch, without the optimiser's step

and the methods are

loop    one backward pass per image (as in the paper's code)
vmap-k  torch.func.vmap(grad), k images at a time (the idiomatic exact way)
sum     one plain backward pass over all images: no norms, the best that PyTorch can reach

Needs torch, and for diffusion einops and the package that the paper builds on:
pip install --no-deps denoising-diffusion-pytorch==1.5.5. What it imports only for its trainer
is replaced by empty modules.
"""

import json
import math
import sys
import time
import types

import torch
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

# Glow: squeeze; K steps of actnorm, LU 1x1 convolution, affine coupling; L = 3; learned top.


class ActNorm(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.bias = nn.Parameter(0.1 * torch.randn(1, c, 1, 1))
        self.logs = nn.Parameter(0.1 * torch.randn(1, c, 1, 1))

    def forward(self, x):
        return (x + self.bias) * self.logs.exp()


class ZeroConv(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.conv = nn.Conv2d(i, o, 3, padding=1)
        self.logs = nn.Parameter(0.1 * torch.randn(o, 1, 1))
        nn.init.normal_(self.conv.weight, 0, 0.02)

    def forward(self, x):
        return self.conv(x) * torch.exp(3 * self.logs)


class Step(nn.Module):
    def __init__(self, c, h):
        super().__init__()
        self.norm = ActNorm(c)
        self.lower = nn.Parameter(0.1 * torch.randn(c, c))
        self.upper = nn.Parameter(0.1 * torch.randn(c, c))
        self.log_s = nn.Parameter(0.1 * torch.randn(c))
        self.register_buffer("p", torch.eye(c)[torch.randperm(c)])
        self.c1, self.n1 = nn.Conv2d(c // 2, h, 3, padding=1, bias=False), ActNorm(h)
        self.c2, self.n2 = nn.Conv2d(h, h, 1, bias=False), ActNorm(h)
        self.c3 = ZeroConv(h, c)

    def forward(self, x, ll):
        c, pixels = x.shape[1], x.shape[2] * x.shape[3]
        x = self.norm(x)
        lower = self.lower.tril(-1) + torch.eye(c)
        w = self.p @ lower @ (self.upper.triu(1) + torch.diag(self.log_s.exp()))
        x = F.conv2d(x, w[:, :, None, None])
        ll = ll + pixels * (self.norm.logs.sum() + self.log_s.sum())
        a, b = x.chunk(2, 1)
        y = F.relu(self.n2(self.c2(F.relu(self.n1(self.c1(a))))))
        y = self.c3(y)
        s = torch.sigmoid(y[:, 1::2] + 2)
        return torch.cat([a, (b + y[:, 0::2]) * s], 1), ll + s.log().sum((1, 2, 3))


def gaussian(x, m, logs):
    z = (x - m) ** 2 * torch.exp(-2 * logs)
    return (-0.5 * (2 * logs + z + math.log(2 * math.pi))).sum((1, 2, 3))


class Glow(nn.Module):
    """log p(x) in nats, one per image; x [N, 3, 32, 32] in [-0.5, 0.5)."""

    def __init__(self, K, h, L=3):
        super().__init__()
        self.levels, self.priors, c = nn.ModuleList(), nn.ModuleList(), 3
        for level in range(L):
            c *= 4
            self.levels.append(nn.ModuleList([Step(c, h) for _ in range(K)]))
            if level < L - 1:
                self.priors.append(ZeroConv(c // 2, c))
                c //= 2
        self.top = ZeroConv(2 * c, 2 * c)

    def forward(self, x, _):
        ll = torch.zeros(x.shape[0]) - 3072 * math.log(256)
        for i, steps in enumerate(self.levels):
            x = F.pixel_unshuffle(x, 2)
            for step in steps:
                x, ll = step(x, ll)
            if i < len(self.priors):
                x, z = x.chunk(2, 1)
                h = self.priors[i](x)
                ll = ll + gaussian(z, h[:, 0::2], h[:, 1::2])
        h = self.top(torch.zeros(x.shape[0], 2 * x.shape[1], x.shape[2], x.shape[3]))
        m, logs = h.chunk(2, 1)
        return ll + gaussian(x, m, logs)


def glow(preset):
    model = Glow(8, 64) if preset == "small" else Glow(32, 512)
    return model, lambda n: torch.zeros(n)


class Anything:
    """Replaces what only the trainer in the package of the U-Net needs."""

    def __getattr__(self, name):
        return Anything()

    def __call__(self, *_, **__):
        return Anything()

    def __mro_entries__(self, bases):
        return (object,)


TRAINER = ["torchvision", "torchvision.transforms", "ema_pytorch", "accelerate", "pytorch_fid"]
TRAINER += ["pytorch_fid.inception", "pytorch_fid.fid_score", "PIL", "PIL.Image", "tqdm", "tqdm.auto"]


def diffusion(preset):
    made = []
    for name in TRAINER:
        try:
            __import__(name)
        except ImportError:
            module = types.ModuleType(name)
            module.__getattr__ = lambda _: Anything()
            module.__path__ = []
            sys.modules[name] = module
            made.append(name)
    from denoising_diffusion_pytorch import Unet

    for name in made:
        del sys.modules[name]
    small = Unet(dim=16, dim_mults=(1, 2, 4))
    unet = small if preset == "small" else Unet(dim=32, dim_mults=(1, 2, 4, 8))

    class Objective(nn.Module):
        """-mean |eps - eps_theta(x_t, 0)|, one per image."""

        def __init__(self):
            super().__init__()
            self.unet = unet

        def forward(self, x, eps):
            t = torch.zeros(x.shape[0], dtype=torch.long)
            return -(self.unet(0.9997 * x + 0.0245 * eps, t) - eps).abs().mean((1, 2, 3))

    return Objective(), lambda n: torch.randn(n, 3, 32, 32)


def vae(preset):
    ch = [16, 32, 64, 128, 256] if preset == "small" else [32, 64, 128, 256, 512]

    def down(i, o):
        return [nn.Conv2d(i, o, 3, 2, 1), nn.BatchNorm2d(o), nn.LeakyReLU()]

    def up(i, o):
        return [nn.ConvTranspose2d(i, o, 3, 2, 1, 1), nn.BatchNorm2d(o), nn.LeakyReLU()]

    class Vae(nn.Module):
        """-(squared error + KL), one per image."""

        def __init__(self):
            super().__init__()
            self.enc = nn.Sequential(*[m for i, o in zip([3] + ch, ch) for m in down(i, o)])
            self.mu, self.var = nn.Linear(ch[-1], 64), nn.Linear(ch[-1], 64)
            self.start = nn.Linear(64, ch[-1])
            r = ch[::-1]
            layers = [m for i, o in zip(r, r[1:] + [r[-1]]) for m in up(i, o)]
            self.dec = nn.Sequential(*layers, nn.Conv2d(r[-1], 3, 3, 1, 1))

        def forward(self, x, z):
            h = self.enc(x).flatten(1)
            mu, logs = self.mu(h), self.var(h)
            s = logs.exp()
            y = torch.tanh(self.dec(self.start(mu + s * z)[:, :, None, None])) / 2
            kl = ((mu**2 + s**2 - 1) / 2 - logs).sum(1)
            return -((x - y) ** 2).sum((1, 2, 3)) - kl

    return Vae(), lambda n: torch.randn(n, 64)


def best(run):
    """Seconds: the better of two runs, after one that is not counted."""
    run()
    times = []
    for _ in range(2):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def say(method, seconds, images):
    print(json.dumps({"method": method, "ms_per_image": 1e3 * seconds / images}), flush=True)


def main():
    family, preset, kind, n = *sys.argv[1:4], int(sys.argv[4])
    torch.manual_seed(0)
    model, noise = {"glow": glow, "diffusion": diffusion, "vae": vae}[family](preset)
    x, e = torch.rand(n, 3, 32, 32) - 0.5, noise(n)

    def summed():
        model.zero_grad()
        model(x, e).mean().backward()

    if kind == "training":
        model.train()
        say("sum", best(summed), n)
        return
    model.eval()
    chosen = dict(model.named_parameters())
    if kind == "fim":
        names = list(chosen)
        chosen = {names[int(part * len(names))]: None for part in (0.25, 0.5, 0.75)}
        chosen = {name: dict(model.named_parameters())[name] for name in chosen}
    of_image = (lambda g: g.square().sum()) if kind == "features" else (lambda g: g.clone())
    few = min(n, 8)

    def loop():
        for i in range(few):
            value = model(x[i : i + 1], e[i : i + 1]).sum()
            gradients = torch.autograd.grad(value, list(chosen.values()), allow_unused=True)
            [of_image(g) for g in gradients if g is not None]

    say("loop", best(loop), few)
    say("sum", best(summed), n)
    fixed = {k: v.detach() for k, v in [*model.named_parameters(), *model.named_buffers()]}
    varied = {k: fixed.pop(k) for k in chosen}

    def one(parameters, xi, ei):
        return functional_call(model, (parameters, fixed), (xi[None], ei[None])).sum()

    for chunk in (4, 8, 16, 32):
        if chunk > n:
            break

        def mapped():
            found = vmap(grad(one), (None, 0, 0), chunk_size=chunk)(varied, x, e)
            return [vmap(of_image)(g) for g in found.values()]

        say(f"vmap-{chunk}", best(mapped), n)


main()
