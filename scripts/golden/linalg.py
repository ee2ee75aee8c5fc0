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


def parts():
    for title, n in (("vectors", "5"), ("of one", "1"), ("of nothing", "0")):
        yield Case("tensor:dot", title, "a:dot(b)", torch.dot, {"a": real(n), "b": real(n)})
    yield Case("tensor:dot", "columns", "a[{ {}, 1 }]:dot(b[{ {}, 2 }])",
               lambda a, b: torch.dot(a[:, 0], b[:, 1]), {"a": real("3x2"), "b": real("3x2")})
    for title, (a, b) in {"vectors": ("2", "3"), "with nothing": ("0", "3")}.items():
        yield Case("tensor:outer", title, "a:outer(b)", torch.outer, {"a": real(a), "b": real(b)})
    yield Case("tensor:outer", "a row of a transpose", "a:t()[1]:outer(b)",
               lambda a, b: torch.outer(a.t()[0], b), {"a": real("2x3"), "b": real("2")})
    for title, shape in {"square": "3x3", "wide": "2x3", "tall": "3x2", "empty": "0x3"}.items():
        yield Case("tensor:trace", title, "a:trace()", torch.trace, {"a": real(shape)})
    yield Case("tensor:trace", "transpose", "a:t():trace()", lambda a: torch.trace(a.t()),
               {"a": real("2x3")})
    yield Case("tensor:trace", "batch", "a:trace()",
               lambda a: torch.diagonal(a, 0, -2, -1).sum(-1), {"a": real("2x2x3")})
    for name in ("triu", "tril"):
        f = getattr(torch, name)
        for title, shape, k in (("square", "3x3", ""), ("wide", "2x3", ""), ("above", "3x3", "1"),
                                ("below", "3x2", "-1"), ("beyond", "2x2", "5"),
                                ("batch", "2x2x3", ""), ("empty", "0x3", "")):
            yield Case(f"tensor:{name}", title, f"a:{name}({k})",
                       lambda a, f=f, k=int(k or 0): f(a, k), {"a": real(shape)})
        yield Case(f"tensor:{name}", "transpose", f"a:t():{name}()", lambda a, f=f: f(a.t()),
                   {"a": real("2x3")})


def far(a):
    """Far from singular."""
    return a + 5 * torch.eye(a.shape[-1])


def solutions():
    op = "tensor:solve"
    shift = "5 * tensor.eye({}, {{dtype = dtype}})"
    for title, a, b in (("matrix", "3x3", "3x2"), ("vector", "3x3", "3"), ("one", "1x1", "1x1"),
                        ("batches", "2x2x2", "2x2x3"), ("nothing to solve for", "2x2", "2x0")):
        yield Case(op, title, f"(a + {shift.format(a[-1])}):solve(b)",
                   lambda a, b: torch.linalg.solve(far(a), b), {"a": real(a), "b": real(b)})
    yield Case(op, "transposes", f"(a + {shift.format(3)}):t():solve(b:t())",
               lambda a, b: torch.linalg.solve(far(a).t(), b.t()),
               {"a": real("3x3"), "b": real("2x3")})
    op = "tensor:inverse"
    for title, a in (("matrix", "3x3"), ("one", "1x1"), ("batch", "2x2x2"), ("empty", "0x0")):
        yield Case(op, title, f"(a + {shift.format(a[-1])}):inverse()",
                   lambda a: torch.linalg.inv(far(a)), {"a": real(a)})
    yield Case(op, "transpose", f"(a + {shift.format(3)}):t():inverse()",
               lambda a: torch.linalg.inv(far(a).t()), {"a": real("3x3")})
    op = "tensor:cholesky"
    for title, a in (("matrix", "3x3"), ("one", "1x1"), ("batch", "2x2x2")):
        yield Case(op, title, f"(a:matmul(a:t()) + {shift.format(a[-1])}):cholesky()",
                   lambda a: torch.linalg.cholesky(far(a @ a.transpose(-1, -2))),
                   {"a": real(a)})
    op = "tensor:lstsq"
    for title, a, b in (("more equations", "4x2", "4x3"), ("vector", "4x2", "4"),
                        ("square", "2x2", "2x1"), ("fewer equations", "2x3", "2x1")):
        yield Case(op, title, "(a:lstsq(b))", lambda a, b: least_squares(a, b),
                   {"a": real(a), "b": real(b)}, ())


def least_squares(a, b):
    """By the pseudoinverse: PyTorch's own driver is not for vectors."""
    return torch.linalg.pinv(a) @ b


def symmetric(a):
    return a + a.transpose(-1, -2)


def factors():
    """Signs of vectors are free, so what they multiply to is compared."""
    for title, a in (("tall", "4x2"), ("wide", "2x3"), ("square", "3x3"), ("batch", "2x3x2"),
                     ("one", "1x1")):
        yield Case("tensor:svd", title, "s, (u * s:unsqueeze(-2)):matmul(v:t())",
                   lambda a: (torch.linalg.svdvals(a), a), {"a": real(a)}, (),
                   ("u, s, v = a:svd()",))
        yield Case("tensor:qr", title, "q:matmul(r), q:t():matmul(q), r:abs()",
                   lambda a: factored(*torch.linalg.qr(a)), {"a": real(a)}, (),
                   ("q, r = a:qr()",))
    for title, a in (("matrix", "3x3"), ("batch", "2x2x2"), ("one", "1x1")):
        yield Case("tensor:eigh", title, "l, (v * l:unsqueeze(-2)):matmul(v:t())",
                   lambda a: (torch.linalg.eigvalsh(symmetric(a)), symmetric(a)),
                   {"a": real(a)}, (), ("l, v = (a + a:t()):eigh()",))
    yield Case("tensor:svd", "transpose", "s, (u * s:unsqueeze(-2)):matmul(v:t())",
               lambda a: (torch.linalg.svdvals(a), a.t()), {"a": real("3x2")}, (),
               ("u, s, v = a:t():svd()",))


def factored(q, r):
    return q @ r, q.transpose(-1, -2) @ q, r.abs()


def cases():
    yield from matmul()
    yield from parts()
    yield from solutions()
    yield from factors()
