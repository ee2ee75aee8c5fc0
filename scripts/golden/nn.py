"""Activations, costs, whole passes through networks and blocks."""

import torch
from torch.nn import functional as F

from .case import Case, given, real

def hard_sigmoid(z):
    """PyTorch's own has a slope of 1/6 rounded to f32."""
    return torch.clamp(z / 6 + 0.5, 0, 1)


# name: function, kinks
ACTIVATIONS = {
    "sigmoid": (torch.sigmoid,), "tanh": (torch.tanh,), "relu": (F.relu, 0),
    "leaky_relu": (F.leaky_relu, 0), "elu": (F.elu, 0), "selu": (F.selu, 0), "gelu": (F.gelu,),
    "silu": (F.silu,), "mish": (F.mish,), "softplus": (lambda z: F.softplus(z, threshold=1000),),
    "softsign": (F.softsign, 0), "hard_sigmoid": (hard_sigmoid, -3, 3),
    "hard_tanh": (F.hardtanh, -1, 1), "hard_silu": (F.hardswish, -3, 3), "relu6": (F.relu6, 0, 6),
    "gaussian": (lambda z: torch.exp(-z * z),), "sin": (torch.sin,),
    "exp": (torch.exp,), "linear": (lambda z: z * 1,),
    "step": (lambda z: torch.heaviside(z.detach(), torch.tensor(1.0)) + 0 * z, 0),
    "elliot": (lambda z: z / (2 * (1 + z.abs())) + 0.5, 0),
}

# name, its options, function, kinks
CHOSEN = (
    ("leaky_relu", "slope=0.2", lambda z: F.leaky_relu(z, 0.2), (0,)),
    ("elu", "alpha=0.5", lambda z: F.elu(z, 0.5), (0,)),
    ("elu", "alpha=2.25", lambda z: F.elu(z, 2.25), (0,)),
)


def activations():
    """A layer of one neuron with weight 1: z is the input itself."""
    for name, (f, *kinks) in ACTIVATIONS.items():
        before = (f'net = nn.net("1 - 1 {name}", {{dtype = dtype}})', "net[1].w, net[1].b = 1, 0")
        yield Case(f"activation:{name}", "column", "net:record(a)", f,
                   {"a": real("24x1", -8, 8, kinks)}, before=before)
        yield Case(f"activation:{name}", "saturated", "net:record(a)", f,
                   {"a": given("6x1", [-60, -30, -12, 12, 30, 60])}, before=before)
    for name, options, f, kinks in CHOSEN:
        before = (f'net = nn.net("1 - 1 {name}({options})", {{dtype = dtype}})',
                  "net[1].w, net[1].b = 1, 0")
        yield Case(f"activation:{name}", options, "net:record(a)", f,
                   {"a": real("24x1", -8, 8, kinks)}, before=before)
    unit = (tuple(float(i == j) for i in range(3) for j in range(3)), (0, 0, 0))
    for name, f in {"softmax": torch.softmax, "log_softmax": torch.log_softmax}.items():
        before = (f'net = nn.net("3 - 3 {name}", {{dtype = dtype}})', "net[1].w, net[1].b = w, b")
        yield Case(f"activation:{name}", "rows", "net:record(a)", lambda a, w, b, f=f: f(a, 1),
                   {"a": real("4x3", -6, 6), "w": given("3x3", unit[0]), "b": given("3", unit[1])},
                   ("a",), before)


def half_squared(a, y):
    return ((a - y) ** 2).sum() / 2 / a.shape[0]


def categorical(z, y):
    return F.cross_entropy(z, y)


def bernoulli(z, y):
    return F.binary_cross_entropy_with_logits(z, y, reduction="sum") / z.shape[0]


def mean_of(cost, f):
    return lambda z, y: cost(f(z), y)


def of_outputs(a, y):
    """What the book writes, from a: for outputs of which no cost is made from z."""
    return F.binary_cross_entropy(a, y, reduction="sum") / a.shape[0]


def soft(z):
    return torch.softmax(z, 1)


def half_and_half(z):
    return torch.cat((torch.sigmoid(z[:, :2]), hard_sigmoid(z[:, 2:])), 1)


def huber(delta):
    """Summed over an example's outputs, averaged over the examples."""
    return lambda a, y: F.huber_loss(a, y, reduction="sum", delta=delta) / a.shape[0]


