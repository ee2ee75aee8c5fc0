"""Recurrent layers in every option, sequences of different lengths."""

import torch

from .case import Case, real

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
MODULES = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


def parameters(kind, inputs, units, layers=1, both=False):
    """nabla's names of the parameters of one layer, in its order, and their shapes."""
    across = GATES[kind] * units
    for layer in range(1, layers + 1):
        for back in ("", "_back")[:1 + both]:
            end = (f"_{layer}" if layer > 1 else "") + back
            yield f"wx{end}", f"{across}x{inputs}"
            yield f"wh{end}", f"{across}x{units}"
            yield f"b{end}", f"{across}"
            if kind == "gru":
                yield f"bh{end}", f"{units}"
        inputs = units * (1 + both)


class Ours:
    """PyTorch's layer with our weights, whose gradients have our names."""

    def __init__(self, kind, units, named, layers=1, both=False, activation=None):
        options = {"nonlinearity": activation} if activation else {}
        self.kind, self.units, self.both = kind, units, both
        self.net = MODULES[kind](named["wx"].shape[1], units, layers, batch_first=True,
                                 bidirectional=both, **options)
        for name, value in self.net.named_parameters():
            value.data.zero_()
        for name, value in named.items():
            self.theirs(name).data.copy_(value)

    def theirs(self, name, gradient=False):
        """What PyTorch keeps under another name, or its gradient."""
        word, *rest = name.removesuffix("_back").split("_")
        layer = int(rest[0]) - 1 if rest else 0
        end = f"l{layer}" + ("_reverse" if name.endswith("_back") else "")
        names = {"wx": "weight_ih", "wh": "weight_hh", "b": "bias_ih", "bh": "bias_hh"}
        value = getattr(self.net, f"{names[word]}_{end}")
        value = value.grad if gradient else value
        return value[2 * self.units:] if word == "bh" else value

    def __call__(self, x, last=False):
        out, state = self.net(x)
        h = state[0] if self.kind == "lstm" else state
        if not last:
            return out
        return torch.cat((h[-2], h[-1]), 1) if self.both else h[-1]

    def gradients(self, names):
        return tuple(self.theirs(name, True) for name in names)


# title, kind, options in notation, shape of x, units, and what PyTorch is told
LAYERS = (
    ("as it comes", "", "2x5x3", 4, {}),
    ("of one unit, one input", "", "3x4x1", 1, {}),
    ("of one example", "", "1x7x5", 3, {}),
    ("of one step", "", "3x1x2", 5, {}),
    ("of many examples", "", "21x3x2", 3, {}),
    ("of no example", "", "0x3x2", 3, {}),
    ("last", "last", "3x5x2", 3, {"last": True}),
    ("both", "both", "3x5x2", 3, {"both": True}),
    ("both last", "both last", "3x5x2", 3, {"both": True, "last": True}),
    ("layers=2", "layers=2", "2x5x3", 3, {"layers": 2}),
    ("layers=3 both", "layers=3 both", "2x3x3", 2, {"layers": 3, "both": True}),
    ("layers=2 both last", "layers=2 both last", "2x4x3", 2,
     {"layers": 2, "both": True, "last": True}),
)


def layers():
    """The output, and the gradients at x and at all parameters of its sum times weights v."""
    kinds = [(kind, "", {}) for kind in GATES] + [("rnn", "relu", {"activation": "relu"})]
    for kind, word, activation in kinds:
        for title, options, shape, units, told in LAYERS:
            told = {**told, **activation}
            last = told.pop("last", False)
            shapes = {"layers": told.get("layers", 1), "both": told.get("both", False)}
            names = dict(parameters(kind, int(shape.split("x")[-1]), units, **shapes))

            def run(x, v, *values, kind=kind, units=units, told=told, last=last, names=names):
                x = x.detach().requires_grad_()
                net = Ours(kind, units, dict(zip(names, values)), **told)
                a = net(x, last)
                (a * v).sum().backward()
                return (a, x.grad, *net.gradients(names))

            n, steps, inputs = shape.split("x")
            across = units * (1 + shapes["both"])
            out = f"{n}x{across}" if last else f"{n}x{steps}x{across}"
            words = " ".join(w for w in (kind, str(units), word, options) if w)
            fields = [f"net[1].{name}" for name in names]
            yield Case(f"layer:{kind}", " ".join(w for w in (word, title) if w),
                       ", ".join(["a", "x.grad", *(f"{field}.grad" for field in fields)]), run,
                       {"x": real(shape), "v": real(out),
                        **{name: real(size, -1, 1) for name, size in names.items()}}, (),
                       (f'net = nn.net("*x{inputs} - {words}", {{dtype = dtype}})',
                        f"{', '.join(fields)} = {', '.join(names)}", "x:requires_grad_()",
                        "a = net:record(x)", "c = (a * v):sum()", "c:backward()"))


# title, options in notation, units, and what PyTorch is told
PACKED = (
    ("of different lengths", "", 4, {}),
    ("of different lengths, both", "both", 3, {"both": True}),
    ("of different lengths, both last", "both last", 3, {"both": True, "last": True}),
    ("of different lengths, layers=2 both", "layers=2 both", 2, {"layers": 2, "both": True}),
    ("of different lengths, layers=2 last", "layers=2 last", 3, {"layers": 2, "last": True}),
)
LENGTHS = (3, 5, 1)
INPUTS = 2


def packed():
    """What a list of sequences gives, and the gradients at all parameters, by packed ones."""
    pack = torch.nn.utils.rnn.pack_sequence
    for kind in GATES:
        for title, options, units, told in PACKED:
            last = told.get("last", False)
            told = {name: value for name, value in told.items() if name != "last"}
            names = dict(parameters(kind, INPUTS, units, **told))
            count = len(LENGTHS)

            def run(*tensors, kind=kind, units=units, told=told, last=last, names=names):
                x, v = tensors[:count], tensors[count:2 * count]
                net = Ours(kind, units, dict(zip(names, tensors[2 * count:])), **told)
                out, state = net.net(pack(x, enforce_sorted=False))
                h = state[0] if kind == "lstm" else state
                a = [one[:length] for one, length in zip(
                    torch.nn.utils.rnn.pad_packed_sequence(out, batch_first=True)[0], LENGTHS)]
                if last:
                    a = list(torch.cat((h[-2], h[-1]), 1) if net.both else h[-1])
                sum((one * by).sum() for one, by in zip(a, v)).backward()
                return (*a, *net.gradients(names))

            across = units * (1 + told.get("both", False))
            x = {f"x{i}": real(f"{n}x{INPUTS}") for i, n in enumerate(LENGTHS, 1)}
            v = {f"v{i}": real(f"{across}" if last else f"{n}x{across}")
                 for i, n in enumerate(LENGTHS, 1)}
            words = " ".join(w for w in (kind, str(units), options) if w)
            fields = [f"net[1].{name}" for name in names]
            yield Case(f"layer:{kind}", title,
                       ", ".join(["a[1]", "a[2]", "a[3]", *(f"{f}.grad" for f in fields)]), run,
                       {**x, **v, **{name: real(size, -1, 1) for name, size in names.items()}}, (),
                       (f'net = nn.net("*x{INPUTS} - {words}", {{dtype = dtype}})',
                        f"{', '.join(fields)} = {', '.join(names)}",
                        "a = net:record({x1, x2, x3})",
                        "c = (a[1] * v1):sum() + (a[2] * v2):sum() + (a[3] * v3):sum()",
                        "c:backward()"))


def cases():
    yield from layers()
    yield from packed()
