"""Optimizers: twenty steps of each, options on and off; penalties; schedules."""

import torch

from .case import Case, real


def half_squared(a, y):
    return ((a - y) ** 2).sum() / 2 / a.shape[0]


O = torch.optim
STEPS = {"quickprop": 8}  # it divides by small differences: rounding in f32 grows


def nadam(**options):
    """With foreach: the other form of PyTorch 1.13 multiplies by one share of momentum twice."""
    return lambda p: O.NAdam(p, foreach=True, **options)


def parts_of(parameters, decay):
    """Weights shrink, biases do not."""
    w, b = parameters
    return [{"params": [w], "weight_decay": decay}, {"params": [b], "weight_decay": 0}]


class Quickprop(O.Optimizer):
    """As Fahlman writes it (CMU-CS-88-162), number by number."""

    def __init__(self, parameters, lr, mu):
        super().__init__(list(parameters), {"lr": lr, "mu": mu})

    @staticmethod
    def change(d, s, p, lr, mu):
        shrink = mu / (1 + mu)
        if d == 0:
            return -lr * s
        linear = -lr * s if (s < 0) == (d > 0) and s != 0 else 0
        close = s <= shrink * p if d > 0 else s >= shrink * p
        return linear + (mu * d if close else d * s / (p - s))

    def step(self):
        for group in self.param_groups:
            for w in group["params"]:
                zeros = torch.zeros_like(w)
                state = self.state.setdefault(w, {"d": zeros, "p": zeros})
                d = [self.change(*(t.flatten()[i].item() for t in (state["d"], w.grad, state["p"])),
                                 group["lr"], group["mu"]) for i in range(w.numel())]
                state["d"] = torch.tensor(d, dtype=w.dtype).reshape(w.shape)
                state["p"] = w.grad.clone()
                w.data += state["d"]


OPTIMIZERS = (
    ("sgd", "plain", "lr = 0.5", lambda p: O.SGD(p, lr=0.5)),
    ("sgd", "momentum", "lr = 0.2, momentum = 0.9",
     lambda p: O.SGD(p, lr=0.2, momentum=0.9)),
    ("sgd", "nesterov", "lr = 0.2, momentum = 0.75, nesterov = true",
     lambda p: O.SGD(p, lr=0.2, momentum=0.75, nesterov=True)),
    ("adam", "as it comes", "", O.Adam),
    ("adam", "all options", "lr = 0.1, beta1 = 0.75, beta2 = 0.5, epsilon = 0.01",
     lambda p: O.Adam(p, lr=0.1, betas=(0.75, 0.5), eps=0.01)),
    ("adam", "amsgrad", "lr = 0.05, amsgrad = true", lambda p: O.Adam(p, lr=0.05, amsgrad=True)),
    ("adamw", "as it comes", "", lambda p: O.AdamW(parts_of(p, 0.01))),
    ("adamw", "all options",
     "lr = 0.1, beta1 = 0.75, beta2 = 0.5, epsilon = 0.01, decay = 0.5, amsgrad = true",
     lambda p: O.AdamW(parts_of(p, 0.5), lr=0.1, betas=(0.75, 0.5), eps=0.01, amsgrad=True)),
    ("nadam", "as it comes", "", nadam()),
    ("nadam", "all options",
     "lr = 0.05, beta1 = 0.75, beta2 = 0.5, epsilon = 0.01, momentum_decay = 0.125",
     nadam(lr=0.05, betas=(0.75, 0.5), eps=0.01, momentum_decay=0.125)),
    ("rmsprop", "as it comes", "", O.RMSprop),
    ("rmsprop", "momentum", "lr = 0.02, momentum = 0.75",
     lambda p: O.RMSprop(p, lr=0.02, momentum=0.75)),
    ("rmsprop", "centered", "lr = 0.02, centered = true, epsilon = 0.01",
     lambda p: O.RMSprop(p, lr=0.02, centered=True, eps=0.01)),
    ("rmsprop", "all options",
     "lr = 0.02, rho = 0.5, epsilon = 0.01, momentum = 0.75, centered = true",
     lambda p: O.RMSprop(p, lr=0.02, alpha=0.5, eps=0.01, momentum=0.75, centered=True)),
    ("adagrad", "as it comes", "", O.Adagrad),
    ("adagrad", "all options", "lr = 0.25, rate_decay = 0.1, initial = 0.5, epsilon = 0.01",
     lambda p: O.Adagrad(p, lr=0.25, lr_decay=0.1, initial_accumulator_value=0.5, eps=0.01)),
    ("adadelta", "as it comes", "", O.Adadelta),
    ("adadelta", "all options", "lr = 0.5, rho = 0.5, epsilon = 0.01",
     lambda p: O.Adadelta(p, lr=0.5, rho=0.5, eps=0.01)),
    ("rprop", "as it comes", "", O.Rprop),
    ("rprop", "all options",
     "lr = 0.25, eta_minus = 0.25, eta_plus = 1.5, step_min = 0.125, step_max = 1",
     lambda p: O.Rprop(p, lr=0.25, etas=(0.25, 1.5), step_sizes=(0.125, 1))),
    ("quickprop", "as it comes", "", lambda p: Quickprop(p, 0.1, 1.75)),
    ("quickprop", "all options", "lr = 0.75, mu = 1.25", lambda p: Quickprop(p, 0.75, 1.25)),
)