# cost with its options, last layer, function of z and y
COSTS = (
    ("quadratic", "linear", half_squared),
    ("quadratic", "sigmoid", mean_of(half_squared, torch.sigmoid)),
    ("quadratic", "softmax", mean_of(half_squared, soft)),
    ("mse", "linear", F.mse_loss),
    ("mse", "tanh", mean_of(F.mse_loss, torch.tanh)),
    ("huber", "linear", huber(1)),
    ("huber delta=0.375", "linear", huber(0.375)),
    ("huber delta=4", "linear", huber(4)),
    ("huber delta=0.25", "tanh", mean_of(huber(0.25), torch.tanh)),
    ("cross_entropy", "softmax", categorical),
    ("cross_entropy", "sigmoid", bernoulli),
    ("cross_entropy", "log_softmax", lambda z, y: categorical(z, y)),
    ("cross_entropy", "sigmoid hard_sigmoid@3", mean_of(of_outputs, half_and_half)),
    ("cross_entropy logits=true", "linear", categorical),
)


def costs():
    """Cost and delta at z, of a layer whose weights are the unit matrix."""
    for cost, last, f in COSTS:

        def both(z, y, f=f):
            z = z.detach().requires_grad_()
            value = f(z, y)
            value.backward()
            return value.item(), z.grad

        before = (f'net = nn.net("3 - 3 {last} : {cost}", {{dtype = dtype}})',
                  "net[1].w, net[1].b = tensor.eye(3), 0", "t = net:trace(x, y)")
        inputs = {"x": real("4x3", -2, 2), "y": real("4x3", 0, 1)}
        name, *options = cost.split()
        title = " ".join((*options, f"after {last}"))
        yield Case(f"cost:{name}", title, "t.cost, t[1].delta", both, inputs, (), before)
        if name != "cross_entropy" or "@" in last or last == "log_softmax":
            continue
        far = {"x": given("2x3", [60, -60, 0, -90, 30, -30]),
               "y": given("2x3", [0, 1, 0, 1, 0, 0])}
        title = " ".join((*options, f"after saturated {last}"))
        yield Case(f"cost:{name}", title, "t.cost, t[1].delta", both, far, (), before)
    numbers = [3, 1, 2, 2]
    yield Case("cost:cross_entropy", "of class numbers", "net:cost(x, y)",
               lambda x, y: F.cross_entropy(x, y.long() - 1).item(),
               {"x": real("4x3"), "y": given("4", numbers, torch.int32)}, (),
               ('net = nn.net("3 - 3 softmax : cross_entropy", {dtype = dtype})',
                "net[1].w, net[1].b = tensor.eye(3), 0"))
    yield Case("cost:cross_entropy", "logits=true of class numbers", "net:cost(x, y)",
               lambda x, y: F.cross_entropy(x, y.long() - 1).item(),
               {"x": real("4x3"), "y": given("4", numbers, torch.int32)}, (),
               ('net = nn.net("3 - 3 linear : cross_entropy logits=true", {dtype = dtype})',
                "net[1].w, net[1].b = tensor.eye(3), 0"))
    yield Case("cost:cross_entropy", "logits=true of one output", "net:cost(x, y)",
               lambda x, y: F.binary_cross_entropy_with_logits(x, y).item(),
               {"x": given("6x1", [-90, -2.5, 0, 1.5, 30, 60]),
                "y": given("6x1", [0, 1, 0.5, 0.25, 1, 0])}, (),
               ('net = nn.net("1 - 1 linear : cross_entropy logits=true", {dtype = dtype})',
                "net[1].w, net[1].b = 1, 0"))


# Costs that are tried on steps, over which they average as over the examples.
ON_STEPS = (("quadratic", "linear"), ("quadratic", "softmax"), ("mse", "tanh"), ("huber", "linear"),
            ("huber delta=0.375", "linear"), ("cross_entropy", "softmax"),
            ("cross_entropy", "sigmoid"), ("cross_entropy logits=true", "linear"))


def costs_on_steps():
    """Cost and delta at z where every step has its own targets."""
    functions = {(cost, last): f for cost, last, f in COSTS}
    for cost, last in ON_STEPS:

        def both(z, y, f=functions[cost, last]):
            z = z.detach().requires_grad_()
            value = f(z.flatten(0, 1), y.flatten(0, 1))
            value.backward()
            return value.item(), z.grad

        name, *options = cost.split()
        title = " ".join((*options, f"after {last} on steps"))
        yield Case(f"cost:{name}", title, "t.cost, t[1].delta", both,
                   {"x": real("2x5x3", -2, 2), "y": real("2x5x3", 0, 1)}, (),
                   (f'net = nn.net("*x3 - 3 {last} : {cost}", {{dtype = dtype}})',
                    "net[1].w, net[1].b = tensor.eye(3), 0", "t = net:trace(x, y)"))


