"""A style network of ours in ONNX Runtime: one line of JSON with the median time of a forward pass.

Usage: style.py NETWORK --size N --threads N --runs N
NETWORK is what `generate` prints as "spec". Statistics are frozen, weights random: only time is measured. Convolutions
pad with zeros, which costs this peer nothing; mirrored, as the network wants it, would be an operation of its own before
each. Needs onnx, onnxruntime, numpy.
"""
import argparse
import json
import statistics
import time

import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper, numpy_helper

RNG = np.random.default_rng(1)


class Graph:
    def __init__(self, spec):
        self.spec, self.nodes, self.weights = spec, [], []

    def node(self, op, inputs, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def constant(self, values):
        name = f"c{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def conv(self, x, inputs, outputs, kernel):
        bound = (6 / (inputs * kernel * kernel)) ** 0.5
        weight = RNG.uniform(-bound, bound, (outputs, inputs, kernel, kernel)).astype(np.float32)
        bias = RNG.uniform(-0.1, 0.1, outputs).astype(np.float32)
        return self.node("Conv", [x, self.constant(weight), self.constant(bias)], pads=[kernel // 2] * 4)

    def active(self, x):
        slope = self.spec["negative_slope"]
        return self.node("LeakyRelu", [x], alpha=slope) if slope else self.node("Relu", [x])

    def block(self, x, inputs, outputs):
        for kernel in self.spec["block"]:
            x, inputs = self.active(self.conv(x, inputs, outputs, kernel)), outputs
        return x

    def halve(self, x):
        return self.node("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2])

    def double(self, x):
        return self.node("Resize", [x, "", self.constant(np.array([1, 1, 2, 2], np.float32))], mode="nearest",
                         coordinate_transformation_mode="asymmetric", nearest_mode="floor")

    def joined(self, *parts):
        return self.node("Concat", list(parts), axis=1)

    def pyramid(self, photograph, noise):
        scales, x, before = self.spec["scales"], None, 0
        photographs = [photograph]
        for _ in scales[1:]:
            photographs.insert(0, self.halve(photographs[0]))
        for i, scale in enumerate(scales):
            side, inputs = self.joined(photographs[i], noise[i]), 3 + self.spec["noise_channels"]
            if scale["branch"]:
                side, inputs = self.block(side, inputs, scale["branch"]), scale["branch"]
            if i:
                side = self.block(self.joined(self.double(x), side), before + inputs, scale["width"])
            x, before = side, scale["width"]
        return self.conv(x, before, 3, 1)

    def residual(self, x, noise):
        widths = [scale["width"] for scale in self.spec["scales"]]
        x = self.active(self.conv(x, 3, widths[-1], 3))
        for inputs, outputs in reversed(list(zip(widths[1:], widths))):
            x = self.active(self.halve(self.conv(x, inputs, outputs, 3)))
        for block in range(self.spec["residual"]):
            more = 0 if block else self.spec["noise_channels"]
            read = self.joined(x, noise[0]) if more else x
            y = self.active(self.conv(read, widths[0] + more, widths[0], 3))
            x = self.node("Add", [x, self.conv(y, widths[0], widths[0], 3)])
        for inputs, outputs in zip(widths, widths[1:]):
            x = self.block(self.double(x), inputs, outputs)
        return self.conv(x, widths[-1], 3, 1)


def session(spec, size, threads):
    graph, scales = Graph(spec), spec["scales"]
    noisy = scales[:1] if spec.get("residual") else scales
    sides = [size >> (len(scales) - 1 - i) for i in range(len(noisy))]
    shapes = {"photograph": [1, 3, size, size]}
    shapes |= {f"noise{i}": [1, spec["noise_channels"], side, side] for i, side in enumerate(sides)}
    network = graph.residual if spec.get("residual") else graph.pyramid
    output = network("photograph", list(shapes)[1:])
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, 3, size, size])]
    body = helper.make_graph(graph.nodes, "style", inputs, outputs, graph.weights)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 19)], ir_version=10)
    checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    run = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return run, {name: RNG.uniform(0, 1, shape).astype(np.float32) for name, shape in shapes.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("network", type=json.loads)
    for name in ("--size", "--threads", "--runs"):
        parser.add_argument(name, type=int, required=True)
    asked = parser.parse_args()
    network, inputs = session(asked.network, asked.size, asked.threads)
    for _ in range(2):
        network.run(None, inputs)
    times = []
    for _ in range(asked.runs):
        start = time.perf_counter()
        network.run(None, inputs)
        times.append(1e3 * (time.perf_counter() - start))
    print(json.dumps({"median_ms": statistics.median(times)}))


main()
