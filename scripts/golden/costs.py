"""Costs with their options, targets of every kind, also far out; activations far out."""

import math

import torch
from torch.nn import functional as F

from .case import Case, given, real
from .nn import ACTIVATIONS


def soft(z):
    return torch.softmax(z, -1)


def logs(z):
    return torch.log_softmax(z, -1)


def hinge(margin):
    return lambda a, y: torch.clamp(margin - y * a, min=0).mean()


def margins(margin):
    return lambda a, y: F.multi_margin_loss(a, y, margin=margin)


def nll_of(a, y):
    return -(a * y).sum() / a.shape[0]


def kl(a, y):
    return F.kl_div(a, y, reduction="batchmean")


def poisson(log):
    return lambda a, y: F.poisson_nll_loss(a, y, log_input=log, eps=0, reduction="sum") / a.shape[0]


def cosine(a, y):
    return (1 - F.cosine_similarity(a, y, dim=1)).mean()


def bernoulli(z, y):
    return F.binary_cross_entropy_with_logits(z, y, reduction="sum") / z.shape[0]


DISTRIBUTIONS = given("4x3", [0.25, 0.5, 0.25, 0, 0.125, 0.875, 1, 0, 0, 0.5, 0.25, 0.25])
SIGNS = given("4x3", [1, -1, 1, -1, -1, 1, 1, 1, -1, -1, 1, -1])
COUNTS = given("4x3", [0, 1, 5, 2, 0, 0, 12, 3, 1, 1, 0, 40])
CLASSES = given("4", [3, 1, 2, 2], torch.int32)
FREE = real("4x3", -2, 2)

# cost with its options, last layer, targets, cost of the activations, activations of z
COSTS = (
    ("mae", "linear", FREE, F.l1_loss, None),
    ("mae", "sigmoid", FREE, F.l1_loss, torch.sigmoid),
    ("nll", "log_softmax", CLASSES, F.nll_loss, logs),
    ("nll", "log_softmax", DISTRIBUTIONS, nll_of, logs),
    ("hinge", "linear", SIGNS, hinge(1), None),
    ("hinge", "tanh", SIGNS, hinge(1), torch.tanh),
    ("hinge margin=0.37", "linear", SIGNS, hinge(0.37), None),
    ("hinge", "linear", CLASSES, margins(1), None),
    ("hinge", "tanh", CLASSES, margins(1), torch.tanh),
    ("hinge margin=2.5", "linear", CLASSES, margins(2.5), None),
    ("kl", "softmax", DISTRIBUTIONS, kl, logs),
    ("kl", "log_softmax", DISTRIBUTIONS, kl, logs),
    ("kl", "softmax", CLASSES, F.nll_loss, logs),
    ("poisson", "exp", COUNTS, poisson(True), None),
    ("poisson", "softplus", COUNTS, poisson(False), F.softplus),
    ("poisson log=true", "linear", COUNTS, poisson(True), None),
    ("cosine", "linear", FREE, cosine, None),
    ("cosine", "tanh", FREE, cosine, torch.tanh),
)

FAR = [1000, -1000, 0, -1000, 1000, 1000, 3, 1000, -1000, -1000, -1000, 0.5]
ONES = given("4x3", [0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1])

# The same at logits of ±1000.
SATURATED = (
    ("quadratic", "softmax", ONES, lambda a, y: ((a - y) ** 2).sum() / 2 / a.shape[0], soft),
    ("mse", "sigmoid", ONES, F.mse_loss, torch.sigmoid),
    ("mae", "linear", FREE, F.l1_loss, None),
    ("huber", "linear", FREE, lambda a, y: F.huber_loss(a, y, reduction="sum") / a.shape[0], None),
    ("cross_entropy", "softmax", ONES, F.cross_entropy, None),
    ("cross_entropy", "softmax", CLASSES, F.cross_entropy, None),
    ("cross_entropy", "log_softmax", ONES, F.cross_entropy, None),
    ("cross_entropy", "sigmoid", ONES, bernoulli, None),
    ("cross_entropy logits=true", "linear", CLASSES, F.cross_entropy, None),
    ("nll", "log_softmax", CLASSES, F.nll_loss, logs),
    ("hinge", "linear", SIGNS, hinge(1), None),
    ("hinge", "linear", CLASSES, margins(1), None),
    ("kl", "softmax", DISTRIBUTIONS, kl, logs),
    ("cosine", "linear", FREE, cosine, None),
)


def kind(y):
    if y.dtype == torch.int32:
        return "of class numbers"
    names = {id(DISTRIBUTIONS): "of distributions", id(SIGNS): "of signs", id(COUNTS): "of counts"}
    return names.get(id(y), "of targets")


