"""Convolutions and pools, on space and on steps, in every option."""

import math
import random

import torch
import torch.nn.functional as F

from golden.case import GRID, Case, given, real, sizes


def drawn(shape, seed, most=2):
    """Numbers that may come twice."""
    rng = random.Random(seed)
    grid = [k / GRID for k in range(-int(most * GRID), int(most * GRID))]
    return given(shape, [rng.choice(grid) for _ in range(math.prod(sizes(shape)))])


# title, what comes before the layer's own text, its options in PyTorch, x, w, channels of b
CONVS = (
    ("of two extents", "3x6x5 - conv 4 3", {}, "2x3x6x5", "4x3x3x3"),
    ("of an odd kernel", "2x7x6 - conv 3 3x2", {}, "1x2x7x6", "3x2x3x2"),
    ("of one channel", "1x9x11 - conv 2 5", {}, "3x1x9x11", "2x1x5x5"),
    ("of a window of one", "5x3x4 - conv 2 1", {}, "2x5x3x4", "2x5x1x1"),
    ("stride=2", "2x7x8 - conv 3 3 stride=2", {"stride": 2}, "2x2x7x8", "3x2x3x3"),
    ("stride=3x1", "2x9x4 - conv 3 2 stride=3x1", {"stride": (3, 1)}, "2x2x9x4", "3x2x2x2"),
    ("a stride beyond the kernel", "1x9x9 - conv 2 2 stride=4", {"stride": 4}, "2x1x9x9",
     "2x1x2x2"),
    ("padding=2", "2x5x4 - conv 3 3 padding=2", {"padding": 2}, "2x2x5x4", "3x2x3x3"),
    ("padding=1x2", "2x5x4 - conv 3 3x4 padding=1x2", {"padding": (1, 2)}, "2x2x5x4", "3x2x3x4"),
    ("padding=same", "2x5x4 - conv 3 3 padding=same", {"padding": "same"}, "2x2x5x4", "3x2x3x3"),
    ("padding=same of an even kernel", "2x5x6 - conv 3 4x2 padding=same", {"padding": "same"},
     "2x2x5x6", "3x2x4x2"),
    ("padding=same dilation=2x3", "2x7x8 - conv 2 2x3 padding=same dilation=2x3",
     {"padding": "same", "dilation": (2, 3)}, "1x2x7x8", "2x2x2x3"),
    ("padding=valid", "1x4x4 - conv 2 2 padding=valid", {}, "1x1x4x4", "2x1x2x2"),
    ("dilation=2", "2x7x8 - conv 3 3 dilation=2", {"dilation": 2}, "2x2x7x8", "3x2x3x3"),
    ("all at once", "4x11x9 - conv 6 3x2 stride=2x3 padding=2x1 dilation=3x2 groups=2",
     {"stride": (2, 3), "padding": (2, 1), "dilation": (3, 2), "groups": 2}, "2x4x11x9",
     "6x2x3x2"),
    ("groups of one channel", "3x5x5 - conv 6 3 groups=3", {"groups": 3}, "2x3x5x5", "6x1x3x3"),
    ("many channels", "7x4x9 - conv 13 3 padding=1", {"padding": 1}, "1x7x4x9", "13x7x3x3"),
    ("along one extent", "3x9 - conv 4 3", {}, "2x3x9", "4x3x3"),
    ("along one extent, all at once", "4x17 - conv 6 3 stride=2 padding=3 dilation=2 groups=2",
     {"stride": 2, "padding": 3, "dilation": 2, "groups": 2}, "3x4x17", "6x2x3"),
    ("along one extent, padding=same", "2x7 - conv 3 4 padding=same", {"padding": "same"},
     "2x2x7", "3x2x4"),
    ("of no example", "2x4x4 - conv 3 3", {}, "0x2x4x4", "3x2x3x3"),
)

