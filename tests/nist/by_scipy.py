#!/usr/bin/python3
"""The same problems by SciPy's least_squares (method lm, MINPACK), for the table of make nist:
a line "name start digits evaluations" each. Says nothing where SciPy is not installed."""
import math
import re
import sys

try:
    import numpy as np
    from scipy.optimize import least_squares
except ImportError:
    sys.exit(0)

E, PI = np.exp, np.pi
MODELS = {
    "Misra1a": lambda x, b: b[0] * (1 - E(-b[1] * x)),
    "BoxBOD": lambda x, b: b[0] * (1 - E(-b[1] * x)),
    "Misra1b": lambda x, b: b[0] * (1 - (1 + b[1] * x / 2) ** -2),
    "Chwirut2": lambda x, b: E(-b[0] * x) / (b[1] + b[2] * x),
    "DanWood": lambda x, b: b[0] * x ** b[1],
    "Lanczos1": lambda x, b: b[0] * E(-b[1] * x) + b[2] * E(-b[3] * x) + b[4] * E(-b[5] * x),
    "Kirby2": lambda x, b: (b[0] + b[1] * x + b[2] * x**2) / (1 + b[3] * x + b[4] * x**2),
    "Hahn1": lambda x, b: (b[0] + b[1] * x + b[2] * x**2 + b[3] * x**3)
    / (1 + b[4] * x + b[5] * x**2 + b[6] * x**3),
    "MGH17": lambda x, b: b[0] + b[1] * E(-x * b[3]) + b[2] * E(-x * b[4]),
    "Gauss1": lambda x, b: b[0] * E(-b[1] * x) + b[2] * E(-((x - b[3]) ** 2) / b[4] ** 2)
    + b[5] * E(-((x - b[6]) ** 2) / b[7] ** 2),
    "ENSO": lambda x, b: b[0] + b[1] * np.cos(2 * PI * x / 12) + b[2] * np.sin(2 * PI * x / 12)
    + b[4] * np.cos(2 * PI * x / b[3]) + b[5] * np.sin(2 * PI * x / b[3])
    + b[7] * np.cos(2 * PI * x / b[6]) + b[8] * np.sin(2 * PI * x / b[6]),
    "MGH10": lambda x, b: b[0] * E(b[1] / (x + b[2])),
    "Rat42": lambda x, b: b[0] / (1 + E(b[1] - b[2] * x)),
    "Eckerle4": lambda x, b: b[0] / b[1] * E(-0.5 * ((x - b[2]) / b[1]) ** 2),
}
MODELS["Lanczos3"] = MODELS["Lanczos1"]


def lines_of(lines, what):
    for line in lines:
        found = re.search(what + r"\s+\(lines\s+(\d+)\s+to\s+(\d+)\)", line)
        if found:
            return lines[int(found[1]) - 1 : int(found[2])]
    raise ValueError(what)


def digits(value, certified):
    off = abs(value - certified) / abs(certified)
    return min(11.0, max(0.0, -math.log10(off))) if off else 11.0


def main(folder):
    np.seterr(all="ignore")
    for name, model in MODELS.items():
        with open(f"{folder}/{name}.dat", encoding="ascii") as file:
            lines = file.read().splitlines()
        rows = [[float(w) for w in line.split("=")[1].split()] for line in lines_of(lines, "Starting Values")]
        points = [[float(w) for w in line.split()] for line in lines_of(lines, "Data ") if line.strip()]
        y, x = np.array(points).T
        for start in (0, 1):
            try:
                fit = least_squares(lambda b: model(x, b) - y, [row[start] for row in rows], method="lm",
                                    xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=100000)
                worst = min(digits(b, row[2]) for b, row in zip(fit.x, rows))
                print(name, start + 1, f"{worst:.1f} {fit.nfev}")
            except ValueError:
                print(name, start + 1, "fails")


main(sys.argv[1])
