"""Tensors that are made from sizes and ends."""

import torch

from .case import Case, index


def cases():
    for name, args, tensor in (
        ("zeros", "2, 3", torch.zeros(2, 3)),
        ("zeros", "0, 3", torch.zeros(0, 3)),
        ("ones", "3", torch.ones(3)),
        ("full", "0.1, 2, 2", torch.full((2, 2), 0.1)),
        ("eye", "3", torch.eye(3)),
        ("eye", "2, 3", torch.eye(2, 3)),
        ("range", "1, 5", torch.arange(1, 5.5)),
        ("range", "5, -4, -3", torch.arange(5, -4.5, -3.0)),
        ("range", "0, 1, 0.125", torch.arange(0, 1.0625, 0.125)),
        ("linspace", "-1, 2, 7", torch.linspace(-1, 2, 7)),
        ("linspace", "1, 0, 4", torch.linspace(1, 0, 4)),
        ("linspace", "3, 5, 1", torch.linspace(3, 5, 1)),
        ("logspace", "0, 2, 5", torch.logspace(0, 2, 5)),
        ("logspace", "1, -1, 3", torch.logspace(1, -1, 3)),
    ):
        yield Case(f"tensor.{name}", args, f"tensor.{name}({args}, {{dtype = dtype}})",
                   lambda t=tensor: t)
    yield Case("tensor.logspace", "base 2", "tensor.logspace(0, 3, 4, {base = 2, dtype = dtype})",
               lambda: torch.logspace(0, 3, 4, base=2))
    for title, shape, labels in (("vector", "3", [2, 1, 4]), ("matrix", "2x2", [1, 4, 3, 3]),
                                 ("number", "-", [3]), ("nothing", "0", [])):
        yield Case("tensor.one_hot", title, "tensor.one_hot(i, 4, {dtype = dtype})",
                   lambda i: torch.nn.functional.one_hot(i.long() - 1, 4).double(),
                   {"i": index(shape, labels)})
