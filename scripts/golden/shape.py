"""Other shapes of the same elements, parts of them, tensors put together."""

import torch

from .case import Case, real

# name, title, lua, function, shape of a
ONE = (
    ("reshape", "matrix", "a:reshape(3, 2)", lambda a: a.reshape(3, 2), "2x3"),
    ("reshape", "size left open", "a:reshape(-1, 2)", lambda a: a.reshape(-1, 2), "2x2x3"),
    ("reshape", "transpose", "a:t():reshape(6)", lambda a: a.t().reshape(6), "2x3"),
    ("reshape", "number", "a:reshape(1, 1)", lambda a: a.reshape(1, 1), "-"),
    ("reshape", "empty", "a:reshape(3, 0)", lambda a: a.reshape(3, 0), "0x3"),
    ("flatten", "number", "a:flatten()", lambda a: a.flatten(), "-"),
    ("flatten", "cube", "a:flatten()", lambda a: a.flatten(), "2x2x3"),
    ("flatten", "transpose", "a:t():flatten()", lambda a: a.t().flatten(), "2x3"),
    ("flatten", "empty", "a:flatten()", lambda a: a.flatten(), "0x3"),
    ("t", "vector", "a:t()", lambda a: a.t(), "3"),
    ("t", "matrix", "a:t()", lambda a: a.t(), "2x3"),
    ("t", "batch", "a:t()", lambda a: a.transpose(-1, -2), "2x2x3"),
    ("t", "twice, of a part", "a[{ {}, {2, 3} }]:t():t()", lambda a: a[:, 1:3], "2x3"),
    ("permute", "cube", "a:permute(3, 1, 2)", lambda a: a.permute(2, 0, 1), "2x3x2"),
    ("permute", "matrix", "a:permute(2, 1)", lambda a: a.permute(1, 0), "2x3"),
    ("permute", "cube, from the end", "a:permute(-1, 2, 1)", lambda a: a.permute(2, 1, 0),
     "2x1x3"),
    ("expand", "vector", "a:expand(2, 3)", lambda a: a.expand(2, 3), "3"),
    ("expand", "column", "a:expand(2, 3)", lambda a: a.expand(2, 3), "2x1"),
    ("expand", "number", "a:expand(2, 2)", lambda a: a.expand(2, 2), "-"),
    ("expand", "to nothing", "a:expand(0, 3)", lambda a: a.expand(0, 3), "3"),
    ("narrow", "vector", "a:narrow(1, 2, 3)", lambda a: a.narrow(0, 1, 3), "5"),
    ("narrow", "columns", "a:narrow(2, 1, 2)", lambda a: a.narrow(1, 0, 2), "2x3"),
    ("narrow", "transpose", "a:t():narrow(1, 2, 2)", lambda a: a.t().narrow(0, 1, 2), "2x3"),
    ("narrow", "nothing", "a:narrow(1, 2, 0)", lambda a: a.narrow(0, 1, 0), "3x2"),
    ("select", "vector", "a:select(1, 3)", lambda a: a.select(0, 2), "4"),
    ("select", "last column", "a:select(2, -1)", lambda a: a.select(1, -1), "2x3"),
    ("select", "transpose", "a:t():select(2, 2)", lambda a: a.t().select(1, 1), "2x3"),
    ("select", "cube", "a:select(2, 2)", lambda a: a.select(1, 1), "2x3x2"),
    ("squeeze", "all", "a:squeeze()", lambda a: a.squeeze(), "1x3x1"),
    ("squeeze", "one", "a:squeeze(3)", lambda a: a.squeeze(2), "1x3x1"),
    ("squeeze", "not of size 1", "a:squeeze(2)", lambda a: a.squeeze(1), "1x3x1"),
    ("unsqueeze", "number", "a:unsqueeze(1)", lambda a: a.unsqueeze(0), "-"),
    ("unsqueeze", "in front", "a:unsqueeze(1)", lambda a: a.unsqueeze(0), "2x3"),
    ("unsqueeze", "in the middle", "a:unsqueeze(2)", lambda a: a.unsqueeze(1), "2x3"),
    ("unsqueeze", "behind", "a:unsqueeze(3)", lambda a: a.unsqueeze(2), "2x3"),
    ("contiguous", "matrix", "a:contiguous()", lambda a: a.contiguous(), "2x3"),
    ("contiguous", "transpose", "a:t():contiguous()", lambda a: a.t().contiguous(), "2x3"),
    ("clone", "number", "a:clone()", lambda a: a.clone(), "-"),
    ("clone", "transpose", "a:t():clone()", lambda a: a.t().clone(), "2x3"),
    ("clone", "empty", "a:clone()", lambda a: a.clone(), "0x3"),
    ("rep", "vector", "a:rep(3)", lambda a: a.repeat(3), "2"),
    ("rep", "matrix", "a:rep(2, 2)", lambda a: a.repeat(2, 2), "1x3"),
    ("rep", "more dimensions", "a:rep(2, 1, 2)", lambda a: a.repeat(2, 1, 2), "2x2"),
    ("rep", "number", "a:rep(2, 2)", lambda a: a.repeat(2, 2), "-"),
    ("rep", "transpose", "a:t():rep(1, 2)", lambda a: a.t().repeat(1, 2), "2x3"),
    ("rep", "not once", "a:rep(0, 2)", lambda a: a.repeat(0, 2), "2x3"),
    ("chunk", "even", "table.unpack(a:chunk(3))", lambda a: a.chunk(3), "6"),
    ("chunk", "uneven, columns", "table.unpack(a:chunk(2, 2))", lambda a: a.chunk(2, 1), "2x5"),
    ("chunk", "fewer than asked for", "table.unpack(a:chunk(4))", lambda a: a.chunk(4), "5"),
    ("chunk", "transpose", "table.unpack(a:t():chunk(2))", lambda a: a.t().chunk(2), "2x3"),
    ("split", "even", "table.unpack(a:split(2))", lambda a: a.split(2), "4x2"),
    ("split", "uneven, columns", "table.unpack(a:split(2, 2))", lambda a: a.split(2, 1), "2x5"),
    ("split", "sizes", "table.unpack(a:split({1, 3}))", lambda a: a.split([1, 3]), "4x2"),
    ("split", "transpose", "table.unpack(a:t():split(2))", lambda a: a.t().split(2), "2x3"),
)