def optimizers():
    """The parameters after each step."""
    for name, title, options, make in OPTIMIZERS:

        steps = STEPS.get(name, 20)

        def run(x, y, w, b, make=make, steps=steps):
            w, b = (p.clone().requires_grad_() for p in (w, b))
            optimizer, path = make((w, b)), []
            for _ in range(steps):
                optimizer.zero_grad()
                half_squared(torch.tanh(x @ w.t() + b), y).backward()
                optimizer.step()
                path.append(torch.cat((w.detach().flatten(), b.detach())))
            return path

        yield Case(f"optimizer:{name}", title, "table.unpack(path)", run,
                   {"x": real("5x3", -1, 1), "y": real("5x2", 0, 1), "w": real("2x3", -1, 1),
                    "b": real("2", -1, 1)}, (),
                   ('net = nn.net("3 - 2 tanh", {dtype = dtype})', "net[1].w, net[1].b = w, b",
                    f"o, path = nn.{name} {{{options}}}, {{}}",
                    f"for i = 1, {steps} do net:step(x, y, o); path[i] = net:params():clone() end"))


# title, the run's options, PyTorch's optimizer, n l1 and n l2, what is done to the gradients
PENALTIES = (
    ("l2", 'optimizer = "sgd", lr = 0.5, l2 = 0.5', lambda p: O.SGD(p, lr=0.5), 0, 0.5, None),
    ("l1", 'optimizer = "sgd", lr = 0.5, l1 = 0.25', lambda p: O.SGD(p, lr=0.5), 0.25, 0, None),
    ("l1 and l2 of adam", 'optimizer = "adam", lr = 0.1, l1 = 0.25, l2 = 0.5',
     lambda p: O.Adam(p, lr=0.1), 0.25, 0.5, None),
    ("decay", "optimizer = nn.sgd {lr = 0.2, momentum = 0.75}, decay = 0.25",
     lambda p: O.SGD(p, lr=0.2, momentum=0.75), 0, 0, 0.2 * 0.25),
    ("clip", 'optimizer = "sgd", lr = 0.5, clip = 0.125, l2 = 0.5', lambda p: O.SGD(p, lr=0.5),
     0, 0.5, "norm"),
    ("clip of adam", 'optimizer = "adam", lr = 0.1, clip = 0.125', lambda p: O.Adam(p, lr=0.1),
     0, 0, "norm"),
    ("clip by value", 'optimizer = "sgd", lr = 0.5, clip = {value = 0.0625}',
     lambda p: O.SGD(p, lr=0.5), 0, 0, "value"),
)


def bound(parameters, how):
    """Without the 1e-6 that PyTorch adds to the norm."""
    if how == "value":
        torch.nn.utils.clip_grad_value_(parameters, 0.0625)
    if how == "norm":
        norm = torch.sqrt(sum((p.grad**2).sum() for p in parameters))
        for p in parameters:
            p.grad *= min(1, 0.125 / norm)


