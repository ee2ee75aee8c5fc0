#!/usr/bin/python3
"""Writes tests/golden/images.txt: small images, byte for byte, and the pixels that they hold.

usage: goldens-images.py [FILE]     for maintainers; `make check` needs no Python

PNG is written here from its description with zlib alone, PGM and PPM from theirs; the pixels that
must be read are computed with exact fractions, none of them by a library of images. A line is
    image NAME ROWS COLUMNS SAMPLES COLOUR FILE PIXELS
    resample ROWS COLUMNS CHANNELS TO_ROWS TO_COLUMNS PIXELS RESULT
FILE and the pixels are in hexadecimal. SAMPLES: 1 grey, 2 grey and alpha, 3 red, green, blue, 4 and
alpha. COLOUR is 1 where a pixel may be other than grey. Pixels of `image` are (rows, columns,
samples), those of `resample` (channels, rows, columns).
"""

import os
import struct
import sys
import zlib
from fractions import Fraction

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
SAMPLES = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
DEPTHS = {GREY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GREY_ALPHA: (8, 16),
          RGBA: (8, 16)}
NAMES = {GREY: "grey", RGB: "rgb", PALETTE: "palette", GREY_ALPHA: "grey-alpha", RGBA: "rgba"}
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
         (1, 0, 2, 1))  # first row and column, steps


def nearest(x):
    """The nearest whole number, halves up."""
    return (2 * x.numerator + x.denominator) // (2 * x.denominator)


def to_byte(value, white):
    return nearest(Fraction(255 * value, white))


