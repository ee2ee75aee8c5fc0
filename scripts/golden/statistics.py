"""Products, deviations, norms, histograms."""

import math

import torch

from .case import SPECIAL, Case, given, real

SHAPES = {"number": "-", "vector": "5", "matrix": "2x3", "cube": "2x3x2"}


def over_dims(op, name, f, low=-2, high=2, options=""):
    """f(x, dim, keepdim) where dim is a number."""
    more = f", {{{options}}}" if options else ""
    kept = f"{{keep = true{', ' if options else ''}{options}}}"
    yield Case(op, "over dimension 1" + more, f"a:{name}(1{more})", lambda a: f(a, 0, False),
               {"a": real("3x4", low, high)})
    yield Case(op, "over dimension 2 of a transpose" + more, f"a:t():{name}(2{more})",
               lambda a: f(a.t(), 1, False), {"a": real("3x4", low, high)})
    yield Case(op, "kept, of a cube" + more, f"a:{name}(2, {kept})", lambda a: f(a, 1, True),
               {"a": real("2x3x2", low, high)})


def products():
    op = "tensor:prod"
    for title, shape in {**SHAPES, "empty": "0x3"}.items():
        yield Case(op, title, "a:prod()", torch.prod, {"a": real(shape)})
    yield from over_dims(op, "prod", lambda x, dim, keep: torch.prod(x, dim, keepdim=keep))
    yield Case(op, "over dimensions 1 and 3", "a:prod(1, 3)",
               lambda a: a.prod(2).prod(0), {"a": real("2x3x2")})
    yield Case(op, "over an empty dimension", "a:prod(1)", lambda a: torch.prod(a, 0),
               {"a": real("0x3")})
    yield Case(op, "with zeros", "a:prod(2)", lambda a: torch.prod(a, 1),
               {"a": given("3x3", [2, 0, -3, 0, 1.5, 0, 2, -0.5, 4])})
    yield Case(op, "with one zero among all", "a:prod()", torch.prod,
               {"a": given("2x2", [2, 0, -3, 0.5])})
    yield Case(op, "of special values", "a:prod(2)", lambda a: torch.prod(a, 1),
               {"a": given("4x2", [math.inf, 2, math.inf, 0, math.nan, 1, 2.0**127, 2.0**127])},
               ())


def deviations():
    for name, f in {"var": torch.var, "std": torch.std}.items():
        op = f"tensor:{name}"
        for title in ("vector", "matrix", "cube"):
            yield Case(op, title, f"a:{name}()", f, {"a": real(SHAPES[title])})
        for correction in (0, 1, 2):
            yield from over_dims(
                op, name,
                lambda x, dim, keep, f=f, c=correction: f(x, dim, correction=c, keepdim=keep),
                options="" if correction == 1 else f"correction = {correction}")
        yield Case(op, "over dimensions 1 and 3", f"a:{name}(1, 3)",
                   lambda a, f=f: f(a, (0, 2)), {"a": real("2x3x2")})
        yield Case(op, "of all, without correction", f"a:{name}({{correction = 0}})",
                   lambda a, f=f: f(a, None, correction=0), {"a": real("2x3")})
        yield Case(op, "of nearly equal numbers", f"a:{name}()", f,
                   {"a": given("4", [2048, 2048.25, 2048.5, 2047.75])})
        yield Case(op, "of one number", f"a:{name}()", f, {"a": real("1")}, ())
        yield Case(op, "of special values", f"a:{name}(2)", lambda a, f=f: f(a, 1),
                   {"a": given("3x3", [math.inf, 1, 2, math.nan, 1, 2, -math.inf, math.inf, 0])},
                   ())


def norms():
    op = "tensor:norm"
    norm = torch.linalg.vector_norm
    for title, shape in {**SHAPES, "empty": "0x3"}.items():
        yield Case(op, title, "a:norm()", norm, {"a": real(shape)})
    for p in ("", 1, 3, 2.5, "inf"):
        written = "math.huge" if p == "inf" else p
        yield from over_dims(op, "norm",
                             lambda x, dim, keep, p=float(p or 2): norm(x, p, dim, keep),
                             options=f"p = {written}" if p else "")
    for p, number in (("-math.huge", -math.inf), ("0.5", 0.5)):
        yield Case(op, f"p = {p}", f"a:norm({{p = {p}}})", lambda a, p=number: norm(a, p),
                   {"a": real("4", 1, 4)})
    yield Case(op, "p = 0", "a:norm({p = 0})", lambda a: norm(a, 0),
               {"a": given("4", [3, -4, 0, 1])}, ())
    yield Case(op, "over dimensions 1 and 3", "a:norm(1, 3)", lambda a: norm(a, 2, (0, 2)),
               {"a": real("2x3x2")})
    yield Case(op, "of zeros", "a:norm()", norm, {"a": given("3", [0, 0, 0])})
    yield Case(op, "of large and small numbers", "a:norm(2)", lambda a: norm(a, 2, 1),
               {"a": given("2x2", [2.0**120, 2.0**121, 2.0**-120, 2.0**-121])})
    yield Case(op, "of special values", "a:norm(2)", lambda a: norm(a, 2, 1),
               {"a": given("3x2", [math.inf, 1, math.nan, 1, -math.inf, math.inf])}, ())