def cases():
    for name, title, lua, f, shape in ONE:
        yield Case(f"tensor:{name}", title, lua, f, {"a": real(shape)})
    yield Case("tensor:to", "integers, towards zero", 'a:to("i32")',
               lambda a: a.to(torch.int32), {"a": real("2x3", -4, 4)}, ())
    yield Case("tensor:to", "bytes", 'a:to("u8")', lambda a: a.to(torch.uint8),
               {"a": real("2x3", 0, 200)}, ())
    yield Case("tensor:to", "gradient through f64", 'a:to("f64"):exp():to(dtype)', torch.exp,
               {"a": real("2x3")})
    cats = {"vectors": ("2", "3", 1), "rows": ("1x3", "2x3", 1), "columns": ("2x1", "2x3", 2),
            "cubes": ("2x1x2", "2x2x2", 2), "something and nothing": ("0x3", "2x3", 1)}
    for title, (a, b, dim) in cats.items():
        yield Case("tensor.cat", title, f"tensor.cat({{a, b}}, {dim})",
                   lambda a, b, d=dim: torch.cat((a, b), d - 1), {"a": real(a), "b": real(b)})
    yield Case("tensor.cat", "three, one twice, one a transpose",
               "tensor.cat({a, b:t(), a})", lambda a, b: torch.cat((a, b.t(), a)),
               {"a": real("1x2"), "b": real("2x3")})
    stacks = {"numbers": ("-", 1), "vectors": ("3", 1), "vectors as columns": ("3", 2),
              "matrices in the middle": ("2x3", 2), "nothing": ("0", 1)}
    for title, (shape, dim) in stacks.items():
        yield Case("tensor.stack", title, f"tensor.stack({{a, b}}, {dim})",
                   lambda a, b, d=dim: torch.stack((a, b), d - 1),
                   {"a": real(shape), "b": real(shape)})
    yield Case("tensor.stack", "a transpose, one twice", "tensor.stack({a, b:t(), a})",
               lambda a, b: torch.stack((a, b.t(), a)), {"a": real("2x3"), "b": real("3x2")})
