"""What orders elements or runs along a dimension: sort, topk, median, cumsum, cumprod."""

import math

import torch

from .case import Case, given, places, real

SHAPES = {"vector": "5", "matrix": "2x4", "number": "-", "empty": "0x3"}


def both(found):
    return found.values, places(found.indices)


def sorts():
    op = "tensor:sort"
    for title, shape in SHAPES.items():
        yield Case(op, title, "a:sort()", lambda a: both(torch.sort(a)), {"a": real(shape)})
    for options, down in (("", False), (", {descending = true}", True)):
        how = "down" if down else "up"
        yield Case(op, f"dimension 1, {how}", f"a:sort(1{options})",
                   lambda a, d=down: both(torch.sort(a, 0, descending=d)), {"a": real("4x3")})
        yield Case(op, f"middle of a cube, {how}", f"a:sort(2{options})",
                   lambda a, d=down: both(torch.sort(a, 1, descending=d)), {"a": real("2x3x2")})
        yield Case(op, f"transpose, {how}", f"a:t():sort(2{options})",
                   lambda a, d=down: both(torch.sort(a.t(), 1, descending=d)),
                   {"a": real("4x3")})
        yield Case(op, f"equals keep their order, {how}", f"a:sort(1{options})",
                   lambda a, d=down: both(torch.sort(a, dim=0, descending=d, stable=True)),
                   {"a": given("8", [2, 1, 2, 1, 3, 2, 1, 3])})
        yield Case(op, f"special values, {how}", f"a:sort(1{options})",
                   lambda a, d=down: both(torch.sort(a, dim=0, descending=d, stable=True)),
                   {"a": given("7", [1, math.nan, -math.inf, math.inf, 0, math.nan, -2])}, ())


def largest():
    op = "tensor:topk"
    yield Case(op, "vector", "a:topk(3)", lambda a: both(torch.topk(a, 3)), {"a": real("6")})
    yield Case(op, "dimension 1", "a:topk(2, 1)", lambda a: both(torch.topk(a, 2, 0)),
               {"a": real("4x3")})
    yield Case(op, "middle of a cube", "a:topk(2, 2)", lambda a: both(torch.topk(a, 2, 1)),
               {"a": real("2x3x2")})
    yield Case(op, "transpose", "a:t():topk(2, 2)", lambda a: both(torch.topk(a.t(), 2, 1)),
               {"a": real("3x4")})
    yield Case(op, "all", "a:topk(4)", lambda a: both(torch.topk(a, 4)), {"a": real("4")})
    yield Case(op, "smallest", "a:topk(2, 1, {smallest = true})",
               lambda a: both(torch.topk(a, 2, 0, largest=False)), {"a": real("4x3")})
    yield Case(op, "none", "a:topk(0)", lambda a: both(torch.topk(a, 0)), {"a": real("4")})
    yield Case(op, "NaN is the largest", "a:topk(2)", lambda a: both(torch.topk(a, 2)),
               {"a": given("4", [1, math.nan, math.inf, 2])}, ())


def medians():
    op = "tensor:median"
    for title, shape in {"number": "-", "vector": "5", "matrix": "3x3"}.items():
        yield Case(op, title, "a:median()", torch.median, {"a": real(shape)})
    yield Case(op, "of an even number, the lower one", "a:median()", torch.median,
               {"a": real("6")})
    yield Case(op, "dimension 1", "a:median(1)", lambda a: both(torch.median(a, 0)),
               {"a": real("5x2")})
    yield Case(op, "dimension 2, even", "a:median(2)", lambda a: both(torch.median(a, 1)),
               {"a": real("3x4")})
    yield Case(op, "cube, kept", "a:median(2, {keep = true})",
               lambda a: both(torch.median(a, 1, keepdim=True)), {"a": real("2x3x2")})
    yield Case(op, "transpose", "a:t():median(2)", lambda a: both(torch.median(a.t(), 1)),
               {"a": real("3x4")})
    yield Case(op, "NaN", "a:median()", torch.median, {"a": given("3", [1, math.nan, 2])}, ())


def running():
    for name, f in {"cumsum": torch.cumsum, "cumprod": torch.cumprod}.items():
        op = f"tensor:{name}"
        yield Case(op, "vector", f"a:{name}(1)", lambda a, f=f: f(a, 0), {"a": real("6")})
        yield Case(op, "dimension 1", f"a:{name}(1)", lambda a, f=f: f(a, 0), {"a": real("3x2")})
        yield Case(op, "dimension 2", f"a:{name}(2)", lambda a, f=f: f(a, 1), {"a": real("2x4")})
        yield Case(op, "middle of a cube", f"a:{name}(2)", lambda a, f=f: f(a, 1),
                   {"a": real("2x3x2")})
        yield Case(op, "transpose", f"a:t():{name}(1)", lambda a, f=f: f(a.t(), 0),
                   {"a": real("2x3")})
        yield Case(op, "empty", f"a:{name}(1)", lambda a, f=f: f(a, 0), {"a": real("0x3")})
        yield Case(op, "special values", f"a:{name}(2)", lambda a, f=f: f(a, 1),
                   {"a": given("3x4", [1, math.inf, 2, -math.inf, 2, math.nan, 1, 1,
                                       2.0**127, 2.0**127, 0, 1])}, ())
    yield Case("tensor:cumprod", "with zeros", "a:cumprod(2)", lambda a: torch.cumprod(a, 1),
               {"a": given("3x4", [2, 0, -3, 0.5, 0, 2, 0, 3, 1.5, 2, -1, 0])})


def cases():
    yield from sorts()
    yield from largest()
    yield from medians()
    yield from running()
