"""Reductions over one dimension, several or all; softmax and its kind."""

import math

import torch

from .case import Case, given, places, real

SHAPES = {"number": "-", "vector": "5", "matrix": "2x3", "cube": "2x3x2"}

# Rows with what a sum or an extreme may trip over.
ROWS = [math.inf, 1, 2, -math.inf, 1, 2, math.nan, 1, 2, math.inf, -math.inf, 0, 1, math.nan, 3,
        2.0**127, 2.0**127, 1, 2.0**-149, 2.0**-149, 0]


def sums():
    for name, f in {"sum": torch.sum, "mean": torch.mean}.items():
        op = f"tensor:{name}"
        for title, shape in {**SHAPES, "empty": "0x3"}.items():
            yield Case(op, title, f"a:{name}()", f, {"a": real(shape)})
        yield Case(op, "over dimension 1", f"a:{name}(1)", lambda a, f=f: f(a, 0),
                   {"a": real("2x3")})
        yield Case(op, "over dimension 2 of a transpose", f"a:t():{name}(2)",
                   lambda a, f=f: f(a.t(), 1), {"a": real("2x3")})
        yield Case(op, "over the last dimension, kept", f"a:{name}(-1, {{keep = true}})",
                   lambda a, f=f: f(a, -1, keepdim=True), {"a": real("2x3")})
        yield Case(op, "over dimensions 1 and 3", f"a:{name}(1, 3)",
                   lambda a, f=f: f(a, (0, 2)), {"a": real("2x3x2")})
        yield Case(op, "over dimensions 2 and 3, kept", f"a:{name}(3, 2, {{keep = true}})",
                   lambda a, f=f: f(a, (1, 2), keepdim=True), {"a": real("2x3x2")})
        yield Case(op, "of a permuted cube", f"a:permute(3, 1, 2):{name}(2)",
                   lambda a, f=f: f(a.permute(2, 0, 1), 1), {"a": real("2x3x2")})
        yield Case(op, "of a row that is expanded", f"a:expand(3, 4):{name}(1)",
                   lambda a, f=f: f(a.expand(3, 4), 0), {"a": real("4")})
        yield Case(op, "over an empty dimension", f"a:{name}(1)", lambda a, f=f: f(a, 0),
                   {"a": real("0x3")})
        yield Case(op, "beside an empty dimension", f"a:{name}(2)", lambda a, f=f: f(a, 1),
                   {"a": real("0x3")})
        yield Case(op, "of special values", f"a:{name}(2)", lambda a, f=f: f(a, 1),
                   {"a": given("7x3", ROWS)})


def extremes():
    for name, f, arg in (("max", torch.max, torch.argmax), ("min", torch.min, torch.argmin)):

        def both(a, dim, keep=False, f=f):
            found = f(a, dim, keepdim=keep)
            return found.values, places(found.indices)

        op = f"tensor:{name}"
        for title, shape in SHAPES.items():
            yield Case(op, title, f"a:{name}()", f, {"a": real(shape)})
        yield Case(op, "along dimension 1", f"a:{name}(1)", lambda a, g=both: g(a, 0),
                   {"a": real("3x4")})
        yield Case(op, "along dimension 2 of a transpose", f"a:t():{name}(2)",
                   lambda a, g=both: g(a.t(), 1), {"a": real("3x4")})
        yield Case(op, "along dimension 2 of a cube, kept", f"a:{name}(2, {{keep = true}})",
                   lambda a, g=both: g(a, 1, True), {"a": real("2x3x2")})
        several = {"max": torch.amax, "min": torch.amin}[name]
        yield Case(op, "over dimensions 1 and 3", f"a:{name}(1, 3)",
                   lambda a, f=several: f(a, (0, 2)), {"a": real("2x3x2")})
        yield Case(op, "over dimensions 2 and 3 of a permuted cube, kept",
                   f"a:permute(3, 1, 2):{name}(2, 3, {{keep = true}})",
                   lambda a, f=several: f(a.permute(2, 0, 1), (1, 2), keepdim=True),
                   {"a": real("2x3x2")})
        yield Case(op, "beside an empty dimension", f"a:{name}(2)", lambda a, g=both: g(a, 1),
                   {"a": real("0x3")})
        yield Case(op, "of special values", f"a:{name}(2)", lambda a, g=both: g(a, 1),
                   {"a": given("7x3", ROWS)}, ())
        op = f"tensor:arg{name}"
        for title, shape in SHAPES.items():
            yield Case(op, title, f"a:arg{name}()", lambda a, g=arg: g(a).item() + 1,
                       {"a": real(shape)}, ())
        yield Case(op, "along dimension 1", f"a:arg{name}(1)",
                   lambda a, g=arg: places(g(a, 0)), {"a": real("3x4")}, ())
        yield Case(op, "along dimension 2 of a cube, kept", f"a:arg{name}(2, {{keep = true}})",
                   lambda a, g=arg: places(g(a, 1, keepdim=True)), {"a": real("2x3x2")}, ())
        yield Case(op, "of a transpose", f"a:t():arg{name}(2)",
                   lambda a, g=arg: places(g(a.t(), 1)), {"a": real("3x4")}, ())
        yield Case(op, "of equals", f"a:arg{name}(1)", lambda a, g=arg: places(g(a, 0)),
                   {"a": given("2x2", [1, 1, 1, 1])}, ())