TURNED = (
    ("of two extents", "3x4x5 - conv_transpose 4 3", {}, "2x3x4x5", "3x4x3x3"),
    ("stride=2 padding=1", "3x4x5 - conv_transpose 2 4 stride=2 padding=1",
     {"stride": 2, "padding": 1}, "2x3x4x5", "3x2x4x4"),
    ("output_padding=1x0", "2x3x4 - conv_transpose 3 3x2 stride=2 output_padding=1x0",
     {"stride": 2, "output_padding": (1, 0)}, "2x2x3x4", "2x3x3x2"),
    ("all at once", "4x4x3 - conv_transpose 6 3x2 stride=2x3 padding=2x1 dilation=2x3 groups=2 "
     "output_padding=1x2",
     {"stride": (2, 3), "padding": (2, 1), "dilation": (2, 3), "groups": 2,
      "output_padding": (1, 2)}, "2x4x4x3", "4x3x3x2"),
    ("along one extent", "3x5 - conv_transpose 2 3 stride=2 padding=1",
     {"stride": 2, "padding": 1}, "2x3x5", "3x2x3"),
    ("of one place", "2x1x1 - conv_transpose 3 4 stride=3", {"stride": 3}, "1x2x1x1", "2x3x4x4"),
    ("groups of one channel", "3x4x3 - conv_transpose 6 2 groups=3", {"groups": 3}, "2x3x4x3",
     "3x2x2x2"),
    ("dilation=2", "2x3x4 - conv_transpose 3 3 dilation=2", {"dilation": 2}, "1x2x3x4", "2x3x3x3"),
    ("padding=valid", "2x3x3 - conv_transpose 2 2 padding=valid", {}, "1x2x3x3", "2x2x2x2"),
    ("padding=same", "2x3x5 - conv_transpose 3 3x5 padding=same", {"padding": (1, 2)}, "2x2x3x5",
     "2x3x3x5"),
    ("of no example", "2x4x4 - conv_transpose 3 3", {}, "0x2x4x4", "2x3x3x3"),
)

# On steps, features last: what F does along T.
ON_STEPS = (
    ("conv", "on steps", "*x3 - conv 4 3", {}, "2x9x3", "4x3x3"),
    ("conv", "on steps, padding=same", "*x3 - conv 4 2 padding=same", {"padding": "same"},
     "2x6x3", "4x3x2"),
    ("conv", "on steps, padding=causal dilation=2", "*x3 - conv 4 3 padding=causal dilation=2",
     {"causal": 4, "dilation": 2}, "2x6x3", "4x3x3"),
    ("conv", "on steps, stride=2 groups=2", "*x4 - conv 6 3 stride=2 groups=2 padding=1",
     {"stride": 2, "groups": 2, "padding": 1}, "1x8x4", "6x2x3"),
    ("conv_transpose", "on steps", "*x3 - conv_transpose 4 3 stride=2", {"stride": 2}, "2x5x3",
     "3x4x3"),
    ("conv", "on steps of no example", "*x3 - conv 4 3", {}, "0x5x3", "4x3x3"),
    ("conv_transpose", "on steps, all at once", "*x4 - conv_transpose 6 3 stride=2 padding=1 "
     "dilation=2 groups=2 output_padding=1",
     {"stride": 2, "padding": 1, "dilation": 2, "groups": 2, "output_padding": 1}, "2x5x4",
     "4x3x3"),
)


def functions(layer, extents):
    return getattr(F, f"{layer}{extents}d")