SIZES = {"x": "5x3", "w1": "4x3", "b1": "4", "w2": "2x4", "b2": "2", "y": "5x2"}


def network(one, two, cost):
    """z, a, delta, dw and db of both layers, after the cost."""

    def run(x, w1, b1, w2, b2, y):
        z1 = (x @ w1.t() + b1).detach().requires_grad_()
        a1 = one(z1)
        z2 = a1 @ w2.t() + b2
        z2.retain_grad()
        a2 = two(z2)
        c = cost(z2, y)
        c.backward()
        first = (z1, a1, z1.grad, z1.grad.t() @ x, z1.grad.sum(0))
        second = (z2, a2, z2.grad, z2.grad.t() @ a1.detach(), z2.grad.sum(0))
        return (c.item(), *first, *second)

    return run


def traces():
    fields = ", ".join(f"t[{l}].{field}" for l in (1, 2)
                       for field in ("z", "a", "delta", "dw", "db"))
    for one, two, cost, f, g, h in (
        ("sigmoid", "sigmoid", "quadratic", torch.sigmoid, torch.sigmoid,
         mean_of(half_squared, torch.sigmoid)),
        ("tanh", "softmax", "cross_entropy", torch.tanh, soft, categorical),
        ("gelu", "sigmoid", "cross_entropy", F.gelu, torch.sigmoid, bernoulli),
        ("softplus", "linear", "mse", F.softplus, lambda z: z, F.mse_loss),
    ):
        inputs = {name: real(shape, *((0, 1) if name == "y" else (-1, 1)))
                  for name, shape in SIZES.items()}
        yield Case("layer:dense", f"trace of {one}, {two}, {cost}", f"t.cost, {fields}",
                   network(f, g, h), inputs, (),
                   (f'net = nn.net("3 - 4 {one} - 2 {two} : {cost}", {{dtype = dtype}})',
                    "net[1].w, net[1].b, net[2].w, net[2].b = w1, b1, w2, b2",
                    "t = net:trace(x, y)"))


# ---- Blocks, shared layers, steps ----

def affine(x, w, b):
    return x @ w.t() + b


