"""Products of matrices and what solves their equations."""

import torch

from .case import Case, real

PRODUCTS = {
    "vectors": ("3", "3"), "matrix and vector": ("2x3", "3"), "vector and matrix": ("3", "3x2"),
    "matrices": ("2x3", "3x4"), "row and column": ("1x3", "3x1"), "column and row": ("3x1", "1x2"),
    "batches": ("2x2x3", "2x3x2"), "a batch and a matrix": ("2x2x3", "3x2"),
    "a matrix and a batch": ("2x3", "2x3x2"), "batches that broadcast": ("2x1x2x3", "3x3x2"),
    "a batch and a vector": ("2x2x3", "3"), "empty": ("0x3", "3x2"), "over nothing": ("2x0", "0x3"),
    "more than a tile": ("9x17", "17x5"),
}


def matmul():
    op = "tensor:matmul"
    for title, (a, b) in PRODUCTS.items():
        yield Case(op, title, "a:matmul(b)", torch.matmul, {"a": real(a, -6, 6), "b": real(b)})
    yield Case(op, "a transpose on the left", "a:t():matmul(b)", lambda a, b: a.t() @ b,
               {"a": real("3x2"), "b": real("3x4")})
    yield Case(op, "a transpose on the right", "a:matmul(b:t())", lambda a, b: a @ b.t(),
               {"a": real("2x3"), "b": real("4x3")})
    yield Case(op, "two transposes", "a:t():matmul(b:t())", lambda a, b: a.t() @ b.t(),
               {"a": real("3x2"), "b": real("4x3")})
    yield Case(op, "every other column", "a[{ {}, {1, 5, 2} }]:matmul(b)",
               lambda a, b: a[:, ::2] @ b, {"a": real("2x5"), "b": real("3x2")})
    yield Case(op, "a row that is expanded", "a:expand(2, 3):matmul(b)",
               lambda a, b: a.expand(2, 3) @ b, {"a": real("3"), "b": real("3x2")})
    yield Case(op, "by itself", "a:matmul(a:t())", lambda a: a @ a.t(), {"a": real("2x3")})


def cases():
    yield from matmul()
