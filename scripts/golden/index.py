"""Elements found by indices, masks and brackets; diagonals."""

import torch

from .case import SPECIAL, Case, given, index, mask, places, real


def long(i):
    """nabla's places as PyTorch's."""
    return i.long() - 1


def entries():
    op = "tensor:index_select"

    def f(dim):
        return lambda a, i: a.index_select(dim, long(i))

    yield Case(op, "rows, one twice", "a:index_select(1, i)", f(0),
               {"a": real("3x2"), "i": index("4", [3, 1, 1, 2])})
    yield Case(op, "columns", "a:index_select(2, i)", f(1),
               {"a": real("2x3"), "i": index("2", [3, 1])})
    yield Case(op, "vector", "a:index_select(1, i)", f(0),
               {"a": real("4"), "i": index("3", [4, 4, 2])})
    yield Case(op, "transpose", "a:t():index_select(1, i)",
               lambda a, i: a.t().index_select(0, long(i)),
               {"a": real("2x3"), "i": index("2", [3, 2])})
    yield Case(op, "middle of a cube", "a:index_select(2, i)", f(1),
               {"a": real("2x3x2"), "i": index("3", [2, 3, 2])})
    yield Case(op, "nothing", "a:index_select(1, i)", f(0),
               {"a": real("3x2"), "i": index("0", [])})
    yield Case(op, "a table of indices", "a:index_select(1, {3, 1, 1})",
               lambda a: a[[2, 0, 0]], {"a": real("3x2")})
    op = "tensor:take"
    for title, shape, places_shape, numbers in (
        ("matrix", "2x3", "4", [6, 1, 1, 5]), ("in the index's shape", "2x3", "2x2", [2, 4, 6, 2]),
        ("number", "-", "2", [1, 1]), ("nothing", "2x3", "0", []),
    ):
        yield Case(op, title, "a:take(i)", lambda a, i: a.take(long(i)),
                   {"a": real(shape), "i": index(places_shape, numbers)})
    yield Case(op, "transpose", "a:t():take(i)", lambda a, i: a.t().take(long(i)),
               {"a": real("2x3"), "i": index("3", [2, 5, 2])})


def gathered():
    op = "tensor:gather"
    for title, dim, shape, at, numbers in (
        ("along dimension 1", 1, "3x2", "2x2", [3, 1, 3, 2]),
        ("along dimension 2", 2, "2x3", "2x4", [1, 1, 3, 2, 3, 3, 3, 1]),
        ("vector", 1, "4", "3", [4, 1, 4]),
        ("fewer rows", 2, "3x3", "2x2", [3, 1, 2, 2]),
        ("cube", 2, "2x3x2", "2x2x2", [1, 3, 2, 2, 3, 3, 1, 1]),
        ("nothing", 1, "3x2", "0x2", []),
    ):
        yield Case(op, title, f"a:gather({dim}, i)",
                   lambda a, i, d=dim: a.gather(d - 1, long(i)),
                   {"a": real(shape), "i": index(at, numbers)})
    yield Case(op, "transpose", "a:t():gather(2, i)", lambda a, i: a.t().gather(1, long(i)),
               {"a": real("2x3"), "i": index("3x1", [2, 1, 2])})
    op = "tensor:scatter_add"
    for title, dim, shape, at, numbers in (
        ("along dimension 1", 1, "3x2", "2x2", [3, 1, 3, 2]),
        ("along dimension 2", 2, "2x3", "2x4", [1, 1, 3, 2, 3, 3, 3, 1]),
        ("vector", 1, "3", "5", [3, 1, 3, 3, 2]),
        ("cube", 2, "2x3x2", "2x2x2", [1, 3, 2, 2, 3, 3, 1, 1]),
        ("nothing", 1, "3x2", "0x2", []),
    ):
        yield Case(op, title, f"a:scatter_add({dim}, i, b)",
                   lambda a, i, b, d=dim: a.scatter_add(d - 1, long(i), b),
                   {"a": real(shape), "i": index(at, numbers), "b": real(at)})
    yield Case(op, "transpose", "a:t():scatter_add(2, i, b)",
               lambda a, i, b: a.t().scatter_add(1, long(i), b),
               {"a": real("2x3"), "i": index("3x1", [2, 1, 2]), "b": real("3x1")})