def numbers(y):
    """Targets as PyTorch takes them."""
    return y.long() - 1 if y.dtype == torch.int32 else y


def both(f, last, flat=False):
    """Cost and δ."""

    def run(z, y):
        z = z.detach().requires_grad_()
        a = last(z) if last else z
        value = f(a.flatten(0, 1), numbers(y.flatten(0, 1))) if flat else f(a, numbers(y))
        value.backward()
        return value.item(), z.grad

    return run


def unit(notation):
    return (f'net = nn.net("{notation}", {{dtype = dtype}})',
            "net[1].w, net[1].b = tensor.eye(3), 0", "t = net:trace(x, y)")


def costs():
    """Cost and δ at z, of a layer whose weights are the unit matrix."""
    for title, x, table in (("", FREE, COSTS), (" far out", given("4x3", FAR), SATURATED)):
        for cost, last, y, f, g in table:
            name, *options = cost.split()
            yield Case(f"cost:{name}", " ".join((*options, f"after {last}", kind(y))) + title,
                       "t.cost, t[1].delta", both(f, g), {"x": x, "y": y}, (),
                       unit(f"3 - 3 {last} : {cost}"))


def on_steps():
    """Where every step has its own answer."""
    for cost, last, y, f, g in COSTS:
        shape = "2x2" if y.dtype == torch.int32 else "2x2x3"
        y_of = given(shape, y.values, y.dtype) if y.values else real(shape, -2, 2)
        name, *options = cost.split()
        yield Case(f"cost:{name}", " ".join((*options, f"after {last}", kind(y), "on steps")),
                   "t.cost, t[1].delta", both(f, g, True), {"x": real("2x2x3"), "y": y_of}, (),
                   unit(f"*x3 - 3 {last} : {cost}"))


def as_rows(f, g):
    """The same where every place counts as an example: for losses of PyTorch that know no space."""

    def cost(z, y):
        rows = z.movedim(1, -1).flatten(0, -2)
        rows = g(rows) if g else rows
        return f(rows, y.flatten() if z.dim() > y.dim() else y.movedim(1, -1).flatten(0, -2))

    return cost


def half(a, y):
    return ((a - F.one_hot(y, 3)) ** 2).sum() / 2 / a.shape[0]


def each_sigmoid(z, y):
    return bernoulli(z, F.one_hot(y, 3).to(z.dtype))


# cost with its options, last layer, cost of z: classes along channels
ON_SPACE = (
    ("cross_entropy", "softmax", F.cross_entropy),
    ("cross_entropy logits=true", "linear", F.cross_entropy),
    ("cross_entropy", "log_softmax", F.cross_entropy),
    ("nll", "log_softmax", lambda z, y: F.nll_loss(torch.log_softmax(z, 1), y)),
    ("kl", "softmax", F.cross_entropy),
    ("hinge margin=0.5", "linear", as_rows(margins(0.5), None)),
    ("quadratic", "softmax", as_rows(half, soft)),
    ("quadratic", "sigmoid", as_rows(half, torch.sigmoid)),
    ("cross_entropy", "sigmoid", as_rows(each_sigmoid, None)),
)

# The same of targets that are a distribution at each place.
SPREAD = (
    ("cross_entropy", "softmax", F.cross_entropy),
    ("cross_entropy logits=true", "linear", F.cross_entropy),
    ("nll", "log_softmax", as_rows(nll_of, logs)),
    ("kl", "softmax", as_rows(kl, logs)),
)
PICTURES = (("3x2x4", "2x2x4", "2x3x2x4"), ("3x5", "2x5", "2x3x5"))


def on_space():
    """A class, or a distribution, at every place of a picture, and of a line."""
    rule = [k % 3 + 1 for k in (0, 2, 1, 1, 0, 2, 2, 1, 0, 0, 1, 2, 1, 0, 2, 2)]
    for picture, places_of, whole in PICTURES:
        sizes_of = whole[2:].split("x")
        x = real(whole)
        count = 2 * math.prod(int(size) for size in sizes_of[1:])
        classes = given(places_of, rule[:count], torch.int32)
        spread = real(whole, 0, 1)
        for table, y in ((ON_SPACE, classes), (SPREAD, spread)):
            for cost, last, f in table:
                name, *options = cost.split()
                what = "of class numbers" if y is classes else "of distributions"
                kernel = ", 1" * (picture.count("x") + 1)
                yield Case(f"cost:{name}",
                           " ".join((*options, f"after {last}", what, f"on {picture}")),
                           "t.cost, t[1].delta",
                           both(lambda z, y, f=f: f(z, y if y.dtype != torch.float64
                                                    else y / y.sum(1, keepdim=True)), None),
                           {"x": x, "y": y}, (),
                           (f'net = nn.net("{picture} - conv 3 1 {last} : {cost}", '
                            "{dtype = dtype})",
                            f"net[1].w, net[1].b = tensor.eye(3):reshape(3, 3{kernel[3:]}), 0",
                            "if y.dtype == dtype then y = y / y:sum(2, {keep = true}) end",
                            "t = net:trace(x, y)"))