def histograms():
    numbers = [0, 0.5, 1, 1.5, 2, 3.75, 4, 4, -1, 7, 0.25, 2.5]

    def f(bins, low, high):
        return lambda a: torch.histogram(a.flatten(), bins, range=(low, high))

    op = "tensor:histogram"
    yield Case(op, "between ends", "counts:to(dtype), edges", f(4, 0, 4),
               {"a": given("3x4", numbers)}, (),
               ("counts, edges = a:histogram(4, {min = 0, max = 4})",))
    yield Case(op, "of all there is", "counts:to(dtype), edges", f(5, -1, 7),
               {"a": given("12", numbers)}, (), ("counts, edges = a:histogram(5)",))
    yield Case(op, "of a transpose", "counts:to(dtype), edges", f(2, -2, 2), {"a": real("3x4")},
               (), ("counts, edges = a:t():histogram(2, {min = -2, max = 2})",))


def truths():
    tables = {"vector": ("4", [0, 1, 2, 0]), "all": ("3", [1, -1, 0.5]), "none": ("2", [0, -0.0]),
              "matrix": ("2x3", [0, 1, 2, 3, 4, 5]), "number": ("-", [3]), "empty": ("0x3", []),
              "NaN": ("2", [0, math.nan])}
    for name, f in {"all": torch.all, "any": torch.any}.items():
        op = f"tensor:{name}"
        for title, (shape, numbers) in tables.items():
            yield Case(op, title, f"a:{name}()", lambda a, f=f: bool(f(a.bool())),
                       {"a": given(shape, numbers)}, ())
        some = given("2x3", [0, 1, 2, 0, 0, 3])
        yield Case(op, "over dimension 1", f"a:{name}(1)", lambda a, f=f: f(a.bool(), 0),
                   {"a": some}, ())
        yield Case(op, "over dimension 1 of a transpose, kept",
                   f"a:t():{name}(1, {{keep = true}})",
                   lambda a, f=f: f(a.t().bool(), 0, keepdim=True), {"a": some}, ())
        yield Case(op, "of a comparison", f"a:gt(1):{name}(2)", lambda a, f=f: f(a > 1, 1),
                   {"a": some}, ())
    for name in ("isnan", "isfinite"):
        f = getattr(torch, name)
        yield Case(f"tensor:{name}", "special values", f"a:{name}()", f,
                   {"a": given("10", SPECIAL)}, ())
        yield Case(f"tensor:{name}", "transpose", f"a:t():{name}()", lambda a, f=f: f(a.t()),
                   {"a": given("2x2", [math.nan, 1, math.inf, 2])}, ())
        yield Case(f"tensor:{name}", "empty", f"a:{name}()", f, {"a": real("0x3")}, ())
    one, two = [1, 2, 3, 4], [1, 2, 3, 4.5]
    for title, a, b, change in (
        ("the same", ("4", one), ("4", one), ""), ("one differs", ("4", one), ("4", two), ""),
        ("other shapes", ("2x2", one), ("4", one), ""),
        ("transposes", ("2x2", one), ("2x2", [1, 3, 2, 4]), ":t()"),
        ("NaN", ("1", [math.nan]), ("1", [math.nan]), ""), ("empty", ("0x3", []), ("0x3", []), ""),
    ):
        yield Case("tensor:equal", title, f"a:equal(b{change})",
                   lambda a, b, t=change: torch.equal(a, b.t() if t else b),
                   {"a": given(*a), "b": given(*b)}, ())
    near = [x * (1 + 2.0**-18) for x in one]
    for title, a, b, options, more in (
        ("near", one, near, "", {}), ("far", one, two, "", {}),
        ("far but allowed", one, two, ", {rtol = 0, atol = 0.5}", {"rtol": 0, "atol": 0.5}),
        ("near but forbidden", one, near, ", {rtol = 0, atol = 0}", {"rtol": 0, "atol": 0}),
        ("infinities", [math.inf, -math.inf], [math.inf, -math.inf], "", {}),
        ("opposite infinities", [math.inf], [-math.inf], "", {}),
        ("NaN", [math.nan], [math.nan], "", {}),
        ("NaN allowed", [math.nan], [math.nan], ", {nan = true}", {"equal_nan": True}),
    ):
        yield Case("tensor:allclose", title, f"a:allclose(b{options})",
                   lambda a, b, o=more: torch.allclose(a, b, **o),
                   {"a": given(str(len(a)), a), "b": given(str(len(b)), b)}, ())


def cases():
    yield from products()
    yield from deviations()
    yield from norms()
    yield from histograms()
    yield from truths()
