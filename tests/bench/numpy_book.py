"""The book's network in NumPy, in matrix form: a mini-batch is one matrix."""
import numpy

import child

BATCH, ETA = 10, numpy.float32(3.0)

x, labels, test_x, test_labels = child.load()
y = child.one_hot(labels)
chance = numpy.random.default_rng(1)


def normal(rows, columns):
    return (chance.standard_normal((rows, columns)) / columns ** 0.5).astype(numpy.float32)


w1, b1 = normal(30, 784), numpy.zeros(30, numpy.float32)
w2, b2 = normal(10, 30), numpy.zeros(10, numpy.float32)


def sigmoid(z):
    """In place."""
    numpy.negative(z, out=z)
    numpy.exp(z, out=z)
    z += 1
    return numpy.reciprocal(z, out=z)


def forward(w, b, a):
    z = a @ w.T
    z += b
    return sigmoid(z)


def epoch():
    order = chance.permutation(len(x))
    for first in range(0, len(x), BATCH):
        rows = order[first:first + BATCH]
        a0 = x[rows]
        a1 = forward(w1, b1, a0)
        a2 = forward(w2, b2, a1)
        delta2 = (a2 - y[rows]) * (a2 * (1 - a2))
        delta1 = (delta2 @ w2) * (a1 * (1 - a1))
        delta2 *= ETA / len(rows)
        delta1 *= ETA / len(rows)
        numpy.subtract(w2, delta2.T @ a1, out=w2)
        numpy.subtract(b2, delta2.sum(0), out=b2)
        numpy.subtract(w1, delta1.T @ a0, out=w1)
        numpy.subtract(b1, delta1.sum(0), out=b1)


def accuracy():
    return (forward(w2, b2, forward(w1, b1, test_x)).argmax(1) == test_labels).mean()


child.serve(epoch, accuracy)