def weighed(layer, title, notation, x, w, channels, call, bias=True):
    """The output, and the gradients at x, w and b of its sum times weights."""

    def run(x, w, b=None):
        leaves = [t.detach().requires_grad_() for t in (x, w, b) if t is not None]
        a = torch.tanh(call(*leaves))
        rise = torch.arange(a.numel(), dtype=a.dtype).reshape(a.shape) % 7 - 3
        (a * rise).sum().backward()
        return (a, *(leaf.grad for leaf in leaves))

    inputs = {"x": drawn(x, title), "w": drawn(w, notation, 0.5)}
    if bias:
        inputs["b"] = real(str(channels), -1, 1)
    grads = "x.grad, net[1].w.grad" + (", net[1].b.grad" if bias else "")
    fill = "net[1].w, net[1].b = w, b" if bias else "net[1].w = w"
    word = f"{layer} "
    head, tail = notation.split(word, 1)
    positions = tail.split(" ")
    text = f"{head}{word}{' '.join(positions[:2] + ['tanh'] + positions[2:])}"
    if not bias:
        text += " bias=false"
    return Case(f"layer:{layer}", title, f"a, {grads}", run, inputs, (),
                (f'net = nn.net("{text}", {{dtype = dtype}})', fill, "x:requires_grad_()",
                 "a = net:record(x)",
                 "r = tensor.zeros(a:numel(), {dtype = dtype})",
                 "for i = 1, a:numel() do r[i] = (i - 1) % 7 - 3 end",
                 "c = (a * r:reshape(table.unpack(a.shape))):sum()", "c:backward()"))


def convolutions():
    for title, notation, options, x, w in CONVS:
        f = functions("conv", x.count("x") - 1)
        yield weighed("conv", title, notation, x, w, w.split("x")[0],
                      lambda x, w, b, f=f, o=options: f(x, w, b, **o))
    for title, notation, options, x, w in TURNED:
        f = functions("conv_transpose", x.count("x") - 1)
        channels = int(w.split("x")[1]) * options.get("groups", 1)
        yield weighed("conv_transpose", title, notation, x, w, channels,
                      lambda x, w, b, f=f, o=options: f(x, w, b, **o))
    yield weighed("conv", "bias=false", "2x4x5 - conv 3 2", "2x2x4x5", "3x2x2x2", 3,
                  lambda x, w: F.conv2d(x, w), False)
    yield weighed("conv_transpose", "bias=false", "2x4x5 - conv_transpose 3 2", "2x2x4x5",
                  "2x3x2x2", 3, lambda x, w: F.conv_transpose2d(x, w), False)


def along_steps(f, options):
    options = dict(options)
    causal = options.pop("causal", 0)

    def call(x, w, b):
        return f(F.pad(x.transpose(1, 2), (causal, 0)), w, b, **options).transpose(1, 2)

    return call


def on_steps():
    for layer, title, notation, options, x, w in ON_STEPS:
        channels = int(w.split("x")[1 if layer == "conv_transpose" else 0])
        channels *= options.get("groups", 1) if layer == "conv_transpose" else 1
        yield weighed(layer, title, notation, x, w, channels,
                      along_steps(functions(layer, 1), options))


def global_mean(x):
    return x.flatten(2).mean(2)