# ---- PNG ----


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack_row(row, depth):
    """Numbers as a row of `depth` bits each, from the high bits down."""
    bits = "".join(format(number, f"0{depth}b") for number in row)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def paeth(a, b, c):
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def filter_row(kind, row, above, width):
    out = bytearray([kind])
    for i, value in enumerate(row):
        a = row[i - width] if i >= width else 0
        b = above[i]
        c = above[i - width] if i >= width else 0
        guess = (0, a, b, (a + b) // 2, paeth(a, b, c))[kind]
        out.append((value - guess) & 255)
    return bytes(out)


def filtered(rows, width):
    """Rows with the five filters in turn."""
    out, above = b"", bytes(len(rows[0]))
    for i, row in enumerate(rows):
        out += filter_row(i % 5, row, above, width)
        above = row
    return out


def raw_rows(numbers, depth, samples, passes):
    """What is packed: for each pass its rows, filtered."""
    out = b""
    for first_row, first_column, row_step, column_step in passes:
        rows = [[n for pixel in line[first_column::column_step] for n in pixel]
                for line in numbers[first_row::row_step]]
        rows = [pack_row(row, depth) for row in rows if row]
        if rows:
            out += filtered(rows, max(1, samples * depth // 8))
    return out


def write_png(numbers, kind, depth, interlaced, before=b"", pieces=1):
    """`before` stands between the header and the pixels, which are cut into chunks."""
    rows, columns = len(numbers), len(numbers[0])
    head = struct.pack(">IIBBBBB", columns, rows, depth, kind, 0, 0, interlaced)
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    packed = zlib.compress(raw_rows(numbers, depth, SAMPLES[kind], passes), 9)
    step = -(-len(packed) // pieces)
    data = b"".join(chunk(b"IDAT", packed[i:i + step]) for i in range(0, len(packed), step))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + data + chunk(b"IEND", b""))


def drawing(rows, columns, samples, white):
    """Numbers from 0 to white, every kind of step among them."""
    return [[[(r * 7 + c * c * 3 + k * 11 + r * c * k) * 2654435761 % 4294967296 * (white + 1)
              // 4294967296 for k in range(samples)] for c in range(columns)]
            for r in range(rows)]


def palette_of(count, grey):
    return [(i * 255 // max(1, count - 1),) * 3 if grey else
            (i * 37 % 256, 255 - i * 11 % 256, i * i % 256) for i in range(count)]


def plte(colours):
    return chunk(b"PLTE", b"".join(bytes(c) for c in colours))


def flat(pixels):
    return bytes(n for row in pixels for pixel in row for n in pixel)


class Cases:
    def __init__(self):
        self.lines = []

    def image(self, name, file, pixels, colour):
        samples = len(pixels[0][0])
        self.lines.append(f"image {name} {len(pixels)} {len(pixels[0])} {samples} {int(colour)} "
                          f"{file.hex()} {flat(pixels).hex()}")

    def resample(self, planes, to):
        rows, columns = len(planes[0]), len(planes[0][0])
        result = [resampled(plane, to) for plane in planes]
        text = [bytes(n for plane in of for row in plane for n in row).hex()
                for of in (planes, result)]
        self.lines.append(f"resample {rows} {columns} {len(planes)} {to[0]} {to[1]} "
                          f"{text[0]} {text[1]}")


def add_kinds(cases, rows, columns):
    for kind, depths in DEPTHS.items():
        for depth in depths:
            white = (1 << depth) - 1
            numbers = drawing(rows, columns, SAMPLES[kind], white)
            before, colour = b"", kind in (RGB, RGBA)
            pixels = [[[to_byte(n, white) for n in p] for p in row] for row in numbers]
            if kind == PALETTE:
                colours = palette_of(white + 1, False)
                before, colour = plte(colours), True
                pixels = [[colours[p[0]] for p in row] for row in numbers]
            for interlaced in (0, 1):
                name = f"{NAMES[kind]}-{depth}-{rows}x{columns}" + "-interlaced" * interlaced
                cases.image(name, write_png(numbers, kind, depth, interlaced, before), pixels,
                            colour)


def add_transparent(cases):
    """One grey, one colour, entries of a palette that are not opaque."""
    for depth in (1, 4, 16):
        white = (1 << depth) - 1
        numbers = drawing(4, 5, 1, white)
        seen = numbers[1][2][0]
        pixels = [[[to_byte(p[0], white), 0 if p[0] == seen else 255] for p in row]
                  for row in numbers]
        cases.image(f"grey-{depth}-trns", write_png(numbers, GREY, depth, 0,
                    chunk(b"tRNS", struct.pack(">H", seen))), pixels, False)
    numbers = drawing(4, 5, 3, 255)
    seen = numbers[1][2]
    pixels = [[p + [0 if p == seen else 255] for p in row] for row in numbers]
    cases.image("rgb-8-trns", write_png(numbers, RGB, 8, 0,
                chunk(b"tRNS", struct.pack(">HHH", *seen))), pixels, True)
    numbers, colours, alphas = drawing(4, 5, 1, 15), palette_of(16, False), bytes((0, 128, 255, 7))
    pixels = [[list(colours[p[0]]) + [alphas[p[0]] if p[0] < len(alphas) else 255] for p in row]
              for row in numbers]
    cases.image("palette-4-trns", write_png(numbers, PALETTE, 4, 1,
                plte(colours) + chunk(b"tRNS", alphas)), pixels, True)


def add_odd(cases):
    """Greys in a palette, many chunks, chunks that mean nothing here, a size of one."""
    numbers, colours = drawing(3, 6, 1, 3), palette_of(4, True)
    pixels = [[colours[p[0]] for p in row] for row in numbers]
    cases.image("palette-2-of-greys", write_png(numbers, PALETTE, 2, 0, plte(colours)), pixels,
                False)
    numbers = drawing(9, 7, 1, 255)
    extra = (chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"tEXt", b"Title\0nothing") +
             chunk(b"bKGD", struct.pack(">H", 9)) + chunk(b"zzZz", b"unknown"))
    cases.image("grey-8-chunks", write_png(numbers, GREY, 8, 0, extra, 40), numbers, False)
    numbers = drawing(2, 3, 3, 255)
    cases.image("rgb-8-palette", write_png(numbers, RGB, 8, 0, plte(palette_of(3, True))), numbers,
                True)


# ---- PGM and PPM ----


def pnm_text(numbers):
    return "\n".join(" ".join(str(n) for p in row for n in p) for row in numbers).encode()


def pnm_bytes(numbers, white):
    kind = ">H" if white > 255 else ">B"
    return b"".join(struct.pack(kind, n) for row in numbers for p in row for n in p)


def add_pnm(cases):
    for samples, text, raw in ((1, b"P2", b"P5"), (3, b"P3", b"P6")):
        for white in (1, 7, 255, 256, 1000, 65535):
            numbers = drawing(3, 4, samples, white)
            pixels = [[[to_byte(n, white) for n in p] for p in row] for row in numbers]
            size = b" 4 3 %d\n" % white
            name = ("pgm", "ppm")[samples == 3] + f"-{white}"
            cases.image(name + "-text", text + size + pnm_text(numbers), pixels, samples == 3)
            cases.image(name, raw + size + pnm_bytes(numbers, white), pixels, samples == 3)
    numbers = drawing(2, 3, 1, 255)
    head = b"# who\n3#columns\r#and\n\t2\n# white is\n255"
    cases.image("pgm-comments", b"P5" + head + b"\n" + pnm_bytes(numbers, 255), numbers, False)
    cases.image("pgm-comments-text", b"P2" + head + b" # pixels\n" + pnm_text(numbers) +
                b"\n# end\n", numbers, False)


# ---- Other sizes ----


def weights(old, new, j):
    """Of new pixel j: {old pixel: share}, by the covered lengths, or on a line between centres."""
    scale = Fraction(old, new)
    if new <= old:
        begin, end = j * scale, (j + 1) * scale
        shares = {i: min(end, Fraction(i + 1)) - max(begin, Fraction(i)) for i in range(old)}
        return {i: s / scale for i, s in shares.items() if s > 0}
    at = min(max((j + Fraction(1, 2)) * scale - Fraction(1, 2), Fraction(0)), Fraction(old - 1))
    low = int(at)
    return {low: 1 - (at - low), low + 1: at - low} if at > low else {low: Fraction(1)}


def resampled(plane, to):
    rows, columns = len(plane), len(plane[0])
    down = [weights(rows, to[0], j) for j in range(to[0])]
    across = [weights(columns, to[1], j) for j in range(to[1])]
    return [[nearest(sum((a * b * plane[r][c] for r, a in y.items() for c, b in x.items()),
                         Fraction(0))) for x in across] for y in down]


def add_resampled(cases):
    for rows, columns, channels, to in ((6, 6, 1, (3, 3)), (6, 6, 1, (6, 6)), (7, 5, 1, (3, 4)),
                                        (3, 4, 3, (7, 9)), (5, 3, 1, (2, 8)), (4, 9, 3, (9, 4)),
                                        (1, 1, 1, (3, 2)), (9, 8, 1, (1, 1)), (2, 2, 1, (4, 4)),
                                        (13, 11, 1, (5, 7)), (1, 6, 1, (4, 4)), (8, 1, 1, (3, 5))):
        pixels = drawing(rows, columns, channels, 255)
        cases.resample([[[p[k] for p in row] for row in pixels] for k in range(channels)], to)
    checks = [[255 * ((r + c) % 2) for c in range(6)] for r in range(6)]
    cases.resample([checks], (1, 1))  # 127.5: halves go up
    cases.resample([checks], (4, 4))


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../tests/golden/images.txt")
    cases = Cases()
    add_kinds(cases, 5, 3)
    add_kinds(cases, 9, 11)
    add_kinds(cases, 1, 1)
    add_transparent(cases)
    add_odd(cases)
    add_pnm(cases)
    add_resampled(cases)
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join(cases.lines) + "\n")


if __name__ == "__main__":
    main()
