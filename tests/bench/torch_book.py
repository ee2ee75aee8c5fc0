"""The book's network in PyTorch as people write it: nn.Module, autograd, torch.optim."""
import torch

import child

BATCH, ETA = 10, 3.0

x, labels, test_x, test_labels = (torch.from_numpy(part) for part in child.load())
y = torch.from_numpy(child.one_hot(labels.numpy()))
net = torch.nn.Sequential(torch.nn.Linear(784, 30), torch.nn.Sigmoid(),
                          torch.nn.Linear(30, 10), torch.nn.Sigmoid())
optimizer = torch.optim.SGD(net.parameters(), lr=ETA)


def epoch():
    order = torch.randperm(len(x))
    for first in range(0, len(x), BATCH):
        rows = order[first:first + BATCH]
        cost = ((net(x[rows]) - y[rows]) ** 2).sum() / (2 * len(rows))
        optimizer.zero_grad(set_to_none=True)
        cost.backward()
        optimizer.step()


def accuracy():
    with torch.no_grad():
        return (net(test_x).argmax(1) == test_labels).float().mean()


child.serve(epoch, accuracy)
