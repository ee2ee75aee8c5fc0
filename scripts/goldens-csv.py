#!/usr/bin/python3
"""goldens-csv: writes tables of text of many kinds and what Python's csv and float make of them.

usage: goldens-csv.py                 writes tests/golden/csv.lua, which csv_spec.lua reads
       goldens-csv.py check NABLA N   asks a built program for N tables of another seed

A table is drawn as cells first and then written by a writer of its own: quotes where they must stand
and where they need not, newlines inside, LF, CRLF and CR, a byte order mark, blank lines, numbers in
all their forms; one in five is spoilt. What it holds is read back by Python's csv, never taken from
the writer. Class names come in the order of their bytes, as the help says.
"""
import csv
import io
import math
import os
import random
import re
import subprocess
import sys
import tempfile

CASES = 150
WORDS = ["cat", "dog", "eel", "a,b", "c;d", 'say "x"', "two\nlines", "ünïcode", "x y", "p|q", "t\tu"]


def number(r, mark):
    form = r.randrange(12)
    value = r.choice([r.uniform(-10, 10), r.uniform(-1e6, 1e6), r.gauss(0, 1e-3)])
    text = ["%d" % r.randrange(-300, 300), "%.3f" % value, "%.17g" % value, "%.18e" % value, "%.1e" % value,
            "%dE%+d" % (r.randrange(10), r.randrange(-9, 9)), ".%d" % r.randrange(100), "%d." % r.randrange(100),
            "+%d.5" % r.randrange(9), "%d" % r.randrange(256), "1e5", "inf" if r.random() < 0.2 else "-0.25"][form]
    return text.replace(".", mark)


def quoted(r, cell, delimiter):
    must = any(c in cell for c in '"\r\n' + delimiter) or cell != cell.strip()
    if must or r.random() < 0.15:
        return '"' + cell.replace('"', '""') + '"'
    return cell


def drawn(r):
    """The text of a table, its delimiter, the mark of its numbers, and the name of y or None."""
    delimiter = r.choice(",,,;\t|")
    mark = "," if delimiter != "," and r.random() < 0.3 else "."
    columns, rows = r.randrange(2, 5), r.randrange(2, 7)
    header = ["c%d" % i if r.random() < 0.8 else 'c "%d"' % i for i in range(columns)]
    table = [[number(r, mark) for _ in range(columns)] for _ in range(rows)]
    y = None
    if r.random() < 0.5:
        y = columns
        header.append("kind")
        words = r.sample(WORDS, 3)
        for row in table:
            row.append(r.choice(words))
    end = r.choice(["\n", "\n", "\r\n", "\r"])
    lines = [delimiter.join(quoted(r, c, delimiter) for c in row) for row in [header] + table]
    if r.random() < 0.2:
        lines.insert(r.randrange(len(lines) + 1), "")
    text = end.join(lines) + (end if r.random() < 0.8 else "")
    return text, delimiter, mark, y


def spoilt(r, text, delimiter):
    """A table with one fault, and a pattern of the message; None where the fault cannot be had."""
    records = [i for i, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)) if row]
    if "\n\n" in text or '"' in text or "\r" in text or len(records) < 3:
        return None
    lines = text.split("\n")
    at = r.randrange(2, len(records))
    line = lines[at]
    where = "line %d" % (at + 1)
    fault = r.randrange(5)
    if fault == 0:
        lines[at], wanted = line + delimiter + "1", where + "%) has %d+ cells"
    elif fault == 1:
        lines[at], wanted = line[:1] + "\0" + line[1:], where + ": a byte 0"
    elif fault == 2:
        lines[at], wanted = '"' + line, "a quote opens there"
    elif fault == 3:
        lines[at], wanted = "2024-01-31" + line[line.index(delimiter):], where + ".*looks like a date"
    else:
        lines[at], wanted = "0x1F" + line[line.index(delimiter):], where + ".*is no number"
    return "\n".join(lines), wanted


def value_of(cell, mark):
    return float(cell.replace(mark, "."))


def lua(value):
    if isinstance(value, str):
        return '"' + "".join(c if 32 <= ord(c) < 127 and c not in '"\\' else "".join(
            "\\%03d" % b for b in c.encode()) for c in value) + '"'
    if isinstance(value, float):
        return {math.inf: "math.huge", -math.inf: "-math.huge"}.get(value, repr(value))
    if isinstance(value, list):
        return "{" + ", ".join(map(lua, value)) + "}"
    return repr(value)


def case(r):
    text, delimiter, mark, y = drawn(r)
    broken = spoilt(r, text, delimiter) if r.random() < 0.5 else None
    options = 'delimiter = %s, dtype = "f64", header = true' % lua(delimiter)
    options += ', decimal = "%s"' % mark
    options += ', y = "kind"' if y else ""
    if broken:
        return "{text = %s, options = {%s}, fails = %s}" % (lua(broken[0]), options, lua(broken[1]))
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    count = y or len(rows[0])
    x = [[value_of(c, mark) for c in row[:count]] for row in rows[1:]]
    mark_of_order = "\xef\xbb\xbf" if r.random() < 0.1 else ""
    parts = ["text = %s%s" % ('"\\239\\187\\191" .. ' if mark_of_order else "", lua(text)),
             "options = {%s}" % options, "columns = %s" % lua(rows[0][:count]), "x = %s" % lua(x)]
    if y:
        names = sorted({row[y] for row in rows[1:]}, key=lambda s: s.encode())
        parts += ["classes = %s" % lua(names), "y = %s" % lua([names.index(row[y]) + 1 for row in rows[1:]])]
    return "{" + ", ".join(parts) + "}"


def write(path, seed, count):
    r = random.Random(seed)
    with open(path, "w") as file:
        file.write("-- Written by scripts/goldens-csv.py.\nreturn {\n")
        for _ in range(count):
            file.write(case(r) + ",\n")
        file.write("}\n")


def check(program, count):
    tree = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with tempfile.NamedTemporaryFile(suffix=".lua") as file:
        write(file.name, random.randrange(1 << 30), count)
        spec = os.path.join(tree, "tests", "lua", "csv_spec.lua")
        sys.exit(subprocess.call([program, spec], env=dict(os.environ, NABLA_CSV_GOLDENS=file.name)))


if sys.argv[1:2] == ["check"]:
    check(sys.argv[2], int(sys.argv[3]))
write(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests/golden/csv.lua"), 7, CASES)
