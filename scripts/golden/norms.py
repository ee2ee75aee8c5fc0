"""Batch norm and group norm: outputs, gradients, running figures, on every kind of shape."""

import torch
from torch.nn import functional as F

from .case import Case, given, real

# title, notation, shape of x, channels, epsilon, whether x has steps (channels last)
BATCHES = (
    ("of a vector", "5 - batch_norm", "7x5", 5, 1e-5, False),
    ("epsilon=0.25", "3 - batch_norm epsilon=0.25", "5x3", 3, 0.25, False),
    ("momentum=0.375", "3 - batch_norm momentum=0.375", "5x3", 3, 1e-5, False),
    ("of two examples", "37 - batch_norm", "2x37", 37, 1e-5, False),
    ("on steps", "*x3 - batch_norm", "2x5x3", 3, 1e-5, True),
    ("of one example of steps", "*x3 - batch_norm", "1x5x3", 3, 1e-5, True),
    ("of channels", "3x5 - batch_norm", "2x3x5", 3, 1e-5, False),
    ("of space", "3x5x7 - batch_norm", "2x3x5x7", 3, 1e-5, False),
    ("of one example's space", "2x3x3 - batch_norm", "1x2x3x3", 2, 1e-5, False),
)

# title, notation, shape of x, channels, groups, epsilon, steps
GROUPS = (
    ("of a vector", "6 - group_norm 2", "5x6", 6, 2, 1e-5, False),
    ("epsilon=0.25", "6 - group_norm 3 epsilon=0.25", "3x6", 6, 3, 0.25, False),
    ("on steps", "*x4 - group_norm 2", "2x5x4", 4, 2, 1e-5, True),
    ("on steps, of each feature", "*x3 - group_norm 3", "2x5x3", 3, 3, 1e-5, True),
    ("of channels", "4x5 - group_norm 2", "2x4x5", 4, 2, 1e-5, False),
    ("of space", "6x3x5 - group_norm 3", "2x6x3x5", 6, 3, 1e-5, False),
    ("of all of a space", "3x5x3 - group_norm 1", "2x3x5x3", 3, 1, 1e-5, False),
    ("of one example", "4x3x3 - group_norm 4", "1x4x3x3", 4, 4, 1e-5, False),
    ("of no example", "4x3x3 - group_norm 2", "0x4x3x3", 4, 2, 1e-5, False),
)

FILL = "net[1].gain, net[1].shift = gain, shift"


def channels_first(f, steps):
    return (lambda x: f(x.transpose(1, 2)).transpose(1, 2)) if steps else f


def net_of(*items):
    """A network whose cost is Σ a v."""
    shape = items[0].replace("*", '"*"').replace("x", ", ")
    layers = ", ".join(f'"{item}"' for item in items[1:])
    return (f"net = nn.net({{{{{shape}}}, {layers}, cost = function(a, y) return (a * y):sum() end}}, "
            "{dtype = dtype})")


def inputs_of(shape, channels):
    return {"x": real(shape), "v": real(shape), "gain": real(str(channels), -1, 1),
            "shift": real(str(channels), -1, 1)}


def learning():
    """A step of plain descent on c = Σ a v: what moves are gain, shift and the running figures."""
    for title, notation, shape, c, epsilon, steps in BATCHES:

        momentum = float((notation + " momentum=0.1").split("momentum=")[1].split()[0])

        def run(x, v, gain, shift, epsilon=epsilon, steps=steps, momentum=momentum):
            mean, variance = torch.zeros_like(gain), torch.ones_like(gain)
            gain, shift = (p.clone().requires_grad_() for p in (gain, shift))
            norm = channels_first(lambda t: F.batch_norm(
                t, mean, variance, gain, shift, True, momentum, epsilon), steps)
            (norm(x) * v).sum().backward()
            return gain - gain.grad / 4, shift - shift.grad / 4, mean, variance

        yield Case("layer:batch_norm", f"{title}, a step", "net[1].gain, net[1].shift, "
                   "net[1].mean, net[1].variance", run, inputs_of(shape, c), (),
                   (net_of(*notation.split(" - ")), FILL, "net:step(x, v, {lr = 0.25})"))


def gradients():
    """By the batch's figures: output, and gradients at x, gain and shift of its sum times v."""
    for title, notation, shape, c, epsilon, steps in BATCHES:

        def run(x, v, gain, shift, epsilon=epsilon, steps=steps):
            leaves = [leaf.detach().requires_grad_() for leaf in (x, gain, shift)]
            norm = channels_first(lambda t: F.batch_norm(
                t, None, None, leaves[1], leaves[2], True, 0.1, epsilon), steps)
            a = norm(leaves[0])
            (a * v).sum().backward()
            return (a, *(leaf.grad for leaf in leaves))

        yield Case("layer:batch_norm", f"{title}, learning",
                   "a, x.grad, net[1].gain.grad, net[1].shift.grad", run, inputs_of(shape, c), (),
                   (f'net = nn.net("{notation}", {{dtype = dtype}})', FILL, "x:requires_grad_()",
                    "a = net:record(x)", "c = (a * v):sum()", "c:backward()"))


def evaluating():
    """By the running figures: output, and gradients at x, gain and shift of its sum times v."""
    for title, notation, shape, c, epsilon, steps in BATCHES:

        def run(x, v, gain, shift, mean, variance, epsilon=epsilon, steps=steps):
            leaves = [leaf.detach().requires_grad_() for leaf in (x, gain, shift)]
            norm = channels_first(lambda t: F.batch_norm(
                t, mean, variance, leaves[1], leaves[2], False, 0.1, epsilon), steps)
            a = norm(leaves[0])
            (a * v).sum().backward()
            return (a, *(leaf.grad for leaf in leaves))

        inputs = {**inputs_of(shape, c), "mean": real(str(c), -1, 1),
                  "variance": real(str(c), 0.5, 2)}
        yield Case("layer:batch_norm", title, "t[1].a, t.grad_x, t[1].dgain, t[1].dshift",
                   run, inputs, (),
                   (net_of(*notation.split(" - ")), FILL,
                    "net[1].mean, net[1].variance = mean, variance", "t = net:trace(x, v)"))


def groups():
    """The same of groups, which are always their own."""
    for title, notation, shape, c, count, epsilon, steps in GROUPS:

        def run(x, v, gain, shift, count=count, epsilon=epsilon, steps=steps):
            leaves = [leaf.detach().requires_grad_() for leaf in (x, gain, shift)]
            norm = channels_first(lambda t: F.group_norm(
                t, count, leaves[1], leaves[2], epsilon), steps)
            a = norm(leaves[0])
            (a * v).sum().backward()
            return (a, *(leaf.grad for leaf in leaves))

        yield Case("layer:group_norm", title, "a, x.grad, net[1].gain.grad, net[1].shift.grad",
                   run, inputs_of(shape, c), (),
                   (f'net = nn.net("{notation}", {{dtype = dtype}})', FILL, "x:requires_grad_()",
                    "a = net:record(x)", "c = (a * v):sum()", "c:backward()"))


def cases():
    yield from learning()
    yield from gradients()
    yield from evaluating()
    yield from groups()