def far_out():
    """Activations at ±1000; what is of the magnitude of e^1000 is left out."""
    for name, (f, *_) in ACTIVATIONS.items():
        if name == "exp":
            continue
        f = F.softplus if name == "softplus" else f
        yield Case(f"activation:{name}", "far out", "net:record(a)", f,
                   {"a": given("4x1", [-1000, -200, 200, 1000])},
                   before=(f'net = nn.net("1 - 1 {name}", {{dtype = dtype}})',
                           "net[1].w, net[1].b = 1, 0"))
    for name, f in {"softmax": torch.softmax, "log_softmax": torch.log_softmax}.items():
        yield Case(f"activation:{name}", "far out", "net:record(a)", lambda a, f=f: f(a, 1),
                   {"a": given("4x3", FAR)},
                   before=(f'net = nn.net("3 - 3 {name}", {{dtype = dtype}})',
                           "net[1].w, net[1].b = tensor.eye(3), 0"))


# title, the last layer and the cost, function of z, y and the weights
WEIGHTED = (
    ("of classes", "softmax : cross_entropy", F.cross_entropy),
    ("of classes", "linear : cross_entropy logits=true", F.cross_entropy),
    ("of classes", "log_softmax : nll", lambda z, y, weight: F.nll_loss(logs(z), y, weight)),
)


def weighted():
    """A step of plain descent on the weighted mean: its cost, and weights and biases after it."""
    for title, last, f in WEIGHTED:

        def run(x, y, k, f=f):
            w, b = (p.requires_grad_() for p in (torch.eye(3), torch.zeros(3)))
            c = f(x @ w.t() + b, y.long() - 1, weight=k)
            c.backward()
            return c.item(), w - w.grad / 4, b - b.grad / 4

        yield Case(f"cost:{last.split(' : ')[1].split()[0]}", f"weights {title} after {last}",
                   "h.cost[1], net[1].w, net[1].b", run,
                   {"x": real("5x3"), "y": given("5", [3, 1, 2, 2, 3], torch.int32),
                    "k": given("3", [0.5, 3, 0.25])}, (),
                   (f'net = nn.net("3 - 3 {last}", {{dtype = dtype}})',
                    "net[1].w, net[1].b = tensor.eye(3), 0",
                    "h = net:train(x, y, {weights = k, epochs = 1, batch = 5, lr = 0.25, "
                    "progress = false})"))


def mean_with(each):
    return lambda z, y, k: (each(z, y) * k).sum() / k.sum()


# the last layer and the cost, what one example costs
WEIGHTED_EXAMPLES = (
    ("softmax : cross_entropy", lambda z, y: -(y * logs(z)).sum(1)),
    ("linear : quadratic", lambda z, y: ((z - y) ** 2).sum(1) / 2),
    ("tanh : huber delta=0.5",
     lambda z, y: F.huber_loss(torch.tanh(z), y, reduction="none", delta=0.5).sum(1)),
    ("linear : mae", lambda z, y: (z - y).abs().mean(1)),
)


def weighted_examples():
    """Cost, and the gradients of a last layer, where every example has a weight of its own."""
    for last, each in WEIGHTED_EXAMPLES:

        def run(x, y, k, f=mean_with(each)):
            w, b = (p.requires_grad_() for p in (torch.eye(3), torch.zeros(3)))
            c = f(x @ w.t() + b, y, k)
            c.backward()
            return c.item(), w.grad, b.grad

        yield Case(f"cost:{last.split(' : ')[1].split()[0]}", f"weights of examples after {last}",
                   "net:cost(x, y, {weights = {examples = k}}), net[1].w.grad, net[1].b.grad", run,
                   {"x": real("5x3"), "y": real("5x3", 0, 1), "k": given("5", [2, 0, 0.5, 1, 3])},
                   (), (f'net = nn.net("3 - 3 {last}", {{dtype = dtype}})',
                        "net[1].w, net[1].b = tensor.eye(3), 0",
                        "net:backprop(x, y, {weights = {examples = k}})"))


def cases():
    yield from weighted_examples()
    yield from costs()
    yield from on_steps()
    yield from on_space()
    yield from weighted()
    yield from far_out()
