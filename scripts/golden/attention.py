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


# title, notation, shape of x
ATTENTIONS = (
    ("two heads", "attention 2", "2x3x4"),
    ("two heads, causal", "attention 2 causal", "2x5x6"),
    ("one head, causal", "attention 1 causal", "1x7x3"),
    ("a head for each feature", "attention 5", "3x4x5"),
    ("one step", "attention 2 causal", "3x1x4"),
    ("one example of more steps than a block", "attention 1 causal", "1x67x2"),
    ("no example", "attention 2", "0x3x4"),
)


def attentions():
    """PyTorch's own, whose input projection stacks wq, wk and wv."""
    for title, layer, shape in ATTENTIONS:
        steps, features = (int(n) for n in shape.split("x")[1:])
        _, heads, *causal = layer.split()
        weights = {name: real(f"{features}x{features}", -0.5, 0.5) for name in ("wq", "wk", "wv", "wo")}
        weights |= {name: real(f"{features}", -1, 1) for name in ("bq", "bk", "bv", "bo")}

        def run(x, v, *params, heads=int(heads), causal=bool(causal), steps=steps):
            leaves = [leaf.detach().requires_grad_() for leaf in (x, *params)]
            x, wq, wk, wv, wo, bq, bk, bv, bo = leaves
            turned = x.transpose(0, 1)
            mask = torch.triu(torch.full((steps, steps), -torch.inf), 1) if causal else None
            a, _ = F.multi_head_attention_forward(
                turned, turned, turned, x.shape[2], heads, torch.cat((wq, wk, wv)),
                torch.cat((bq, bk, bv)), None, None, False, 0.0, wo, bo, attn_mask=mask,
                need_weights=False)
            a = a.transpose(0, 1)
            (a * v).sum().backward()
            return (a, *(leaf.grad for leaf in leaves))

        grads = ", ".join(f"net[1].{name}.grad" for name in weights)
        values = "; ".join(f"net[1].{name} = {name}" for name in weights)
        yield Case("layer:attention", title, f"a, x.grad, {grads}", run,
                   {"x": real(shape), "v": real(shape), **weights}, (),
                   (net(f"*x{features} - {layer}"), values, "x:requires_grad_()", *backward()))


def cases():
    yield from embeddings()
    yield from positions()
    yield from attentions()