# layer, notation, x, what PyTorch does
POOLS = (
    ("max_pool", "2x6x4 - max_pool 2", "2x2x6x4", lambda x: F.max_pool2d(x, 2)),
    ("max_pool", "2x7x9 - max_pool 3x2", "1x2x7x9", lambda x: F.max_pool2d(x, (3, 2))),
    ("max_pool", "2x7x5 - max_pool 3 stride=1 padding=1", "2x2x7x5",
     lambda x: F.max_pool2d(x, 3, 1, 1)),
    ("max_pool", "1x8x9 - max_pool 4x3 stride=3x2 padding=2x1", "2x1x8x9",
     lambda x: F.max_pool2d(x, (4, 3), (3, 2), (2, 1))),
    ("max_pool", "1x5x40 - max_pool 3x4 stride=1x3", "2x1x5x40",
     lambda x: F.max_pool2d(x, (3, 4), (1, 3))),
    ("max_pool", "3x9 - max_pool 2", "2x3x9", lambda x: F.max_pool1d(x, 2)),
    ("max_pool", "*x3 - max_pool 3 stride=2 padding=1", "2x9x3",
     lambda x: F.max_pool1d(x.transpose(1, 2), 3, 2, 1).transpose(1, 2)),
    ("max_pool", "2x4x4 - max_pool 2 padding=valid", "0x2x4x4", lambda x: F.max_pool2d(x, 2)),
    ("max_pool", "2x5x6 - max_pool 3 stride=1 padding=same", "1x2x5x6",
     lambda x: F.max_pool2d(x, 3, 1, 1)),
    ("max_pool", "*x2 - max_pool 2 stride=3", "1x8x2",
     lambda x: F.max_pool1d(x.transpose(1, 2), 2, 3).transpose(1, 2)),
    ("avg_pool", "2x6x4 - avg_pool 2", "2x2x6x4", lambda x: F.avg_pool2d(x, 2)),
    ("avg_pool", "2x7x9 - avg_pool 3x2", "1x2x7x9", lambda x: F.avg_pool2d(x, (3, 2))),
    ("avg_pool", "2x7x5 - avg_pool 3 stride=1 padding=same", "2x2x7x5",
     lambda x: F.avg_pool2d(x, 3, 1, 1)),
    ("avg_pool", "1x8x9 - avg_pool 4x3 stride=3x2 padding=2x1", "2x1x8x9",
     lambda x: F.avg_pool2d(x, (4, 3), (3, 2), (2, 1))),
    ("avg_pool", "3x9 - avg_pool 2", "2x3x9", lambda x: F.avg_pool1d(x, 2)),
    ("avg_pool", "*x3 - avg_pool 3 stride=2 padding=1", "2x9x3",
     lambda x: F.avg_pool1d(x.transpose(1, 2), 3, 2, 1).transpose(1, 2)),
    ("avg_pool", "2x4x4 - avg_pool 2", "0x2x4x4", lambda x: F.avg_pool2d(x, 2)),
    ("global_avg_pool", "2x5x4 - conv 2 1 linear - global_avg_pool", "3x2x5x4", global_mean),
    ("global_avg_pool", "2x7 - conv 2 1 linear - global_avg_pool", "3x2x7", global_mean),
    ("global_avg_pool", "*x3 - global_avg_pool", "2x5x3", lambda x: x.mean(1)),
    ("global_avg_pool", "*x5 - global_avg_pool", "1x1x5", lambda x: x.mean(1)),
    ("global_avg_pool", "*x2 - global_avg_pool", "0x3x2", lambda x: x.mean(1)),
)


def pools():
    for layer, notation, shape, f in POOLS:
        before = [f'net = nn.net("{notation}", {{dtype = dtype}})']
        if "conv" in notation:
            before.append("net[1].w = tensor.eye(2):reshape(table.unpack(net[1].w.shape))")
        yield Case(f"layer:{layer}", notation, "net:record(a)", f, {"a": real(shape, -8, 8)},
                   before=tuple(before))


def channels():
    """A channel is a neuron: softmax over channels, and one channel that differs."""

    def soft(x, w, b):
        return torch.softmax(F.conv2d(x, w, b), 1)

    def mixed(x, w, b):
        z = F.conv2d(x, w, b)
        return torch.cat((torch.relu(z[:, :1]), torch.tanh(z[:, 1:2]), F.softplus(z[:, 2:])), 1)

    for title, acts, f in (("softmax over channels", "softmax", soft),
                           ("channels that differ", "relu tanh@2 softplus@3", mixed)):
        yield Case("layer:conv", title, "net:record(x)", f,
                   {"x": real("2x2x3x4"), "w": real("3x2x2x2", -1, 1), "b": real("3", -1, 1)},
                   ("x",), (f'net = nn.net("2x3x4 - conv 3 2 {acts}", {{dtype = dtype}})',
                            "net[1].w, net[1].b = w, b"))


def cases():
    yield from convolutions()
    yield from on_steps()
    yield from pools()
    yield from channels()
