#!/usr/bin/env python3
"""Reads a network that net:save wrote, and computes what it answers, with NumPy alone.

    python3 read.py MODEL.safetensors INPUT.npy [OUTPUT.npy]

prints, or writes, what net(x) gives. In Python:

    import read
    net = read.load("model.safetensors")
    y = net(x)                      # of one example, or of a batch, one example a row

It is the published format in another language: the file, and the formula of every activation and
layer; the notation is read in notation.py.
"""

import functools
import itertools
import json
import math
import re
import sys

import numpy as np

import notation

# ---- The file -----------------------------------------------------------------------------------
#
# 8 bytes, the header's length, little endian; the header, in JSON; the numbers of all tensors, the
# last dimension running fastest. The header has, for each tensor, its dtype, its shape, and the
# bytes behind the header at which it begins and ends; and texts under "__metadata__":
#
#   format    "nabla 1"
#   notation  the network, as nn.net reads it
#   dtype     "f32" or "f64": what it computes in
#   classes   names of the outputs, one a line, '\' and newline in a name as \\ and \n, a byte that is
#             no UTF-8 as \xE9, NUL as the two bytes \xC0\x80; or absent
#   words     names of the words that it reads, likewise
#   learning  how layers and neurons are to learn, on which no output depends; or absent
#
# Tensors are called by the place of their layer and the parameter: "1.w"; "3.1.w" in a block. A
# layer with a name has that in place of its number; a shared layer is at its first place.
# "1.w.mask" says which numbers of a weight learn. A network may see its input scaled, (x - offset)
# factor, by "@scale.offset" and "@scale.factor"; one that stands in it by "@3.1.scale.offset" and
# so on. What else begins with "@" belongs to a run of training that was to go on.

DTYPES = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "U8": "|u1", "f32": "<f4", "f64": "<f8"}


def read_safetensors(path):
    """The texts of the metadata, and the tensors, by their names."""
    with open(path, "rb") as file:
        data = file.read()
    start = 8 + int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8:start].decode())
    except ValueError:
        raise ValueError(path + ": not a safetensors file") from None
    texts = header.pop("__metadata__", {})
    tensors = {}
    for name, of in header.items():
        begin, end = of["data_offsets"]
        numbers = np.frombuffer(data[start + begin:start + end], DTYPES[of["dtype"]])
        tensors[name] = numbers.reshape(of["shape"])
    return texts, tensors


# ---- Activations: neurons are the last dimension ------------------------------------------------

def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def log_softmax(z):
    z = z - z.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def softmax(z):
    return np.exp(log_softmax(z))


erf = np.vectorize(math.erf, otypes=[float])

ACTIVATIONS = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z, slope=0.01: np.where(z < 0, slope * z, z),
    "elu": lambda z, alpha=1: np.where(z < 0, alpha * np.expm1(z), z),
    "selu": lambda z: 1.0507009873554805 * np.where(z < 0, 1.6732632423543772 * np.expm1(z), z),
    "gelu": lambda z: z * (1 + erf(z / math.sqrt(2))) / 2,
    "silu": lambda z: z * sigmoid(z),
    "mish": lambda z: z * np.tanh(np.logaddexp(0, z)),
    "softplus": lambda z: np.logaddexp(0, z),
    "softsign": lambda z: z / (1 + np.abs(z)),
    "hard_sigmoid": lambda z: np.clip(z / 6 + 1 / 2, 0, 1),
    "hard_tanh": lambda z: np.clip(z, -1, 1),
    "hard_silu": lambda z: z * np.clip(z / 6 + 1 / 2, 0, 1),
    "relu6": lambda z: np.clip(z, 0, 6),
    "gaussian": lambda z: np.exp(-z * z),
    "sin": np.sin,
    "exp": np.exp,
    "linear": lambda z: z,
    "step": lambda z: np.where(z < 0, 0.0, 1.0),
    "elliot": lambda z: z / (2 * (1 + np.abs(z))) + 1 / 2,
    "softmax": softmax,
    "log_softmax": log_softmax,
}
FLAGS = ("both", "last", "causal", "bias", "frozen")

# ---- Layers -------------------------------------------------------------------------------------
#
# The first dimension is the batch's, of n examples. Features are the last one, and so are channels
# while the layers run, although they stand first in inputs, outputs and what flatten makes of them.
# What x is goes along with it:
#
#   "plain"   a vector, steps of features (T x features), or steps of words (T)
#   "space"   one or two extents, and then the channels
#   "open"    two sizes or more of an input, or of reshape: space or steps as the next layer has it

SPATIAL = ("conv", "conv_transpose", "max_pool", "avg_pool", "batch_norm", "group_norm")


def form_of(sizes):
    steps = len(sizes) == 2 and sizes[0] is None
    return "plain" if len(sizes) == 1 or steps else "open"


