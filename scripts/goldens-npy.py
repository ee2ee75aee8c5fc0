#!/usr/bin/python3
"""Writes tests/golden/npy/: files as NumPy itself writes them, for tests/c/io and tests/lua.

usage: goldens-npy.py [FOLDER]     for maintainers; `make check` needs no Python

The values follow rules that the tests repeat, so that no file of expected numbers is needed:
element i, in row-major order and from 0, is as in `values`. The same version of NumPy writes the
same bytes.
"""

import io
import os
import sys
import warnings
import zipfile

import numpy as np
from numpy.lib import format as npy

DTYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"]


def values(dtype, shape):
    """i - 3 in halves for floats, i - 3 for whole numbers, i for those without sign, i mod 2 for
    booleans."""
    i = np.arange(int(np.prod(shape)), dtype=np.float64)
    kind = np.dtype(dtype).kind
    i = {"f": (i - 3) / 2, "i": i - 3, "u": i, "b": i % 2}[kind]
    return i.astype(dtype).reshape(shape)


def write(path, array, version=(1, 0)):
    with open(path, "wb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that versions 2.0 and 3.0 are for the new only
        npy.write_array(file, array, version=version)


def write_dtypes(folder):
    for dtype in DTYPES:
        for order, name in (("<", "little"), (">", "big")):
            array = values(order + dtype, (2, 3))
            if array.dtype.itemsize > 1 or order == "<":
                write(os.path.join(folder, f"{dtype}-{name}.npy"), array)


def write_shapes(folder):
    for major in (1, 2, 3):
        for order in "CF":
            array = np.asarray(values("<f8", (2, 3, 4)), order=order)
            write(os.path.join(folder, f"version{major}-{order}.npy"), array, (major, 0))
    shapes = {"scalar": (), "one": (1,), "empty": (0,), "empty3": (3, 0, 2), "eight": (1, 2) * 4}
    for name, shape in shapes.items():
        write(os.path.join(folder, f"shape-{name}.npy"), values("<f4", shape))


def write_refused(folder):
    records = np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")])
    arrays = {
        "object": np.array([1, "two"], dtype=object),
        "bytes": np.array([b"ab"]),
        "text": np.array(["ab"]),
        "complex": np.array([1j]),
        "records": records,
        "date": np.array(["2001-02-03"], dtype="M8[D]"),
        "span": np.array([1], dtype="m8[s]"),
        "long": np.array([1], dtype=np.longdouble),
        "nine": np.zeros((1,) * 9, dtype="<f4"),
        "large-i8": np.array([1, 2**31], dtype="<i8"),
        "large-u4": np.array([2**31 - 1, 2**31], dtype="<u4"),
        "small-i8": np.array([-(2**31), -(2**31) - 1], dtype="<i8"),
    }
    for name, array in arrays.items():
        write(os.path.join(folder, f"refused-{name}.npy"), array)


def write_halves(folder):
    """Every kind of binary16: zeros, the smallest and largest below the normal ones, the smallest
    and largest normal ones, infinities, NaN."""
    bits = [0x0000, 0x8000, 0x0001, 0x03FF, 0x0400, 0x7BFF, 0x7C00, 0xFC00, 0x7E00, 0xBC01]
    array = np.array(bits, dtype="<u2").view("<f2")
    write(os.path.join(folder, "halves.npy"), array)
    write(os.path.join(folder, "halves-as-f4.npy"), array.astype("<f4"))


def write_archives(folder):
    arrays = {"a": values("<f4", (2, 3)), "b/c": values("<i4", (4,)), "s": values("<f8", ())}
    np.savez(os.path.join(folder, "stored.npz"), **arrays)
    np.savez_compressed(os.path.join(folder, "deflated.npz"), **arrays)
    np.savez(os.path.join(folder, "none.npz"))
    with zipfile.ZipFile(os.path.join(folder, "bzip2.npz"), "w", zipfile.ZIP_BZIP2) as archive:
        data = io.BytesIO()
        npy.write_array(data, arrays["a"])
        archive.writestr(zipfile.ZipInfo("a.npy"), data.getvalue(), zipfile.ZIP_BZIP2)


def write_all(folder):
    os.makedirs(folder, exist_ok=True)
    write_dtypes(folder)
    write_shapes(folder)
    write_refused(folder)
    write_halves(folder)
    write_archives(folder)
    with open(os.path.join(folder, "VERSION"), "w") as file:
        file.write(f"NumPy {np.__version__}\n")


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    write_all(sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../tests/golden/npy"))
