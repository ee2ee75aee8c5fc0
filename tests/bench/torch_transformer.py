"""The same transformer in PyTorch, eager or compiled by torch.jit; told MNIST's folder,
which it does not need, and "eager" or "jit"."""
import os
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

WORDS, WIDTH, HEADS, INNER, BLOCKS = 65, 64, 4, 256, 4
STEPS, BATCH, BATCHES = 64, 32, 16

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
torch.manual_seed(1)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.project = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        mask = torch.full((STEPS, STEPS), float("-inf")).triu(1)
        self.register_buffer("mask", mask)

    def forward(self, x):
        n, steps, width = x.shape
        q, k, v = self.project(x).view(n, steps, 3, 4, 16).permute(2, 0, 3, 1, 4).unbind(0)
        fit = torch.matmul(q, k.transpose(-2, -1)) * 0.25 + self.mask
        y = torch.matmul(F.softmax(fit, -1), v)
        return self.out(y.transpose(1, 2).reshape(n, steps, width))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.attention = nn.LayerNorm(WIDTH), Attention()
        self.second, self.up = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, INNER)
        self.down = nn.Linear(INNER, WIDTH)

    def forward(self, x):
        x = x + self.attention(self.norm(x))
        return x + self.down(F.gelu(self.up(self.second(x))))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        angle = torch.arange(STEPS)[:, None] * 10000 ** (-torch.arange(0, WIDTH, 2) / WIDTH)
        self.register_buffer("waves", torch.stack((angle.sin(), angle.cos()), 2).flatten(1))
        self.blocks = nn.Sequential(*(Block() for _ in range(BLOCKS)))
        self.norm = nn.LayerNorm(WIDTH)
        self.bias = nn.Parameter(torch.zeros(WORDS))

    def forward(self, x):
        x = self.norm(self.blocks(self.words(x) + self.waves))
        return F.linear(x, self.words.weight, self.bias)


letters, last = [], 7
for i in range(1, STEPS * BATCH * BATCHES + 2):
    letters.append(last - 1)
    last = (last * 17 + 3 + i % 5) % 65 + 1
text = torch.tensor(letters)
x, y = (text[i:i + STEPS * BATCH * BATCHES].view(-1, STEPS) for i in (0, 1))
net = Transformer()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
if sys.argv[2] == "jit":
    net = torch.jit.script(net)


def epoch():
    order = torch.randperm(len(x))
    for first in range(0, len(x), BATCH):
        rows = order[first:first + BATCH]
        cost = F.cross_entropy(net(x[rows]).view(-1, WORDS), y[rows].view(-1))
        optimizer.zero_grad(set_to_none=True)
        cost.backward()
        optimizer.step()


for _ in range(3):
    epoch()
print("ready", flush=True)
for line in sys.stdin:
    if line.strip() != "epoch":
        break
    began = time.perf_counter()
    epoch()
    print(time.perf_counter() - began, flush=True)
with torch.no_grad():
    print(float((net(x).argmax(2) == y).float().mean()), flush=True)
