"""Holds examples/python/read.py against what nabla says of the networks of save.lua.

usage: compare.py EXAMPLES FOLDER
"""

import glob
import os
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
import read  # noqa: E402

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}
CLASSES = ["plain", "back\\slash", "two\nlines"]
WORDS = ["\0", "\n", "\\", "a", "\udce9"]


def difference(y, wanted):
    """The largest one, by the largest number; infinite where dtypes or shapes are not the same."""
    if y.dtype != wanted.dtype or y.shape != wanted.shape:
        return np.inf
    return np.abs(y - wanted).max() / np.abs(wanted).max()


def main(folder):
    passed = failed = 0
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*.safetensors"))):
        start = path[:-len(".safetensors")]
        net = read.load(path)
        wanted = np.load(start + "-y.npy")
        y = net(np.load(start + "-x.npy"))
        apart = difference(y, wanted)
        words = WORDS if start.endswith("words") else None
        if net.words != words or net.classes != (CLASSES if start.endswith("classes") else words):
            apart = np.inf
        if apart <= TOLERANCE[wanted.dtype.name]:
            passed += 1
            continue
        failed += 1
        print("%s\n    %s %s, nabla %s %s, classes %s: %g apart"
              % (net.notation, y.dtype, y.shape, wanted.dtype, wanted.shape, net.classes, apart))
    print("%d passed, %d failed" % (passed, failed))
    return failed > 0 or passed == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[2]))