# Name and title of the case, notation, shape of x, places and sizes of the dense layers, and the
# same function of x and of each layer's w and b.
TREES = (
    ("layer:residual", "of one branch", "3 - residual[4 tanh - 3 linear] - 2", "5x3",
     {"1][1": (4, 3), "1][2": (3, 4), "2": (2, 3)},
     lambda x, f, g, h: torch.sigmoid(affine(x + affine(torch.tanh(affine(x, *f)), *g), *h))),
    ("layer:residual", "of two branches", "3 - residual[5 sigmoid - 4 tanh | 4 softplus]", "7x3",
     {"1][1": (5, 3), "1][2": (4, 5), "1][3": (4, 3)},
     lambda x, f, g, h: torch.tanh(affine(torch.sigmoid(affine(x, *f)), *g))
     + F.softplus(affine(x, *h))),
    ("layer:residual", "in a residual", "3 - residual[residual[3 tanh] - 3 sigmoid]", "5x3",
     {"1][1][1": (3, 3), "1][2": (3, 3)},
     lambda x, f, g: x + torch.sigmoid(affine(x + torch.tanh(affine(x, *f)), *g))),
    ("layer:residual", "on steps", "*x3 - residual[5 gelu - 3 linear] - 2 tanh", "2x7x3",
     {"1][1": (5, 3), "1][2": (3, 5), "2": (2, 3)},
     lambda x, f, g, h: torch.tanh(affine(x + affine(F.gelu(affine(x, *f)), *g), *h))),
    ("layer:residual", "of one example", "5 - residual[7 tanh - 5 linear] - 3", "1x5",
     {"1][1": (7, 5), "1][2": (5, 7), "2": (3, 5)},
     lambda x, f, g, h: torch.sigmoid(affine(x + affine(torch.tanh(affine(x, *f)), *g), *h))),
    ("layer:parallel", "of three branches, one empty",
     "3 - parallel[4 tanh | 1 sigmoid |] - 2 tanh", "5x3",
     {"1][1": (4, 3), "1][2": (1, 3), "2": (2, 8)},
     lambda x, f, g, h: torch.tanh(affine(torch.cat(
         (torch.tanh(affine(x, *f)), torch.sigmoid(affine(x, *g)), x), 1), *h))),
    ("layer:parallel", "on steps", "*x3 - parallel[2 tanh - 5 | 4 softsign]", "3x5x3",
     {"1][1": (2, 3), "1][2": (5, 2), "1][3": (4, 3)},
     lambda x, f, g, h: torch.cat(
         (torch.sigmoid(affine(torch.tanh(affine(x, *f)), *g)), F.softsign(affine(x, *h))), 2)),
    ("layer:parallel", "of one example", "3 - parallel[| 5 tanh]", "1x3", {"1][1": (5, 3)},
     lambda x, f: torch.cat((x, torch.tanh(affine(x, *f))), 1)),
    ("layer:net", "between two layers", "3 - 4 tanh - net[5 gelu - 3 linear] - 2", "7x3",
     {"1": (4, 3), "2][1": (5, 4), "2][2": (3, 5), "3": (2, 3)},
     lambda x, f, g, h, k: torch.sigmoid(affine(affine(F.gelu(affine(
         torch.tanh(affine(x, *f)), *g)), *h), *k))),
    ("layer:net", "in a branch", "3 - parallel[net[5 tanh - 2] | net[2 silu]]", "5x3",
     {"1][1][1": (5, 3), "1][1][2": (2, 5), "1][2][1": (2, 3)},
     lambda x, f, g, h: torch.cat((torch.sigmoid(affine(torch.tanh(affine(x, *f)), *g)),
                                   F.silu(affine(x, *h))), 1)),
    ("layer:act", "after a block", "3 - residual[5 tanh - 3 linear] - act gelu - 2", "5x3",
     {"1][1": (5, 3), "1][2": (3, 5), "3": (2, 3)},
     lambda x, f, g, h: torch.sigmoid(affine(F.gelu(
         x + affine(torch.tanh(affine(x, *f)), *g)), *h))),
    ("layer:act", "of neurons that differ, first and last",
     "3 - act tanh sin@2 - 4 linear - act softmax", "5x3", {"2": (4, 3)},
     lambda x, f: torch.softmax(affine(torch.cat(
         (torch.tanh(x[:, :1]), torch.sin(x[:, 1:2]), torch.tanh(x[:, 2:])), 1), *f), 1)),
    ("layer:act", "on steps", "*x3 - 5 linear - act silu - 2", "3x7x3",
     {"1": (5, 3), "3": (2, 5)},
     lambda x, f, g: torch.sigmoid(affine(F.silu(affine(x, *f)), *g))),
    ("layer:dense", "shared by two places", "3 - 3 tanh name=a - @a - 2", "5x3",
     {"1": (3, 3), "3": (2, 3)},
     lambda x, f, g: torch.sigmoid(affine(
         torch.tanh(affine(torch.tanh(affine(x, *f)), *f)), *g))),
    ("layer:dense", "shared by a block's branch", "3 - 3 tanh name=a - residual[5 gelu - 3 | @a]",
     "7x3", {"1": (3, 3), "2][1": (5, 3), "2][2": (3, 5)},
     lambda x, f, g, h: (lambda one: torch.sigmoid(affine(F.gelu(affine(one, *g)), *h))
                         + torch.tanh(affine(one, *f)))(torch.tanh(affine(x, *f)))),
    ("layer:dense", "on steps", "*x3 - 5 tanh - 2", "3x7x3", {"1": (5, 3), "2": (2, 5)},
     lambda x, f, g: torch.sigmoid(affine(torch.tanh(affine(x, *f)), *g))),
    ("layer:dense", "on one step", "*x3 - 5 tanh - 2", "1x1x3", {"1": (5, 3), "2": (2, 5)},
     lambda x, f, g: torch.sigmoid(affine(torch.tanh(affine(x, *f)), *g))),
)


def pairs(parameters):
    """w, b, w, b, … as one pair a layer."""
    return list(zip(parameters[::2], parameters[1::2]))


