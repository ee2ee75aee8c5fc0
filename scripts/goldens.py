#!/usr/bin/python3
"""Writes tests/golden/ from PyTorch: values and gradients that nabla's are compared with.

usage: scripts/goldens.py [KIND...]     (all kinds without one)

For maintainers, with Debian's python3-torch; the files are committed and `make check` needs no
Python. Same version of PyTorch and same tables, same files (but for last digits on another
processor).
"""

import importlib
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import torch

KINDS = ("make", "elementwise", "reduce", "statistics", "order", "shape", "index", "linalg", "nn",
         "attention", "conv", "costs", "sequences", "norms", "optimizers")

HEAD = "# {}\n# Written by scripts/goldens.py; README.txt says how to read it.\n"

README = """Values and gradients of PyTorch, which nabla's are compared with by
tests/lua/golden_spec.lua.

Written by scripts/goldens.py from
    PyTorch {version} ({package})
Its tables, one file a kind, are scripts/golden/KIND.py. To write all again, or some kinds:
    scripts/goldens.py [KIND...]
PyTorch computes in f64. Nobody edits these files by hand. npy/ holds NumPy's, by
scripts/goldens-npy.py. images.txt holds images, by scripts/goldens-images.py. models/ holds
networks that nabla 0.1.0 (commit a56ea03) saved before layers could stand in layers, and what they
give, by scripts/goldens-models.lua; no later version writes them again.

One case is a paragraph of lines, words separated by one space:
    case NAME TITLE                 the name as nabla's help has it, and what is tried
    in NAME [DTYPE] SHAPE NUMBERS…  an input; without dtype: f64 and f32 in turn
    do STATEMENT                    Lua that runs before
    lua EXPRESSIONS                 Lua that gives the outputs; it sees the inputs by name
    out [DTYPE] SHAPE NUMBERS…      an output of PyTorch, in order; or a plain value of Lua:
                                    out boolean true, out number 3
    weight SHAPE NUMBERS…           for each real output in order: what it is multiplied with
    grad NAME SHAPE NUMBERS…        the gradient, at an input, of the sum of outputs times weights
SHAPE is 2x3, or - for a single number. Real numbers are the shortest decimals that read back to the
same f64; inputs are exact in f32 too. Indices count from 1.
"""


def package():
    """Debian's name for what gave the numbers."""
    ask = ["dpkg-query", "-W", "-f", "Debian's ${Package} ${Version}", "python3-torch"]
    return subprocess.run(ask, capture_output=True, text=True, check=True).stdout


def write(folder, kind):
    module = importlib.import_module(f"golden.{kind}")
    text, names = HEAD.format(module.__doc__.strip()), set()
    for one in module.cases():
        if one.name in names:
            sys.exit(f"{kind}: two cases are called {one.name}")
        names.add(one.name)
        try:
            text += "\n" + "\n".join(one.lines()) + "\n"
        except Exception:
            print(f"{kind}: {one.name} fails", file=sys.stderr)
            raise
    (folder / f"{kind}.txt").write_text(text, encoding="utf-8")
    return len(names)


def main():
    folder = Path(__file__).resolve().parent.parent / "tests" / "golden"
    folder.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    for kind in sys.argv[1:] or KINDS:
        print(f"{kind}: {write(folder, kind)} cases")
    text = README.format(version=torch.__version__, package=package())
    (folder / "README.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
