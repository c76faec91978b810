"""Freezes what torch makes of a VGG-19 with made-up weights, for crates/texnet/tests/golden_vgg.rs.

    python tools/vgg19_golden.py            writes crates/texnet/tests/data/
    python tools/vgg19_golden.py --whole vgg19.pth
                                            also writes a state dict of torchvision's layout, of 548 MiB

Needs torch, torchvision and numpy. The weights are a hash of their place, so that the test makes the same ones without
a file:

    number(tensor, i) = mix(mix(tensor) + i) / 2^32 with its lowest 8 bits cleared, doubled, minus one: in [-1, 1)
    weight            = number * sqrt(6 / fan_in): the variance is He's, 2 / fan_in
    bias              = number * 0.1

`tensor` counts 2 k for the weight and 2 k + 1 for the bias of the k-th convolution; pictures are the halved
sum of one and the numbers of tensors 1000 and 1001. All products are of 32-bit floats; what follows is
computed in 64 bits, so that the frozen numbers are those that any implementation should come near to.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torchvision
from torch import nn
from torch.nn import functional

DATA = Path(__file__).parent.parent / "crates/texnet/tests/data"
HEIGHT, WIDTH = 40, 36
BLOCKS = [2, 2, 4, 4, 4]
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
CAFFE_MEAN = [103.939, 116.779, 123.68]
# Samples kept of each tensor.
SAMPLES = 16


def mix(x):
    """A bijection of 32 bits without visible pattern, on an array of uint32."""
    x = x ^ (x >> np.uint32(16))
    x = x * np.uint32(0x21F0AAAD)
    x = x ^ (x >> np.uint32(15))
    x = x * np.uint32(0x735A2D97)
    return x ^ (x >> np.uint32(15))


def numbers(tensor, count):
    """Numbers in [-1, 1), exact in 32-bit floats."""
    start = mix(np.array([tensor], dtype=np.uint32))
    bits = mix(start + np.arange(count, dtype=np.uint32))
    unit = (bits >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
    return unit * np.float32(2) - np.float32(1)


def picture(tensor):
    values = (numbers(tensor, 3 * HEIGHT * WIDTH) + np.float32(1)) * np.float32(0.5)
    return torch.from_numpy(values.reshape(1, 3, HEIGHT, WIDTH)).double()


def network():
    """torchvision's own module, with our weights in it."""
    net = torchvision.models.vgg19(weights=None)
    for k, conv in enumerate(m for m in net.features if isinstance(m, nn.Conv2d)):
        shape = conv.weight.shape
        scale = np.float32(np.sqrt(6.0 / (shape[1] * 9)))
        weight = numbers(2 * k, conv.weight.numel()) * scale
        conv.weight.data = torch.from_numpy(weight.reshape(tuple(shape)))
        conv.bias.data = torch.from_numpy(numbers(2 * k + 1, shape[0]) * np.float32(0.1))
    return net


def layer_names():
    for block, count in enumerate(BLOCKS, 1):
        for i in range(1, count + 1):
            yield f"conv{block}_{i}"
            yield f"relu{block}_{i}"
        yield f"pool{block}"


def encode(x, coding):
    if coding == "torchvision":
        mean, deviation = (torch.tensor(v, dtype=x.dtype).view(1, 3, 1, 1) for v in (MEAN, DEVIATION))
        return (x - mean) / deviation
    mean = torch.tensor(CAFFE_MEAN, dtype=x.dtype).view(1, 3, 1, 1)
    return x.flip(1) * 255 - mean


def features(net, x, layers, case):
    """Features at the layers, by name, down to the deepest."""
    x, found = encode(x, case["coding"]), {}
    for name, module in zip(layer_names(), net.features):
        if isinstance(module, nn.Conv2d):
            x = functional.conv2d(x, module.weight, module.bias, padding=1 if case["padded"] else 0)
        elif isinstance(module, nn.MaxPool2d):
            x = functional.max_pool2d(x, 2) if case["pooling"] == "max" else functional.avg_pool2d(x, 2)
        else:
            x = functional.relu(x)
        if name in layers:
            found[name] = x
            if len(found) == len(layers):
                return found


