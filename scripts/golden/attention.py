"""Words, positions, attention and tied weights."""

import torch
from torch.nn import functional as F

from .case import Case, given, index, real


def net(notation):
    return f'net = nn.net("{notation}", {{dtype = dtype}})'


def backward(lua="net:record(x)"):
    """A pass, and the gradients of the sum of its output times v."""
    return (f"a = {lua}", "c = (a * v):sum()", "c:backward()")


# title, words, features, words of the examples
WORDS = (
    ("two examples", 5, 4, "2x3", index("2x3", [1, 5, 2, 2, 2, 4])),
    ("one example of one word", 3, 7, "1x1", index("1x1", [3])),
    ("bytes", 4, 3, "3x2", given("3x2", [4, 4, 1, 2, 4, 1], torch.uint8)),
    ("numbers that are whole", 6, 1, "1x4", given("1x4", [6, 1, 1, 3])),
    ("no example", 3, 2, "0x4", index("0x4", [])),
    ("a word for each place", 1, 5, "3x3", index("3x3", [1] * 9)),
)


def embeddings():
    for title, words, features, shape, x in WORDS:

        def run(x, w, v):
            w = w.detach().requires_grad_()
            a = F.embedding(x.long() - 1, w)
            (a * v).sum().backward()
            return a, w.grad

        yield Case("layer:embedding", title, "a, net[1].w.grad", run,
                   {"x": x, "w": real(f"{words}x{features}"), "v": real(f"{shape}x{features}")},
                   (), (net(f"* - embedding {words} {features}"), "net[1].w = w", *backward()))


def waves(steps, features):
    """Vaswani et al. 2017, section 3.5."""
    table = torch.zeros(steps, features)
    for p in range(steps):
        for k in range(features):
            angle = torch.tensor(p / 10000 ** (2 * (k // 2) / features))
            table[p, k] = torch.cos(angle) if k % 2 else torch.sin(angle)
    return table


def positions():
    for shape in ("2x3x4", "1x9x5", "1x1x1", "0x2x3"):
        steps, features = (int(n) for n in shape.split("x")[1:])
        yield Case("layer:positions", f"waves {shape}", "net:record(a)",
                   lambda a, t=waves(steps, features): a + t, {"a": real(shape)},
                   before=(net(f"*x{features} - positions"),))

        def run(x, w, v):
            x, w = (leaf.detach().requires_grad_() for leaf in (x, w))
            a = x + w[:x.shape[1]]
            (a * v).sum().backward()
            return a, x.grad, w.grad

        yield Case("layer:positions", f"learned {shape}", "a, x.grad, net[1].w.grad", run,
                   {"x": real(shape), "w": real(f"{steps + 2}x{features}"), "v": real(shape)}, (),
                   (net(f"*x{features} - positions {steps + 2}"), "net[1].w = w",
                    "x:requires_grad_()", *backward()))


def cases():
    yield from embeddings()
    yield from positions()
