"""Functions of one number, of two, comparisons, where."""

import math

import torch
from torch.nn.functional import gelu, relu, silu, softplus

from .case import SPECIAL, Case, given, mask, real

# name: function, interval of the inputs, kinks
UNARY = {
    "neg": (torch.neg, -2, 2),
    "abs": (torch.abs, -2, 2, 0),
    "sign": (torch.sign, -2, 2, 0),
    "exp": (torch.exp, -4, 4),
    "expm1": (torch.expm1, -4, 4),
    "log": (torch.log, 0.125, 6),
    "log1p": (torch.log1p, -0.75, 4),
    "sqrt": (torch.sqrt, 0.125, 6),
    "rsqrt": (torch.rsqrt, 0.125, 6),
    "sin": (torch.sin, -8, 8),
    "cos": (torch.cos, -8, 8),
    "tan": (torch.tan, -1.25, 1.25),
    "asin": (torch.asin, -0.9375, 0.9375),
    "acos": (torch.acos, -0.9375, 0.9375),
    "atan": (torch.atan, -6, 6),
    "sinh": (torch.sinh, -4, 4),
    "cosh": (torch.cosh, -4, 4),
    "tanh": (torch.tanh, -4, 4),
    "sigmoid": (torch.sigmoid, -6, 6),
    "erf": (torch.erf, -3, 3),
    "relu": (relu, -2, 2, 0),
    "gelu": (gelu, -4, 4),
    "silu": (silu, -6, 6),
    "softplus": (lambda x: softplus(x, threshold=1000), -6, 6),
    "floor": (torch.floor, -3, 3, *range(-3, 4)),
    "ceil": (torch.ceil, -3, 3, *range(-3, 4)),
    "round": (torch.round, -3, 3, *(k + 0.5 for k in range(-4, 4))),
}

# Special values for which nabla answers otherwise, and why. A slope of NaN is NaN, and so is the
# sign of NaN (NumPy's too; PyTorch says 0). relu's slope is 0 wherever its value is not above 0, as
# NaN is not. gelu and silu and their slopes have limits at infinity (PyTorch: 0 times infinity).
DEPARTURES = {"abs": [math.nan], "sign": [math.nan], "relu": [math.nan],
              "gelu": [math.inf, -math.inf], "silu": [math.inf, -math.inf]}


def special_for(name):
    """Of the same length for all; NaN is none of the values that `in` finds by ==."""
    left_out = [repr(x) for x in DEPARTURES.get(name, ())]
    return [0.5 if repr(x) in left_out else x for x in SPECIAL]


def unary():
    for name, (f, low, high, *avoid) in UNARY.items():
        op = f"tensor:{name}"
        for title, shape in {"number": "-", "vector": "5", "matrix": "2x3", "cube": "2x2x2",
                             "empty": "0x3"}.items():
            yield Case(op, title, f"a:{name}()", f, {"a": real(shape, low, high, avoid)})
        yield Case(op, "of a transpose", f"a:t():{name}()", lambda a, f=f: f(a.t()),
                   {"a": real("2x3", low, high, avoid)})
        yield Case(op, "of every other column", f"a[{{ {{}}, {{1, 5, 2}} }}]:{name}()",
                   lambda a, f=f: f(a[:, ::2]), {"a": real("2x5", low, high, avoid)})
        yield Case(op, "of special values", f"a:{name}()", f, {"a": given("10", special_for(name))})
    yield Case("tensor:neg", "operator", "-a", torch.neg, {"a": real("3")})
    halves = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]
    yield Case("tensor:round", "halves", "a:round()", torch.round, {"a": given("6", halves)}, ())
    far = [1e3, -1e4, 1e5, 3e7, -1e10]
    for name in ("sin", "cos", "tan"):
        yield Case(f"tensor:{name}", "far from zero", f"a:{name}()", UNARY[name][0],
                   {"a": given("5", far)})
    yield Case("tensor:expm1", "near zero", "a:expm1()", torch.expm1,
               {"a": given("3", [2.0**-30, -(2.0**-40), 2.0**-60])})
    yield Case("tensor:log1p", "near zero", "a:log1p()", torch.log1p,
               {"a": given("3", [2.0**-30, -(2.0**-40), 2.0**-60])})
    for name in ("asin", "acos"):
        yield Case(f"tensor:{name}", "at the ends and beyond", f"a:{name}()", UNARY[name][0],
                   {"a": given("6", [-1.5, -1, -1 + 2.0**-20, 1 - 2.0**-20, 1, 1.5])})
    for name in ("atan", "erf", "tanh", "sigmoid", "gelu", "silu", "softplus"):
        yield Case(f"tensor:{name}", "saturated", f"a:{name}()", UNARY[name][0],
                   {"a": given("6", [-50, -30, -12, 12, 30, 50])})