def gram(f, by_channels):
    n, c, h, w = f.shape
    rows = f.reshape(n, c, h * w)
    return rows @ rows.transpose(1, 2) / (h * w * (c if by_channels else 1))


class Normalized(torch.autograd.Function):
    """Passes features on; what comes back from here is divided by its L1 norm."""

    @staticmethod
    def forward(context, x):
        return x.view_as(x)

    @staticmethod
    def backward(context, gradient):
        return gradient / (gradient.abs().sum() + 1e-8)


def gradient(loss, x):
    (found,) = torch.autograd.grad(loss, x, retain_graph=True)
    return summary(found)


def summary(x):
    flat = x.detach().flatten()
    places = [(i * (flat.numel() - 1)) // (SAMPLES - 1) for i in range(SAMPLES)]
    return {
        "shape": list(x.shape),
        "l1": flat.abs().sum().item(),
        "l2": flat.norm().item(),
        "samples": [float(f"{flat[i].item():.9g}") for i in places],
    }


def frozen(net, case):
    style, content = case["layers"], case["content"]
    layers = sorted(set(style + content))
    x = picture(1000).requires_grad_()
    wanted = {k: v.detach() for k, v in features(net, picture(1001), layers, case).items()}
    f = features(net, x, layers, case)
    squared = {k: (gram(f[k], False) - gram(wanted[k], False)).square().sum() for k in style}
    mean = {k: (gram(f[k], True) - gram(wanted[k], True)).square().mean() for k in style}
    root = {k: (squared[k] / gram(wanted[k], False).square().sum() + 1e-6).sqrt() for k in style}
    apart = {k: (gram(Normalized.apply(f[k]), True) - gram(wanted[k], True)).square().mean() for k in style}
    result = {
        **case,
        "features": {k: summary(f[k]) for k in layers},
        "squared": {k: v.item() for k, v in squared.items()},
        "mean_squared": {k: v.item() for k, v in mean.items()},
        "relative_root": {k: v.item() for k, v in root.items()},
        "gradient_squared": gradient(sum(squared.values()), x),
        "gradient_relative_root": gradient(sum(root.values()), x),
        "gradient_normalized": gradient(sum(apart.values()), x),
    }
    for k in content:
        distance = (f[k] - wanted[k]).square().mean()
        result["content_distance"] = {k: distance.item()}
        result["gradient_content"] = gradient(distance, x)
    return result


def cases():
    texture = [f"relu{block}_1" for block in range(1, 6)]
    for coding in ["torchvision", "caffe"]:
        for pooling in ["max", "average"]:
            case = {"coding": coding, "pooling": pooling}
            yield {**case, "padded": True, "layers": texture, "content": ["relu4_2"]}
            # Without padding, pictures of this size end in block 3.
            yield {**case, "padded": False, "layers": texture[:3], "content": []}


def write_files(net):
    """Small files as torch writes them: the first convolution, and a piece of the classifier."""
    names = ["features.0.weight", "features.0.bias", "classifier.6.bias"]
    state = net.state_dict()
    state["classifier.6.bias"] = torch.from_numpy(numbers(999, 1000))
    state = {name: state[name] for name in names}
    torch.save(state, DATA / "vgg19_first.pth")
    # torchvision's public file is of the older kind.
    torch.save(state, DATA / "vgg19_first_legacy.pth", _use_new_zipfile_serialization=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--whole", metavar="PATH", help="also write a state dict of all layers")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    np.seterr(over="ignore")
    DATA.mkdir(parents=True, exist_ok=True)
    net = network()
    write_files(net)
    if arguments.whole:
        torch.save(net.state_dict(), arguments.whole)
    net.features.double().requires_grad_(False)
    golden = {"torch": torch.__version__, "height": HEIGHT, "width": WIDTH}
    golden["cases"] = [frozen(net, case) for case in cases()]
    (DATA / "vgg19_golden.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
