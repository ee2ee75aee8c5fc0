"""784-512-512-10 in PyTorch: nn.Module, relu, softmax with cross-entropy, sgd or Adam."""
import os
import sys

import torch

import child

BATCH = 128

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
x, labels, test_x, test_labels = (torch.from_numpy(part) for part in child.load())
net = torch.nn.Sequential(torch.nn.Linear(784, 512), torch.nn.ReLU(inplace=True),
                          torch.nn.Linear(512, 512), torch.nn.ReLU(inplace=True),
                          torch.nn.Linear(512, 10))
cost_of = torch.nn.CrossEntropyLoss()
if sys.argv[2] == "adam":
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
else:
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)


def epoch():
    order = torch.randperm(len(x))
    for first in range(0, len(x), BATCH):
        rows = order[first:first + BATCH]
        cost = cost_of(net(x.index_select(0, rows)), labels.index_select(0, rows))
        optimizer.zero_grad(set_to_none=True)
        cost.backward()
        optimizer.step()


def accuracy():
    with torch.no_grad():
        return (net(test_x).argmax(1) == test_labels).float().mean()


child.serve(epoch, accuracy)
