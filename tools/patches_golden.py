"""Freezes what torch makes of the losses that compare patches and brightness, for crates/texnet/src/loss/golden.rs.

    python tools/patches_golden.py          writes crates/texnet/tests/data/patches_golden.json

Needs torch and numpy. Pictures, filters and components are the numbers of `vgg19_golden.py`, so that the test makes the
same ones without a file. All is computed in 64 bits, with gradients by torch.
"""

import json
from pathlib import Path

import torch
from torch.nn import functional
from vgg19_golden import numbers

DATA = Path(__file__).parent.parent / "crates/texnet/tests/data"
EXEMPLAR, PICTURE, LEVELS = (24, 20), (16, 12), 2
SIDE, COMPONENTS, PLACES = 5, 4, 10
BALANCE, WEIGHT = 0.02, 0.5
WINDOW, SHARES, CONTRAST = 5, (0.4, 1.0), 1e-3
TAPS = torch.tensor([1.0, 4, 6, 4, 1], dtype=torch.float64) / 16


def made(tensor, *shape):
    count = torch.Size(shape).numel()
    return torch.from_numpy(numbers(tensor, count).reshape(shape)).double()


def picture(tensor, size):
    return 0.5 + 0.3 * made(tensor, 3, *size)


def whitening(exemplar):
    """Principal components of the colours, scaled to variance one."""
    colours = exemplar.flatten(1)
    mean = colours.mean(1)
    values, vectors = torch.linalg.eigh(torch.cov(colours, correction=0))
    ridge = 0.02 * values.max() + 1e-9
    return mean, torch.diag((values + ridge).rsqrt()) @ vectors.T


def reduce(x, mode):
    x = functional.pad(x[None], (2, 2, 2, 2), mode=mode)
    kernel = (TAPS[:, None] * TAPS[None, :]).expand(x.shape[1], 1, 5, 5)
    return functional.conv2d(x, kernel, groups=x.shape[1], stride=2)[0]


def pyramid(x, mode):
    levels = [x]
    while len(levels) < LEVELS:
        levels.append(reduce(levels[-1], mode))
    return levels


def quantiles(values, count):
    values = values.sort().values
    place = (torch.arange(count, dtype=torch.float64) + 0.5) / count * len(values) - 0.5
    place = place.clamp(0, len(values) - 1)
    below = place.long()
    above = (below + 1).clamp(max=len(values) - 1)
    part = place - below
    return values[below] * (1 - part) + values[above] * part


def filters(level):
    return [made(10 + level, 3, 5, 5), made(20 + level, 3, 1, 1)]


def correlate(x, weights, torus):
    margin = weights.shape[-1] // 2
    x = functional.pad(x[None], (margin,) * 4, mode="circular") if torus and margin else x[None]
    return functional.conv2d(x, weights[None]).flatten()


def sliced(white, exemplar):
    total = 0
    for level in range(LEVELS):
        for weights in filters(level):
            ours = correlate(white[level], weights, True).sort().values
            target = quantiles(correlate(exemplar[level], weights, False), len(ours))
            scale = 1 / (target.std() + 1e-3)
            total = total + (((ours - target) * scale).square().mean() + 1e-5).sqrt() / (2 * LEVELS)
    return total


def patches(x):
    """[patches, 3 * SIDE * SIDE] that lie inside."""
    return functional.unfold(x[None], SIDE)[0].T


def corners(size):
    return [((7 * i) % size[0], (5 * i + 3) % size[1]) for i in range(PLACES)]


def nearest(white, exemplar):
    total = 0
    for level in range(LEVELS):
        components = made(30 + level, COMPONENTS, 3 * SIDE * SIDE)
        theirs = patches(exemplar[level])
        table = theirs @ components.T
        variance = theirs.var(0, correction=0).sum()
        balance = BALANCE * table.var(0, correction=0).sum()
        x = white[level]
        size = x.shape[1:]
        cut = []
        for row, column in corners(size):
            rows = (torch.arange(SIDE) + row) % size[0]
            columns = (torch.arange(SIDE) + column) % size[1]
            cut.append(x[:, rows][:, :, columns].flatten())
        ours = torch.stack(cut)
        queries = ours @ components.T
        distances = (queries[:, None] - table[None]).square().sum(2)
        scaled = distances / (distances.min(0).values + balance)
        found = scaled.argmin(1)
        own = (ours - theirs[found]).square().sum(1)
        total = total + WEIGHT / LEVELS * (own / variance + 1e-4).sqrt().mean()
    return total


def window_mean(x):
    margin = WINDOW // 2
    return functional.avg_pool2d(functional.pad(x[None], (margin,) * 4, mode="circular"), WINDOW, 1)[0]


def correlation(picture, photograph):
    """Correlation of brightness in windows, where the photograph has contrast."""
    brightness = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)
    ours, theirs = (
        pyramid(torch.einsum("c,chw->hw", brightness, x)[None], "circular") for x in (picture, photograph)
    )
    total = 0
    for a, b, share in zip(ours, theirs, SHARES):
        mean_a, mean_b = window_mean(a), window_mean(b)
        var_a = window_mean(a * a) - mean_a**2
        var_b = window_mean(b * b) - mean_b**2
        covariance = window_mean(a * b) - mean_a * mean_b
        confidence = var_b / (var_b + CONTRAST)
        correlated = covariance / ((var_a + CONTRAST) * (var_b + CONTRAST)).sqrt()
        total = total + WEIGHT * share / sum(SHARES) * (confidence * (1 - correlated)).mean()
    return total


def main():
    exemplar = picture(1, EXEMPLAR)
    mean, matrix = whitening(exemplar)

    def white(x):
        return torch.einsum("oc,chw->ohw", matrix, x - mean[:, None, None])

    frozen = {"mean": mean.tolist(), "matrix": matrix.tolist()}
    levels = pyramid(white(exemplar), "reflect")
    for name, loss in [("sliced", sliced), ("nearest", nearest)]:
        x = picture(2, PICTURE).requires_grad_()
        value = loss(pyramid(white(x), "circular"), levels)
        value.backward()
        frozen[name] = {"value": value.item(), "gradient": x.grad.flatten().tolist()}
    x = picture(2, PICTURE).requires_grad_()
    value = correlation(x, picture(3, PICTURE))
    value.backward()
    frozen["correlation"] = {"value": value.item(), "gradient": x.grad.flatten().tolist()}
    text = json.dumps(frozen)
    (DATA / "patches_golden.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