# Softmax and log_softmax give NaN where infinities meet, here as there.
def rows():
    plain = {"softmax": torch.softmax, "log_softmax": torch.log_softmax,
             "logsumexp": torch.logsumexp}
    for name, f in plain.items():
        op = f"tensor:{name}"
        for title, shape in SHAPES.items():
            dim = "" if shape == "-" else "-1"
            yield Case(op, title, f"a:{name}({dim})", lambda a, f=f: f(a, -1),
                       {"a": real(shape, -6, 6)})
        yield Case(op, "over dimension 1", f"a:{name}(1)", lambda a, f=f: f(a, 0),
                   {"a": real("3x4", -6, 6)})
        yield Case(op, "over dimension 2 of a cube", f"a:{name}(2)", lambda a, f=f: f(a, 1),
                   {"a": real("2x3x2", -6, 6)})
        yield Case(op, "of a transpose", f"a:t():{name}(2)", lambda a, f=f: f(a.t(), 1),
                   {"a": real("2x3", -6, 6)})
        yield Case(op, "of a transpose over dimension 1", f"a:t():{name}(1)",
                   lambda a, f=f: f(a.t(), 0), {"a": real("2x3", -6, 6)})
        yield Case(op, "empty", f"a:{name}(2)", lambda a, f=f: f(a, 1), {"a": real("0x3")})
        yield Case(op, "of large numbers", f"a:{name}(2)", lambda a, f=f: f(a, 1),
                   {"a": given("3x3", [1000, 1001, 999, -2000, -2001, -1990, 3e4, 0, -3e4])})
        yield Case(op, "of special values", f"a:{name}(2)", lambda a, f=f: f(a, 1),
                   {"a": given("8x3", ROWS + [-math.inf] * 3)}, ())
        yield Case(op, "gradient beside minus infinity", f"a:{name}(2)",
                   lambda a, f=f: f(a, 1), {"a": given("1x3", [-math.inf, 1, 2])})
    for name in ("softmax", "log_softmax"):
        yield Case(f"tensor:{name}", "over the last dimension", f"a:{name}()",
                   lambda a, f=plain[name]: f(a, -1), {"a": real("2x3", -6, 6)})
    op = "tensor:logsumexp"
    for title, shape in {"all of a matrix": "2x3", "all of a vector": "5"}.items():
        yield Case(op, title, "a:logsumexp()", lambda a: torch.logsumexp(a.flatten(), 0),
                   {"a": real(shape, -6, 6)})
    yield Case(op, "over dimensions 1 and 3", "a:logsumexp(1, 3)",
               lambda a: torch.logsumexp(a, (0, 2)), {"a": real("2x3x2", -6, 6)})
    yield Case(op, "over an empty dimension", "a:logsumexp(1)", lambda a: torch.logsumexp(a, 0),
               {"a": real("0x3")})
    yield Case(op, "gradient of nearby large numbers", "a:logsumexp(2)",
               lambda a: torch.logsumexp(a, 1),
               {"a": given("2x3", [10000, 10000.5, 9998.75, -30000.25, -30000, -30001.5])})
    yield Case(op, "kept", "a:logsumexp(1, {keep = true})",
               lambda a: torch.logsumexp(a, 0, keepdim=True), {"a": real("3x4", -6, 6)})


def cases():
    yield from sums()
    yield from extremes()
    yield from rows()
