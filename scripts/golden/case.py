"""A golden case: inputs from fixed seeds, values and gradients by PyTorch, as lines of text.

Seeds hang on the names of case and input alone, so that a new case changes no other. Inputs are
multiples of 1/64, short to write and exact in f32; no input holds a number twice, so that sorting
and extremes have one answer.
"""

import math
import random
from dataclasses import dataclass, field

import torch

GRID = 64
CLEARANCE = 1 / 16  # how far inputs stay from a kink

# What finds the branches of a function of f32: the ends of the line, zeros, the smallest and the
# smallest normal number, large ones.
SPECIAL = [math.inf, -math.inf, math.nan, 0.0, -0.0, 2.0**-149, -(2.0**-149), 2.0**-126,
           2.0**127, -(2.0**127)]

DTYPES = {torch.float64: "", torch.int32: "i32", torch.int64: "i32", torch.uint8: "u8",
          torch.bool: "u8"}


@dataclass
class Input:
    shape: tuple
    low: float = -2
    high: float = 2
    avoid: tuple = ()
    shift: float = 0  # so that two inputs never meet
    values: list = None  # instead of numbers by chance
    dtype: torch.dtype = torch.float64

    def numbers(self, rng):
        if self.values is not None:
            return list(self.values)
        count = math.prod(self.shape)
        if self.dtype != torch.float64:
            return [rng.randint(self.low, self.high) for _ in range(count)]
        grid = [k / GRID for k in range(math.ceil(self.low * GRID), math.floor(self.high * GRID))]
        grid = [x for x in grid if all(abs(x - kink) >= CLEARANCE for kink in self.avoid)]
        return [x + self.shift for x in rng.sample(grid, count)]

    def tensor(self, seed):
        rng = random.Random(seed)
        return torch.tensor(self.numbers(rng), dtype=self.dtype).reshape(self.shape)


def sizes(text):
    """The shape that "2x3" writes; "-" has no dimensions."""
    return () if text == "-" else tuple(int(size) for size in text.split("x"))


def real(shape, low=-2, high=2, avoid=(), shift=0):
    return Input(sizes(shape), low, high, avoid, shift)


def given(shape, values, dtype=torch.float64):
    return Input(sizes(shape), values=values, dtype=dtype)


def mask(shape):
    return Input(sizes(shape), 0, 1, dtype=torch.uint8)


def index(shape, values):
    """Places, counted from 1 as nabla does."""
    return given(shape, values, torch.int32)


def places(indices):
    """PyTorch's indices counted from 1."""
    return indices + 1


@dataclass
class Case:
    """`op` is its name in nabla's help. `lua` gives in nabla what `value` gives in PyTorch: the one
    sees the inputs by name, the other takes them in order. `before` are Lua statements that run
    first. `grads` names the inputs that take gradients, None: all reals."""

    op: str
    title: str
    lua: str
    value: callable
    inputs: dict = field(default_factory=dict)
    grads: tuple = None
    before: tuple = ()

    @property
    def name(self):
        return f"{self.op} {self.title}"

    def taking(self):
        if self.grads is not None:
            return self.grads
        return tuple(n for n, i in self.inputs.items() if i.dtype == torch.float64)

    def lines(self):
        tensors = {n: i.tensor(f"{self.name}/{n}") for n, i in self.inputs.items()}
        inputs = [line(f"in {n}", x) for n, x in tensors.items()]
        for n in self.taking():
            tensors[n].requires_grad_()
        outputs = self.value(*tensors.values())
        if not isinstance(outputs, (tuple, list)):
            outputs = (outputs,)
        yield f"case {self.name}"
        yield from inputs
        yield from (f"do {statement}" for statement in self.before)
        yield f"lua {self.lua}"
        yield from (line("out", out) for out in outputs)
        if self.taking():
            yield from self.gradients(tensors, outputs)

    def gradients(self, tensors, outputs):
        """Of the sum of all real outputs times weights, so that places and signs matter."""
        rng = random.Random(f"{self.name}/weights")
        total = 0
        for out in outputs:
            if not torch.is_tensor(out) or out.dtype != torch.float64:
                continue
            numbers = [rng.choice((-1, 1)) * rng.randint(1, 16) / 8 for _ in range(out.numel())]
            weight = torch.tensor(numbers).reshape(out.shape)
            yield line("weight", weight)
            total = total + (out * weight).sum()
        total.backward()
        yield from (line(f"grad {n}", tensors[n].grad) for n in self.taking())


def number(x):
    """The shortest decimal that reads back to x."""
    text = repr(x)
    return text[:-2] if text.endswith(".0") and text != "-0.0" else text


def line(head, x):
    """One tensor, or a plain value of Lua."""
    if isinstance(x, bool):
        return f"{head} boolean {str(x).lower()}"
    if isinstance(x, (int, float)):
        return f"{head} number {number(x)}"
    shape = "x".join(str(size) for size in x.shape) or "-"
    dtype = DTYPES[x.dtype]
    x = x.detach().byte() if x.dtype == torch.bool else x.detach()
    words = [head, dtype, shape, *(number(v) for v in x.flatten().tolist())]
    return " ".join(word for word in words if word)
