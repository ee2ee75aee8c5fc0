"""Reads a table of text again and again, into numbers: by the module csv and float, or by NumPy's
loadtxt. Told its path, and "csv" or "loadtxt"."""
import csv
import sys
import time

import numpy


def by_csv():
    with open(sys.argv[1], newline="") as file:
        rows = csv.reader(file)
        next(rows)
        return numpy.array([[float(cell) for cell in row[:-1]] for row in rows], numpy.float32)


def by_loadtxt():
    columns = len(open(sys.argv[1]).readline().split(",")) - 1
    return numpy.loadtxt(sys.argv[1], numpy.float32, delimiter=",", skiprows=1,
                         usecols=range(columns))


read = by_csv if sys.argv[2] == "csv" else by_loadtxt
print("ready", flush=True)
for line in sys.stdin:
    if line.strip() != "epoch":
        break
    began = time.perf_counter()
    read()
    print(time.perf_counter() - began, flush=True)
print(flush=True)