def parameters_of(places):
    """The inputs that fill the layers at these places, and the statement in Lua that does so."""
    inputs, left, right = {}, [], []
    for i, (place, size) in enumerate(places.items(), 1):
        inputs[f"w{i}"] = real("{}x{}".format(*size), -1, 1)
        inputs[f"b{i}"] = real(str(size[0]), -1, 1)
        left += [f"net[{place}].w", f"net[{place}].b"]
        right += [f"w{i}", f"b{i}"]
    return inputs, f"{', '.join(left)} = {', '.join(right)}", left


def trees():
    """The output, and the gradients at x and at all parameters of its sum times weights v."""
    for op, title, notation, shape, places, f in TREES:

        def run(x, v, *parameters, f=f):
            leaves = [leaf.detach().requires_grad_() for leaf in (x, *parameters)]
            a = f(leaves[0], *pairs(leaves[1:]))
            (a * v).sum().backward()
            return (a, *(leaf.grad for leaf in leaves))

        inputs, fill, names = parameters_of(places)
        x = real(shape)
        widths = torch.rand(x.shape), *(torch.rand(i.shape) for i in inputs.values())
        out = "x".join(str(size) for size in f(widths[0], *pairs(widths[1:])).shape)
        yield Case(op, title, f"a, x.grad, {', '.join(name + '.grad' for name in names)}", run,
                   {"x": x, "v": real(out), **inputs}, (),
                   (f'net = nn.net("{notation}", {{dtype = dtype}})', fill,
                    "x:requires_grad_()", "a = net:record(x)", "c = (a * v):sum()",
                    "c:backward()"))


# title, notation, places, shape of x, class numbers of all steps, z as a function of x
CLASSES = (
    ("of class numbers at every step", "*x3 - 5 tanh - 4 softmax", {"1": (5, 3), "2": (4, 5)},
     "2x3x3", [1, 4, 2, 2, 3, 4],
     lambda x, f, g: affine(torch.tanh(affine(x, *f)), *g)),
    ("of class numbers at every step of one example", "*x3 - residual[3 tanh] - net[3 softmax]",
     {"1][1": (3, 3), "2][1": (3, 3)}, "1x5x3", [3, 1, 1, 2, 3],
     lambda x, f, g: affine(x + torch.tanh(affine(x, *f)), *g)),
    ("of class numbers after a nested net", "3 - 5 tanh - net[2 tanh - 3 softmax]",
     {"1": (5, 3), "2][1": (2, 5), "2][2": (3, 2)}, "7x3", [3, 1, 1, 2, 3, 2, 1],
     lambda x, f, g, h: affine(torch.tanh(affine(torch.tanh(affine(x, *f)), *g)), *h)),
)


def classes():
    """Cost of class numbers and its gradients at all parameters."""
    for title, notation, places, shape, numbers, f in CLASSES:

        def run(x, y, *parameters, f=f):
            leaves = [leaf.detach().requires_grad_() for leaf in parameters]
            z = f(x, *pairs(leaves))
            c = F.cross_entropy(z.reshape(-1, z.shape[-1]), y.flatten().long() - 1)
            c.backward()
            return (c.item(), *(leaf.grad for leaf in leaves))

        inputs, fill, names = parameters_of(places)
        y = given("x".join(shape.split("x")[:-1]), numbers, torch.int32)
        yield Case("cost:cross_entropy", title,
                   f"net:cost(x, y), {', '.join(name + '.grad' for name in names)}", run,
                   {"x": real(shape), "y": y, **inputs}, (),
                   (f'net = nn.net("{notation} : cross_entropy", {{dtype = dtype}})', fill,
                    "net:backprop(x, y)"))


# title, notation, shape of x, places and sizes of the weights, function of x and them
WEIGHTS_ALONE = (
    ("bias=false", "3 - 5 tanh bias=false - 2 linear", "4x3", {"1": (5, 3)},
     lambda x, w: torch.tanh(x @ w.t())),
    ("bias=false on steps", "*x3 - 5 tanh bias=false - 2 linear", "2x3x3", {"1": (5, 3)},
     lambda x, w: torch.tanh(x @ w.t())),
    ("bias=false of no example", "3 - 5 tanh bias=false - 2 linear", "0x3", {"1": (5, 3)},
     lambda x, w: torch.tanh(x @ w.t())),
    ("tied to a layer", "3 - 3 tanh bias=false name=e - 3 softplus tied=e bias=false - 2 linear",
     "5x3", {"1": (3, 3)}, lambda x, w: F.softplus(torch.tanh(x @ w.t()) @ w.t())),
    ("tied twice, in a block", "3 - 3 tanh bias=false name=e - residual[3 sin tied=e bias=false] - "
     "3 tied=e bias=false - 2 linear", "2x3", {"1": (3, 3)},
     lambda x, w: (lambda h: torch.sigmoid((h + torch.sin(h @ w.t())) @ w.t()))(
         torch.tanh(x @ w.t()))),
    ("tied in a repeat", "3 - 3 tanh bias=false name=e - 2*[3 gelu tied=e bias=false] - 2 linear",
     "2x3", {"1": (3, 3)},
     lambda x, w: F.gelu(F.gelu(torch.tanh(x @ w.t()) @ w.t()) @ w.t())),
)