def clamp():
    def f(a):
        return torch.clamp(a, -1, 1.5)

    kinks = (-1, 1.5)
    for title, shape in {"number": "-", "vector": "7", "matrix": "2x3", "empty": "0x3"}.items():
        yield Case("tensor:clamp", title, "a:clamp(-1, 1.5)", f, {"a": real(shape, -3, 3, kinks)})
    yield Case("tensor:clamp", "of a transpose", "a:t():clamp(-1, 1.5)", lambda a: f(a.t()),
               {"a": real("2x3", -3, 3, kinks)})
    yield Case("tensor:clamp", "of special values", "a:clamp(-1, 1.5)", f,
               {"a": given("10", SPECIAL)})


# name: function, operator or None, interval of a, interval of b
BINARY = {
    "add": (torch.add, "+", (-2, 2), (-2, 2)),
    "sub": (torch.sub, "-", (-2, 2), (-2, 2)),
    "mul": (torch.mul, "*", (-2, 2), (-2, 2)),
    "div": (torch.div, "/", (-2, 2), (0.25, 2)),
    "pow": (torch.pow, "^", (0.25, 2), (-2, 2)),
    "maximum": (torch.maximum, None, (-2, 2), (-2, 2)),
    "minimum": (torch.minimum, None, (-2, 2), (-2, 2)),
}

PAIRS = {"numbers": ("-", "-"), "vectors": ("4", "4"), "matrices": ("2x3", "2x3"),
         "a row below": ("2x3", "3"), "a row above": ("3", "2x3"), "a column": ("2x3", "2x1"),
         "row and column": ("1x3", "2x1"), "a number below": ("2x2", "-"),
         "a cube": ("2x2x2", "2x1"), "empty": ("0x3", "3")}

# Every pair of these, as a column against a row.
EDGES = [math.inf, -math.inf, math.nan, 0.0, -0.0, 1.0, -2.0, 2.0**-149, 2.0**127]


def binary():
    for name, (f, operator, of_a, of_b) in BINARY.items():
        op = f"tensor:{name}"
        written = f"a:{name}(b)"

        def pair(one, two, of_a=of_a, of_b=of_b):
            return {"a": real(one, *of_a), "b": real(two, *of_b, shift=1 / 128)}

        for title, (one, two) in PAIRS.items():
            yield Case(op, title, written, f, pair(one, two))
        yield Case(op, "a transpose beside a matrix", f"a:t():{name}(b)",
                   lambda a, b, f=f: f(a.t(), b), pair("2x3", "3x2"))
        yield Case(op, "with a transpose", f"a:{name}(b:t())", lambda a, b, f=f: f(a, b.t()),
                   pair("3x2", "2x3"))
        yield Case(op, "with a plain number", f"a:{name}(1.25)",
                   lambda a, f=f: f(a, torch.tensor(1.25)), {"a": real("3", *of_a, shift=1 / 128)})
        if operator:
            yield Case(op, "operator", f"a {operator} b", f, pair("2x2", "2"))
            yield Case(op, "operator, a number on the left", f"1.5 {operator} b",
                       lambda b, f=f: f(torch.tensor(1.5), b), {"b": real("3", *of_b)})
        yield Case(op, "of special values", written, f,
                   {"a": given("9x1", EDGES), "b": given("9", EDGES)}, ())


def powers():
    for exponent in (2, 3, 0.5, -1, 1, 0, -0.5, 2.75):
        yield Case("tensor:pow", f"to {exponent}", f"a ^ {exponent}",
                   lambda a, e=exponent: torch.pow(a, e), {"a": real("5", 0.25, 4)})
    yield Case("tensor:pow", "of negative numbers", "a:pow(b)", torch.pow,
               {"a": given("5", [-2, -1.5, -0.5, -3, -2.5]), "b": given("5", [2, 3, -1, 0, -3])},
               ("a",))
    yield Case("tensor:pow", "slope of the base at 0", "a ^ 2", lambda a: torch.pow(a, 2),
               {"a": given("2", [0, -1])})
    yield Case("tensor:pow", "slope of the exponent at a base of 0", "a:pow(b)", torch.pow,
               {"a": given("5", [0] * 5), "b": given("5", [2, 0.5, 0, -2, -math.inf])}, ("b",))


