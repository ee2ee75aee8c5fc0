"""A LeNet of 20 and 40 filters in PyTorch, batches of 64, momentum; "plain", or "last": channels
last, PyTorch's better layout on some machines."""
import os
import sys

import torch

import child

BATCH = 64

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
x, labels, test_x, test_labels = (torch.from_numpy(part) for part in child.load())
x, test_x = x.reshape(-1, 1, 28, 28), test_x.reshape(-1, 1, 28, 28)
net = torch.nn.Sequential(torch.nn.Conv2d(1, 20, 5), torch.nn.ReLU(inplace=True),
                          torch.nn.MaxPool2d(2), torch.nn.Conv2d(20, 40, 5),
                          torch.nn.ReLU(inplace=True), torch.nn.MaxPool2d(2), torch.nn.Flatten(),
                          torch.nn.Linear(640, 100), torch.nn.ReLU(inplace=True),
                          torch.nn.Linear(100, 10))
LAYOUT = torch.channels_last if sys.argv[2] == "last" else torch.contiguous_format
net = net.to(memory_format=LAYOUT)
x = x.to(memory_format=LAYOUT)
cost_of = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)


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
