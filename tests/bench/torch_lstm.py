"""A character LSTM in PyTorch: 64 letters, lstm 128, a softmax at every one of 64 steps, batches of
32, Adam. The second argument is "rows" (letters one-hot) or "embedding"."""
import os
import sys
import time

import torch

LETTERS, UNITS, STEPS, BATCH, BATCHES = 64, 128, 64, 32, 20

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
torch.manual_seed(1)
words = sys.argv[2] == "embedding"
letters = (torch.randint(LETTERS, (BATCH * BATCHES, 1)) + 7 * torch.arange(STEPS + 1)) % LETTERS
source, target = letters[:, :-1].contiguous(), letters[:, 1:].contiguous()
if not words:
    source = torch.nn.functional.one_hot(source, LETTERS).float()


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(LETTERS, LETTERS) if words else torch.nn.Identity()
        self.lstm = torch.nn.LSTM(LETTERS, UNITS, batch_first=True)
        self.out = torch.nn.Linear(UNITS, LETTERS)

    def forward(self, x):
        return self.out(self.lstm(self.embedding(x))[0])


net = Net()
cost_of = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)


def epoch():
    order = torch.randperm(len(source))
    for first in range(0, len(source), BATCH):
        rows = order[first:first + BATCH]
        z = net(source.index_select(0, rows))
        cost = cost_of(z.flatten(0, 1), target.index_select(0, rows).flatten())
        optimizer.zero_grad(set_to_none=True)
        cost.backward()
        optimizer.step()


epoch()
print("ready", flush=True)
for line in sys.stdin:
    if line.strip() != "epoch":
        break
    began = time.perf_counter()
    epoch()
    print(time.perf_counter() - began, flush=True)
with torch.no_grad():
    print(float((net(source).argmax(2) == target).float().mean()))
