"""Times statements as statements.lua does, in the module that the argument names."""
import sys
import time

LEAST = 0.02  # seconds of one measurement

if sys.argv[1] == "torch":
    import torch

    randn = torch.randn
    torch.set_num_threads(1)
else:
    import numpy

    chance = numpy.random.default_rng(0)

    def randn(*shape):
        return chance.standard_normal(shape, numpy.float32)


def make(operands, before, statement):
    """A function that executes the statement n times; x and y are local, as in timeit."""
    source = f"""
def make():
    x, y = ({operands}, None)[:2]
    {before}
    def run(n):
        for _ in range(n):
            {statement}
    return run
"""
    names = dict(globals())
    exec(source, names)
    return names["make"]()


def seconds_of(run, count):
    """Seconds of one execution, and how many of them make a measurement."""
    while True:
        began = time.process_time()
        run(count)
        seconds = time.process_time() - began
        if seconds >= LEAST:
            return seconds / count, count
        count *= 2


print("ready", flush=True)
asked = run = None
while True:
    wanted = [sys.stdin.readline().rstrip("\n") for _ in range(3)]
    if not wanted[2]:
        break
    if wanted != asked:
        run = None
        asked, run, count = wanted, make(*wanted), 1
    seconds, count = seconds_of(run, count)
    print(f"{seconds:.12f}", flush=True)
