"""Reads the notation of networks: "64 - 30 relu - 10 softmax : cross_entropy".

    sizes, read, net = notation.parse(text)

gives the sizes of an input, None where one is free, how they are read where a word says so ("space",
"steps", else None), and the network, a layer of kind "net". What
stands behind ':' is its cost, on which no output depends. read.py gives the layers their formulas.

    net    = shape ["space" | "steps"] ("-" item)+ [":" NAME option*]
    shape  = size ("x" size)*                      size = INT | "*", which is free
    list   = item ("-" item)*
    item   = INT tail | LAYER arg* tail            a number alone is a dense layer
           | "@" (NAME | INT ("." INT)*)           the layer of that name or path again, shared
           | INT "*" "[" list "]" | BLOCK "[" [list] ("|" [list])* "]" tail
    arg    = INT | NUMBER | INT ("x" INT)+
    tail   = (FLAG | option | act ["@" INT [".." INT]])*    relu@7: neurons that differ, from 1
    act    = NAME [args]                           leaky_relu(slope=0.2)
    option = NAME "=" value
    value  = ["-"] (INT | NUMBER) | INT "x" INT | NAME [args]
    args   = "(" NAME "=" value ("," NAME "=" value)* ")"
"""

import re

TOKEN = re.compile(r"""\s*(?:(?P<shape>  (?:\d+|\*)(?:x(?:\d+|\*))+)
                           | (?P<number> \d+(?:\.\d+)*(?:e-?\d+)?)
                           | (?P<name>   [A-Za-z_]\w*)
                           | (?P<sign>   \.\.|\S))""", re.ASCII | re.VERBOSE)

# The kinds of layers, and what the values behind their words are, in order.
LAYERS = {
    "dense": ["units"], "act": [], "flatten": [], "reshape": ["sizes"], "dropout": ["rate"],
    "layer_norm": [], "batch_norm": [], "group_norm": ["groups"],
    "conv": ["channels", "kernel"], "conv_transpose": ["channels", "kernel"],
    "max_pool": ["kernel"], "avg_pool": ["kernel"], "global_avg_pool": [],
    "embedding": ["words", "features"], "positions": ["most"], "attention": ["heads"],
    "rnn": ["units"], "lstm": ["units"], "gru": ["units"],
    "residual": [], "parallel": [], "net": [],
}


class Layer:
    def __init__(self, kind):
        if kind not in LAYERS:
            raise ValueError("notation: no layer of type %s can be read here" % kind)
        self.kind = kind
        self.options = {}     # numbers, shapes as tuples, words; a flag has the word "true"
        self.words = []       # flags and activations: (name, args, neurons), neurons None for all
        self.branches = []    # lists of layers
        self.tied = None      # the layer whose w is this one's too

    def children(self):
        """The layers of all branches, as paths and tensors count them."""
        return sum(self.branches, [])


class Parser:
    def __init__(self, text, make):
        self.tokens = [("a " + m.lastgroup, m[m.lastgroup]) for m in TOKEN.finditer(text)]
        self.tokens += [("the end", "the end")] * 2
        self.at = 0
        self.make = make
        self.blocks = []      # those whose lists are being read, the outermost first

    def sees(self, *wanted):
        """Whether the next token is one of these, or of one of these kinds."""
        return any(word in wanted for word in self.tokens[self.at])

    def take(self, *wanted):
        if not self.sees(*wanted):
            raise ValueError("notation: expected %s, not %s"
                             % (" or ".join(wanted), self.tokens[self.at][1]))
        self.at += 1
        return self.tokens[self.at - 1][1]

    def skips(self, text):
        return self.sees(text) and self.take(text) == text

    def net(self):
        sizes = self.take("a shape", "a number", "*").split("x")
        root = self.make("net")
        root.branches.append([])
        read = self.take("a name") if self.sees("space", "steps") else None
        self.take("-")
        self.list(root)
        self.take(":", "the end")
        return [None if size == "*" else int(size) for size in sizes], read, root

    def list(self, block):
        self.blocks.append(block)
        self.item(block)
        while self.skips("-"):
            self.item(block)
        self.blocks.pop()

    def item(self, block):
        if self.skips("@"):
            block.branches[-1].append(self.find(self.take("a name", "a number")))
        elif self.sees("a number") and self.tokens[self.at + 1][1] == "*":
            self.repeat(block)
        else:
            layer = self.make("dense" if self.sees("a number") else self.take("a name"))
            block.branches[-1].append(layer)
            self.parts(layer)

    def repeat(self, block):
        times = int(self.take("a number"))
        self.take("*")
        self.take("[")
        start = self.at
        for _ in range(times):
            self.at = start
            self.list(block)
        self.take("]")

    def find(self, name):
        """By its name, in this list and those around it, up to the network's; or by its path."""
        if name[0].isdigit():
            layer = self.blocks[0]
            for number in name.split("."):
                layer = layer.children()[int(number) - 1]
            return layer
        for block in reversed(self.blocks):
            for layer in block.children():
                if layer.options.get("name") == name:
                    return layer
            if block.kind == "net":
                break
        raise ValueError("notation: no layer before is called " + name)

    def parts(self, layer):
        """All that stands behind a layer's word."""
        if self.skips("["):
            while not layer.branches or self.skips("|"):
                layer.branches.append([])
                if not self.sees("|", "]"):
                    self.list(layer)
            self.take("]")
        for place in LAYERS[layer.kind]:
            if self.sees("a number", "a shape"):
                layer.options[place] = self.value()
        while self.sees("a name"):
            self.word(layer, self.take("a name"))

    def word(self, layer, name):
        if self.skips("="):
            layer.options[name] = self.value()
            if name == "tied":
                layer.tied = self.find(layer.options[name])
            return
        args, neurons = self.args(), None
        if self.skips("@"):
            first = int(self.take("a number"))
            last = int(self.take("a number")) if self.skips("..") else first
            neurons = slice(first - 1, last)
        layer.options[name] = "true"
        layer.words.append((name, args, neurons))

    def args(self):
        args = {}
        if self.skips("("):
            while not args or self.skips(","):
                name = self.take("a name")
                self.take("=")
                args[name] = self.value()
            self.take(")")
        return args

    def value(self):
        sign = -1 if self.skips("-") else 1
        if self.sees("a shape"):
            return tuple(int(size) for size in self.take("a shape").split("x"))
        if self.sees("a number"):
            text = self.take("a number")
            return sign * (int(text) if text.isdigit() else float(text))
        word = self.take("a name")
        self.args()           # of an initialiser, on which no output depends
        return word


def parse(text, make=Layer):
    """make(kind) makes a layer."""
    return Parser(text, make).net()