def comparisons():
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        f = getattr(torch, name)
        op = f"tensor:{name}"
        some = [1, 2, 3, 3, 2, 1]
        yield Case(op, "numbers", f"a:{name}(b)", f, {"a": real("-"), "b": real("-")}, ())
        yield Case(op, "matrices", f"a:{name}(b)", f,
                   {"a": given("2x3", some), "b": given("2x3", some[::-1])}, ())
        yield Case(op, "row and column", f"a:{name}(b)", f,
                   {"a": given("1x3", some[:3]), "b": given("2x1", [3, 2])}, ())
        yield Case(op, "with a transpose", f"a:{name}(b:t())", lambda a, b, f=f: f(a, b.t()),
                   {"a": given("3x2", some), "b": given("2x3", some)}, ())
        yield Case(op, "with a plain number", f"a:{name}(2)", lambda a, f=f: f(a, 2),
                   {"a": given("3x2", some)}, ())
        yield Case(op, "empty", f"a:{name}(b)", f, {"a": real("0x3"), "b": real("3")}, ())
        yield Case(op, "of special values", f"a:{name}(b)", f,
                   {"a": given("9x1", EDGES), "b": given("9", EDGES)}, ())


def where():
    def f(c, a, b):
        return torch.where(c.bool(), a, b)

    shapes = {"numbers": ("-", "-", "-"), "vectors": ("5", "5", "5"),
              "matrices": ("2x3", "2x3", "2x3"), "a row of conditions": ("3", "2x3", "2x3"),
              "row, column": ("2x3", "3", "2x1"), "conditions widen": ("2x3", "-", "-"),
              "a cube": ("2x2x2", "2", "2x1"), "empty": ("0x3", "3", "-")}
    for title, (c, a, b) in shapes.items():
        yield Case("tensor:where", title, "tensor.where(c, a, b)", f,
                   {"c": mask(c), "a": real(a), "b": real(b)})
    yield Case("tensor:where", "transposes", "c:t():where(a, b:t())",
               lambda c, a, b: f(c.t(), a, b.t()),
               {"c": mask("2x3"), "a": real("3x2"), "b": real("2x3")})
    yield Case("tensor:where", "a plain number", "c:where(a, 7)",
               lambda c, a: torch.where(c.bool(), a, torch.tensor(7.0)),
               {"c": mask("4"), "a": real("4")})
    yield Case("tensor:where", "NaN that is not taken", "c:where(a, b)", f,
               {"c": given("3", [1, 0, 1], torch.uint8),
                "a": given("3", [1, math.nan, math.inf]), "b": given("3", [math.nan, 2, 3])})


def lerps():
    op = "tensor:lerp"
    for title, (a, b) in {"numbers": ("-", "-"), "vectors": ("4", "4"), "a row": ("2x3", "3"),
                          "a column": ("3", "2x1"), "empty": ("0x3", "3")}.items():
        yield Case(op, title, "a:lerp(b, 0.25)", lambda a, b: torch.lerp(a, b, 0.25),
                   {"a": real(a), "b": real(b)})
        yield Case(op, f"{title}, beyond the end", "a:lerp(b, 1.5)",
                   lambda a, b: torch.lerp(a, b, 1.5), {"a": real(a), "b": real(b)})
    yield Case(op, "a tensor of weights", "a:lerp(b, c)", torch.lerp,
               {"a": real("2x3"), "b": real("2x3"), "c": real("2x3", 0, 1)})
    yield Case(op, "a row of weights", "a:lerp(b, c)", torch.lerp,
               {"a": real("2x3"), "b": real("2x3"), "c": real("3", 0, 1)})
    yield Case(op, "transposes", "a:t():lerp(b:t(), 0.75)",
               lambda a, b: torch.lerp(a.t(), b.t(), 0.75), {"a": real("2x3"), "b": real("2x3")})
    yield Case(op, "both ends", "a:lerp(b, c)", torch.lerp,
               {"a": given("2", [1 / 64, 3]), "b": given("2", [1000, -7]),
                "c": given("2", [0, 1])})


def cases():
    yield from lerps()
    yield from unary()
    yield from clamp()
    yield from binary()
    yield from powers()
    yield from comparisons()
    yield from where()