def as_read(x, sizes, read):
    """An input and its form; read: what the notation says of it, "space", "steps" or None."""
    form = {"space": "space", "steps": "plain", None: form_of(sizes)}[read]
    return np.moveaxis(x, 1, -1) if form == "space" else x, form


def channels_first(x, form):
    return np.moveaxis(x, -1, 1) if form == "space" else x


def run(layers, x, form):
    for layer in layers:
        if form == "open" and layer.kind in SPATIAL:
            x, form = np.moveaxis(x, 1, -1), "space"
        x, form = getattr(layer, layer.kind)(x, form)
    return x, form


def met(places, kernel, stride, dilation):
    """Every number of a kernel: its index, and what it meets at all places of the window."""
    for k in itertools.product(*map(range, kernel)):
        yield k, (slice(None),) + tuple(slice(i * d, i * d + (p - 1) * s + 1, s)
                                        for i, p, s, d in zip(k, places, stride, dilation))


class Layer(notation.Layer):
    """A layer as it was read, its parameters, and a formula for every kind."""

    param = None

    def prepare(self, tensors, place):
        """Its tensors, of {place: {name: tensor}}, to this layer and to all below."""
        self.param = tensors.get(place, {})
        self.scale = tensors.get("@%s.scale" % place if place else "@scale")
        self.f, self.differs = None, []
        for name, args, neurons in self.words:
            if name not in ACTIVATIONS and name not in FLAGS:
                raise ValueError("no activation called %s can be read here" % name)
            if neurons:
                self.differs.append((neurons, functools.partial(ACTIVATIONS[name], **args)))
            elif name in ACTIVATIONS:
                self.f = functools.partial(ACTIVATIONS[name], **args)
        for number, layer in enumerate(self.children(), 1):
            if layer.param is None:       # else it is shared, and this is not its first place
                own = str(layer.options.get("name", number))
                layer.prepare(tensors, place + "." + own if place else own)

    def flag(self, name):
        return self.options.get(name) == "true"

    def activate(self, z):
        a = np.array((self.f or sigmoid)(z))
        for neurons, f in self.differs:
            a[..., neurons] = f(z[..., neurons])
        return a

    def weight(self):
        return self.tied.weight() if self.tied else self.param["w"]

    def dense(self, x, form):
        """f(x wᵀ + b)"""
        return self.activate(x @ self.weight().T + self.param.get("b", 0)), form

    def act(self, x, form):
        return self.activate(x), form

    def flatten(self, x, form):
        return channels_first(x, form).reshape(len(x), -1), "plain"

    def reshape(self, x, form):
        sizes = self.sizes("sizes", None, 1)
        return channels_first(x, form).reshape((len(x),) + sizes), form_of(sizes)

    def dropout(self, x, form):
        """Drops while learning alone."""
        return x, form

    # Norms.

    def norm(self, x, mean, variance):
        """gain (x - mean) / √(variance + epsilon) + shift"""
        root = np.sqrt(variance + self.options.get("epsilon", 1e-5))
        return self.param["gain"] * (x - mean) / root + self.param["shift"]

    def layer_norm(self, x, form):
        """Over the features of each example, or step."""
        return self.norm(x, x.mean(-1, keepdims=True), x.var(-1, keepdims=True)), form

    def batch_norm(self, x, form):
        """By the figures that ran along while it learned."""
        return self.norm(x, self.param["mean"], self.param["variance"]), form

    def group_norm(self, x, form):
        """Over neighbouring channels of each example, and all places."""
        groups = self.options["groups"]
        each = x.reshape(len(x), -1, groups, x.shape[-1] // groups)
        of_channels = (len(x),) + (1,) * (x.ndim - 2) + (-1,)
        mean, variance = (np.repeat(figure(each, (1, 3)), each.shape[-1], -1).reshape(of_channels)
                          for figure in (np.mean, np.var))
        return self.norm(x, mean, variance), form

    # Windows that slide over space, or along the steps.

    def sizes(self, name, usual, extents):
        """An option along each extent: one number counts for all of them."""
        value = self.options.get(name, usual)
        return value if isinstance(value, tuple) else (value,) * extents

    def window(self, extents, stride=1):
        """Its sizes, how far it reaches, and the padding before and behind."""
        kernel = self.sizes("kernel", None, extents)
        stride = self.sizes("stride", stride or kernel, extents)
        dilation = self.sizes("dilation", 1, extents)
        reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel)]
        padding = {
            "same": [((r - 1) // 2, r // 2) for r in reach],
            "causal": [(r - 1, 0) for r in reach],
            "valid": [(0, 0)] * extents,
        }.get(self.options.get("padding")) or [(p, p) for p in self.sizes("padding", 0, extents)]
        return (kernel, stride, dilation), reach, padding

    def views(self, x, value=0.0, stride=1):
        """x, with padding of that value, as every number of the kernel meets it: (index, view)."""
        window, reach, padding = self.window(x.ndim - 2, stride)
        x = np.pad(x, [(0, 0)] + padding + [(0, 0)], constant_values=value)
        places = [(size - r) // s + 1 for size, r, s in zip(x.shape[1:], reach, window[1])]
        return [(k, x[at]) for k, at in met(places, *window)]

    def grouped(self, x):
        """x (n, extents…, groups, channels / groups)"""
        return x.reshape(x.shape[:-1] + (self.options.get("groups", 1), -1))

    def ungrouped(self, z):
        return self.activate(z.reshape(z.shape[:-2] + (-1,)) + self.param.get("b", 0))

    def kernels(self):
        """w by groups: (groups, its first dimension / groups, its second, kernel…)"""
        w = self.param["w"]
        return w.reshape((self.options.get("groups", 1), -1) + w.shape[1:])

    def conv(self, x, form):
        """z[place, o] = Σ over k and c of w[o, c, k] x[place · stride + k · dilation, c] + b[o]"""
        w = self.kernels()
        return self.ungrouped(sum(np.einsum("n...gc,goc->n...go", self.grouped(view), w[(...,) + k])
                                  for k, view in self.views(x))), form

    def conv_transpose(self, x, form):
        """The other way: x[place, c] w[c, o, k] is added to z where k meets it; padding goes."""
        (kernel, stride, dilation), reach, padding = self.window(x.ndim - 2)
        extra = self.sizes("output_padding", 0, x.ndim - 2)
        places, x, w = x.shape[1:-1], self.grouped(x), self.kernels()
        sizes = [(p - 1) * s + r + e for p, s, r, e in zip(places, stride, reach, extra)]
        z = np.zeros([len(x)] + sizes + [x.shape[-2], w.shape[2]])
        for k, at in met(places, kernel, stride, dilation):
            z[at] += np.einsum("n...gc,gco->n...go", x, w[(...,) + k])
        kept = tuple(slice(low, size - high) for (low, high), size in zip(padding, sizes))
        return self.ungrouped(z[(slice(None),) + kept]), form

    def max_pool(self, x, form):
        return np.max([view for _, view in self.views(x, -np.inf, stride=None)], 0), form

    def avg_pool(self, x, form):
        """Padding counts, as 0."""
        return np.mean([view for _, view in self.views(x, stride=None)], 0), form

    def global_avg_pool(self, x, form):
        return x.reshape(len(x), -1, x.shape[-1]).mean(1), "plain"

    # Sequences: x (n, T, features).

    def embedding(self, x, form):
        """Row k of w; words count from 1."""
        return self.param["w"][x.astype(int) - 1], form

    def positions(self, x, form):
        """Adds row t of a learned table; without one sin and cos of t at falling rates."""
        steps, features = x.shape[1:]
        if "w" in self.param:
            return x + self.param["w"][:steps], "plain"
        column = np.arange(features)
        angle = np.arange(steps)[:, None] * 1e-4 ** (column // 2 * 2 / features)
        return x + np.where(column % 2, np.cos(angle), np.sin(angle)), "plain"

    # A step: of what input and state bring, zx and zh, the new state, and the cells of lstm.

    def rnn_step(self, zx, zh, h, c, bh):
        return (self.f or np.tanh)(zx + zh), c

    def lstm_step(self, zx, zh, h, c, bh):
        i, f, g, o = np.split(zx + zh, 4, -1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c

    def gru_step(self, zx, zh, h, c, bh):
        (rx, zx, nx), (rh, zh, nh) = np.split(zx, 3, -1), np.split(zh, 3, -1)
        r, z = sigmoid(rx + rh), sigmoid(zx + zh)
        n = np.tanh(nx + r * (nh + bh))
        return (1 - z) * n + z * h, c

    def direction(self, x, suffix):
        """The states behind the steps, in x's order; `suffix` ends the parameters' names."""
        wx, wh, b, bh = (self.param.get(name + suffix) for name in ("wx", "wh", "b", "bh"))
        step, states = getattr(self, self.kind + "_step"), []
        h = c = np.zeros((len(x), self.options["units"]))
        for t in range(x.shape[1]):
            h, c = step(x[:, t] @ wx.T + b, h @ wh.T, h, c, bh)
            states.append(h)
        return np.stack(states, 1)

    def recurrent(self, x, form):
        """`last`: of the other direction that is the first step."""
        for number in range(1, self.options.get("layers", 1) + 1):
            suffix = "_%d" % number if number > 1 else ""
            sides = [self.direction(x, suffix)]
            ends = [sides[0][:, -1]]
            if self.flag("both"):
                sides.append(self.direction(x[:, ::-1], suffix + "_back")[:, ::-1])
                ends.append(sides[1][:, 0])
            x = np.concatenate(sides, -1)
        return np.concatenate(ends, -1) if self.flag("last") else x, "plain"

    rnn = lstm = gru = recurrent

    def attention(self, x, form):
        """softmax(q kᵀ / √size) v in each head, of `size` neighbouring features; then wo and bo."""
        p, (n, steps, features) = self.param, x.shape
        size = features // self.options["heads"]
        q, k, v = ((x @ p["w" + of].T + p["b" + of]).reshape(n, steps, -1, size).swapaxes(1, 2)
                   for of in "qkv")
        fits = q @ k.swapaxes(2, 3) / math.sqrt(size)
        if self.flag("causal"):
            fits = np.where(np.tri(steps, dtype=bool), fits, -np.inf)
        y = (softmax(fits) @ v).swapaxes(1, 2).reshape(x.shape)
        return y @ p["wo"].T + p["bo"], "plain"

    # Blocks: an empty branch is the identity.

    def residual(self, x, form):
        """x + f(x), or f(x) + g(x)"""
        made = [run(branch, x, form) for branch in self.branches] + [(x, form)]
        return made[0][0] + made[1][0], made[0][1]

    def parallel(self, x, form):
        """Side by side."""
        made = [run(branch, x, form) for branch in self.branches]
        return np.concatenate([y for y, _ in made], -1), made[0][1]

    def net(self, x, form):
        return run(self.children(), self.seen(x, form) if self.scale else x, form)

    def seen(self, x, form):
        """(x - offset) factor: of all numbers, or each, or each channel in front, or feature."""
        x = channels_first(x, form)
        sizes, count = x.shape[1:], len(self.scale["offset"])
        if count == math.prod(sizes):
            columns = sizes
        else:
            columns = (count,) + (1,) * (len(sizes) - 1 if len(sizes) > 2 else 0)
        offset, factor = (self.scale[part].reshape(columns) for part in ("offset", "factor"))
        x = (x - offset) * factor
        return np.moveaxis(x, 1, -1) if form == "space" else x


# ---- The network --------------------------------------------------------------------------------

def names(text):
    """The names in a text of them; a byte that is no UTF-8 is as surrogateescape has it."""
    def plain(mark):
        code = mark[1]
        return {b"n": b"\n", b"\\": b"\\"}.get(code) or bytes.fromhex(code[1:].decode())
    lines = [re.sub(rb"\\(n|\\|x..)", plain, line) for line in text.encode().split(b"\n")]
    return [line.replace(b"\xc0\x80", b"\0").decode(errors="surrogateescape") for line in lines]


class Net:
    def __init__(self, texts, tensors):
        self.notation = texts["notation"]
        self.dtype = np.dtype(DTYPES[texts["dtype"]])
        self.classes = names(texts["classes"]) if "classes" in texts else None
        self.words = names(texts["words"]) if "words" in texts else None
        self.shape, self.read, self.root = notation.parse(self.notation, Layer)
        of_layer = {}
        for name, tensor in tensors.items():
            place, _, param = name.rpartition(".")
            of_layer.setdefault(place, {})[param] = tensor.astype(float)
        self.root.prepare(of_layer, "")

    def __call__(self, x):
        x = np.asarray(x)
        one = x.ndim == len(self.shape)
        batch = x[None] if one else x
        fits = batch.ndim == 1 + len(self.shape)
        if not fits or any(s not in (None, has) for s, has in zip(self.shape, batch.shape[1:])):
            raise ValueError("x is %s; the network takes %s, or a batch of them"
                             % ("x".join(map(str, x.shape)), self.notation.split()[0]))
        if x.dtype.kind == "f":
            batch = batch.astype(self.dtype)      # whole numbers, such as words, stay exact
        with np.errstate(over="ignore"):          # e^-z may be infinite: sigmoid is 0 there
            y = channels_first(*self.root.net(*as_read(batch.astype(float), self.shape, self.read)))
        return (y[0] if one else y).astype(self.dtype)


def load(path):
    texts, tensors = read_safetensors(path)
    if texts.get("format") != "nabla 1" or "notation" not in texts:
        raise ValueError(path + ": holds no network that nabla saved")
    return Net(texts, tensors)


def main(model, source, target=None):
    y = load(model)(np.load(source))
    if target:
        np.save(target, y)
    else:
        print(y)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: python3 read.py MODEL.safetensors INPUT.npy [OUTPUT.npy]")
    try:
        main(*sys.argv[1:])
    except (OSError, ValueError) as error:
        sys.exit("read.py: %s" % error)