def penalties():
    """Weights and biases after each epoch of one batch of five examples."""
    for title, options, make, l1, l2, how in PENALTIES:

        def run(x, y, w, b, make=make, l1=l1, l2=l2, how=how):
            w, b = (p.clone().requires_grad_() for p in (w, b))
            optimizer, path = make((w, b)), []
            for _ in range(10):
                optimizer.zero_grad()
                cost = half_squared(torch.tanh(x @ w.t() + b), y)
                (cost + l1 / 5 * w.abs().sum() + l2 / 10 * (w * w).sum()).backward()
                bound((w, b), how)
                if isinstance(how, float):
                    w.data *= 1 - how
                optimizer.step()
                path.append(torch.cat((w.detach().flatten(), b.detach())))
            return path

        yield Case("optimizer:sgd", title, "table.unpack(path)", run,
                   {"x": real("5x3", -1, 1), "y": real("5x2", 0, 1), "w": real("2x3", -1, 1),
                    "b": real("2", -1, 1)}, (),
                   ('net = nn.net("3 - 2 tanh", {dtype = dtype})', "net[1].w, net[1].b = w, b",
                    "path, keep = {}, function(e) path[e.epoch] = net:params():clone() end",
                    f"net:train(x, y, {{epochs = 10, batch = 5, {options}, on_epoch = keep, "
                    "progress = false})"))


L = torch.optim.lr_scheduler
EPOCHS = 12

# word, scheduler of an optimizer that begins with 0.5
SCHEDULES = (
    ("constant", lambda o: L.LambdaLR(o, lambda e: 1)),
    ("step(every=3, factor=0.5)", lambda o: L.StepLR(o, 3, 0.5)),
    ("exponential(factor=0.75)", lambda o: L.ExponentialLR(o, 0.75)),
    ("inverse(rate=0.25)", lambda o: L.LambdaLR(o, lambda e: 1 / (1 + 0.25 * e))),
    ("cosine(low=0.125)", lambda o: L.CosineAnnealingLR(o, EPOCHS, 0.125 * 0.5)),
    ("one_cycle(top=8)", lambda o: L.OneCycleLR(o, 8 * 0.5, EPOCHS, div_factor=8)),
    ("warmup(epochs=4)", lambda o: L.LambdaLR(o, lambda e: min(1, (e + 1) / 4))),
    ("warmup(epochs=4, then=cosine)", lambda o: L.SequentialLR(
        o, [L.LambdaLR(o, lambda e: (e + 1) / 4), L.CosineAnnealingLR(o, EPOCHS - 4)], [4])),
)


def rates(make):
    optimizer = O.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    scheduler, path = make(optimizer), []
    for _ in range(EPOCHS):
        path.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return torch.tensor(path)


def schedules():
    """The rate of each epoch of one step."""
    for word, make in SCHEDULES:
        yield Case(f"schedule:{word.split('(')[0]}", word, "tensor(h.lr, {dtype = 'f64'}):to(dtype)",
                   lambda x, make=make: rates(make), {"x": real("2x3")}, (),
                   ('net = nn.net("3 - 2", {dtype = dtype})',
                    f"h = net:train(x, x:narrow(2, 1, 2), {{epochs = {EPOCHS}, batch = 2, lr = 0.5, "
                    f'schedule = "{word}", progress = false}})'))


def plateau(x, y, w, b):
    """The rates of a run whose rate is too large at first."""
    w, b = (p.clone().requires_grad_() for p in (w, b))
    optimizer, path = O.SGD((w, b), lr=16), []
    scheduler = L.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    for _ in range(24):
        optimizer.zero_grad()
        cost = half_squared(torch.tanh(x @ w.t() + b), y)
        cost.backward()
        path.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(cost.item())
    return torch.tensor(path)


def plateaus():
    yield Case("schedule:plateau", "plateau(patience=1, factor=0.5)",
               "tensor(h.lr, {dtype = 'f64'}):to(dtype)", plateau,
               {"x": real("5x3", -1, 1), "y": real("5x2", 0, 1), "w": real("2x3", -1, 1),
                "b": real("2", -1, 1)}, (),
               ('net = nn.net("3 - 2 tanh", {dtype = dtype})', "net[1].w, net[1].b = w, b",
                "h = net:train(x, y, {epochs = 24, batch = 5, lr = 16, progress = false, "
                'schedule = "plateau(patience=1, factor=0.5)"})'))


def cases():
    yield from optimizers()
    yield from penalties()
    yield from schedules()
    yield from plateaus()