def without_biases():
    """Weights without biases, and those that several layers take; the last layer sums by ones."""
    for title, notation, shape, places, f in WEIGHTS_ALONE:

        def run(x, v, w, f=f):
            leaves = [leaf.detach().requires_grad_() for leaf in (x, w)]
            a = f(*leaves) @ torch.ones(2, f(*leaves).shape[-1]).t()
            (a * v).sum().backward()
            return (a, *(leaf.grad for leaf in leaves))

        outputs = "x".join(shape.split("x")[:-1]) + "x2"
        yield Case("layer:dense", title, "a, x.grad, net[1].w.grad", run,
                   {"x": real(shape), "v": real(outputs),
                    "w": real("{}x{}".format(*places["1"]), -1, 1)}, (),
                   (f'net = nn.net("{notation}", {{dtype = dtype}})', "net[1].w = w",
                    "net[#net].w, net[#net].b = 1, 0", "x:requires_grad_()", "a = net:record(x)",
                    "c = (a * v):sum()", "c:backward()"))


def shapes():
    """Layers that move no number."""
    for layer, notation, shape, out in (
            ("flatten", "2x3x2 - flatten", "5x2x3x2", (5, 12)),
            ("flatten", "3 - flatten", "1x3", (1, 3)),
            ("reshape", "12 - reshape 3x2x2", "5x12", (5, 3, 2, 2)),
            ("reshape", "3x4 - reshape 2x6", "2x3x4", (2, 2, 6))):
        yield Case(f"layer:{layer}", notation, "net:record(a)", lambda a, out=out: a.reshape(out),
                   {"a": real(shape)}, before=(f'net = nn.net("{notation}", {{dtype = dtype}})',))


# title, notation, shape of x, features, epsilon
LAYER_NORMS = (
    ("of a vector", "7 - layer_norm", "5x7", 7, 1e-5),
    ("epsilon=0.25", "3 - layer_norm epsilon=0.25", "5x3", 3, 0.25),
    ("of two features", "2 - layer_norm", "4x2", 2, 1e-5),
    ("on steps", "*x5 - layer_norm", "2x3x5", 5, 1e-5),
    ("of no example", "3 - layer_norm", "0x3", 3, 1e-5),
    ("of one example of one step", "*x37 - layer_norm", "1x1x37", 37, 1e-5),
)


def layer_norms():
    """The output, and the gradients at x, gain and shift of its sum times weights v."""
    for title, notation, shape, k, epsilon in LAYER_NORMS:

        def run(x, v, gain, shift, k=k, epsilon=epsilon):
            leaves = [leaf.detach().requires_grad_() for leaf in (x, gain, shift)]
            a = F.layer_norm(leaves[0], (k,), leaves[1], leaves[2], epsilon)
            (a * v).sum().backward()
            return (a, *(leaf.grad for leaf in leaves))

        yield Case("layer:layer_norm", title, "a, x.grad, net[1].gain.grad, net[1].shift.grad",
                   run, {"x": real(shape), "v": real(shape), "gain": real(str(k), -1, 1),
                         "shift": real(str(k), -1, 1)}, (),
                   (f'net = nn.net("{notation}", {{dtype = dtype}})',
                    "net[1].gain, net[1].shift = gain, shift", "x:requires_grad_()",
                    "a = net:record(x)", "c = (a * v):sum()", "c:backward()"))


def cases():
    yield from activations()
    yield from costs()
    yield from costs_on_steps()
    yield from traces()
    yield from trees()
    yield from classes()
    yield from layer_norms()
    yield from without_biases()
    yield from shapes()
