"""One example through a network in PyTorch without gradients. Told the file of parameters and
examples that one.lua wrote, which network, and one of PyTorch's settings."""
import os
import sys
import time

import numpy
import torch
from torch.nn import functional as F

CALLS = {"dense": 20000, "lenet": 1000}
ROUNDING = 1e-5

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
name, way = sys.argv[2:4]
parts = {key: torch.from_numpy(value) for key, value in numpy.load(sys.argv[1]).items()}


def functional(x):
    hidden = torch.sigmoid(F.linear(x, parts["w1"], parts["b1"]))
    return torch.sigmoid(F.linear(hidden, parts["w2"], parts["b2"]))


def by_hand(x):
    hidden = torch.addmv(parts["b1"], parts["w1"], x).sigmoid_()
    return torch.addmv(parts["b2"], parts["w2"], hidden).sigmoid_()


def lenet():
    nn = torch.nn
    net = nn.Sequential(nn.Conv2d(1, 20, 5), nn.ReLU(inplace=True), nn.MaxPool2d(2),
                        nn.Conv2d(20, 40, 5), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(),
                        nn.Linear(640, 100), nn.ReLU(inplace=True), nn.Linear(100, 10),
                        nn.Softmax(1))
    layers = [layer for layer in net if hasattr(layer, "weight")]
    for i, layer in enumerate(layers, 1):
        layer.weight.copy_(parts[f"w{i}"])
        layer.bias.copy_(parts[f"b{i}"])
    return net.eval()


def compiled(net, x):
    traced = torch.jit.trace(net, x)
    if way == "jit, optimized":
        return torch.jit.optimize_for_inference(traced)
    return torch.jit.freeze(traced)


def made():
    """The function, and the examples as it takes them, one by one."""
    x = parts["x"]
    if way == "functional":
        return functional, x
    if way == "functional, a batch of one":
        return functional, x[:, None]
    if way == "addmv, sigmoid_":
        return by_hand, x
    net, x = lenet(), x.reshape(-1, 1, 1, 28, 28)
    if way == "jit, channels last":
        net = net.to(memory_format=torch.channels_last)
    return (net, x) if way == "eager" else (compiled(net, x[0]), x)


def calls(net, x, count):
    began = time.perf_counter()
    for _ in range(count):
        net(x)
    return (time.perf_counter() - began) / count


def serve():
    net, examples = made()
    x = examples[0].clone()
    calls(net, x, CALLS[name])
    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() != "epoch":
            break
        print(calls(net, x, CALLS[name]), flush=True)
    off = [(net(one).flatten() - y).abs().max() for one, y in zip(examples, parts["y"])]
    print(float((torch.stack(off) <= ROUNDING).double().mean()), flush=True)


with torch.no_grad():
    serve()