def masked():
    op = "tensor:masked_select"
    for title, a, m in (("matrix", "2x3", "2x3"), ("row of the mask", "2x3", "3"),
                        ("column of the mask", "2x3", "2x1"), ("vector", "5", "5"),
                        ("cube", "2x2x2", "2x1"), ("empty", "0x3", "3")):
        yield Case(op, title, "a:masked_select(m)", lambda a, m: a.masked_select(m.bool()),
                   {"a": real(a), "m": mask(m)})
    # PyTorch 1.13 puts the gradient of a transpose itself in the wrong order.
    yield Case(op, "transpose", "a:t():masked_select(m)",
               lambda a, m: a.t().contiguous().masked_select(m.bool()),
               {"a": real("2x3"), "m": mask("3x2")})
    op = "tensor:masked_fill"
    for title, a, m in (("number", "-", "-"), ("matrix", "2x3", "2x3"),
                        ("row of the mask", "2x3", "3"), ("column of the mask", "2x3", "2x1"),
                        ("cube", "2x2x2", "2x1"), ("empty", "0x3", "3")):
        yield Case(op, title, "a:masked_fill(m, -1.5)",
                   lambda a, m: a.masked_fill(m.bool(), -1.5), {"a": real(a), "m": mask(m)})
    yield Case(op, "transpose", "a:t():masked_fill(m:t(), 0)",
               lambda a, m: a.t().masked_fill(m.t().bool(), 0),
               {"a": real("2x3"), "m": mask("2x3")})
    yield Case(op, "a value that takes a gradient", "a:masked_fill(m, b)",
               lambda a, m, b: a.masked_fill(m.bool(), b),
               {"a": real("2x3"), "m": mask("2x3"), "b": real("-")})


def nonzero():
    for title, shape, numbers in (("matrix", "2x3", [0, 2, 0, -1, 0, 0.5]),
                                  ("vector", "4", [0, 0, 3, 4]), ("nothing", "2", [0, 0]),
                                  ("special values", "10", SPECIAL)):
        yield Case("tensor:nonzero", title, "a:nonzero()", lambda a: places(torch.nonzero(a)),
                   {"a": given(shape, numbers)}, ())
    yield Case("tensor:nonzero", "transpose", "a:t():nonzero()",
               lambda a: places(torch.nonzero(a.t())),
               {"a": given("2x3", [0, 2, 0, -1, 0, 0.5])}, ())


def diagonals():
    op = "tensor:diag"
    for title, shape, args, k in (("vector", "3", "", 0), ("vector, above", "2", "1", 1),
                                  ("vector, below", "2", "-2", -2), ("matrix", "2x3", "", 0),
                                  ("matrix, above", "3x3", "1", 1),
                                  ("matrix, below", "3x2", "-1", -1)):
        yield Case(op, title, f"a:diag({args})", lambda a, k=k: a.diag(k), {"a": real(shape)})
    yield Case(op, "transpose", "a:t():diag(-1)", lambda a: a.t().diag(-1), {"a": real("2x3")})


# title, lua, function, shape of a
BRACKETS = (
    ("number", "a[2]", lambda a: a[1], "3x2"),
    ("negative number", "a[-1]", lambda a: a[-1], "3x2"),
    ("numbers", "a[{3, -1}]", lambda a: a[2, -1], "3x2x2"),
    ("range", "a[{ {2, 3} }]", lambda a: a[1:3], "4x2"),
    ("range with step", "a[{ {1, -1, 2}, {} }]", lambda a: a[::2], "5x2"),
    ("range from the end", "a[{ {}, {-2, -1} }]", lambda a: a[:, -2:], "2x3"),
    ("range and number", "a[{ {2, 3}, 1 }]", lambda a: a[1:3, 0], "3x2"),
    ("transpose", "a:t()[{ {2, 3}, {} }]", lambda a: a.t()[1:3], "2x3"),
)


def brackets():
    """x[…] is no name of its own in the book of help but goes through the tape like the others."""
    for title, lua, f, shape in BRACKETS:
        yield Case("brackets", title, lua, f, {"a": real(shape)})
    at = {"i": index("4", [3, 1, 1, 2])}
    yield Case("brackets", "indices", "a[i]", lambda a, i: a[long(i)], {"a": real("3x2"), **at})
    yield Case("brackets", "indices in a matrix", "a[i]", lambda a, i: a[long(i)],
               {"a": real("3x2"), "i": index("2x2", [3, 1, 1, 2])})
    yield Case("brackets", "indices behind a range", "a[{ {}, i }]",
               lambda a, i: a[:, long(i)], {"a": real("2x3"), **at})
    yield Case("brackets", "mask", "a[m]", lambda a, m: a[m.bool()],
               {"a": real("2x3"), "m": mask("2x3")})


def cases():
    yield from entries()
    yield from gathered()
    yield from masked()
    yield from nonzero()
    yield from diagonals()
    yield from brackets()
