"""The book's network in PyTorch without autograd: four equations, in place where they can be."""
import torch

import child

BATCH, ETA = 10, 3.0

torch.set_grad_enabled(False)
x, labels, test_x, test_labels = (torch.from_numpy(part) for part in child.load())
y = torch.from_numpy(child.one_hot(labels.numpy()))
w1, b1 = torch.randn(30, 784) / 784 ** 0.5, torch.zeros(30)
w2, b2 = torch.randn(10, 30) / 30 ** 0.5, torch.zeros(10)
w1_turned, w2_turned = w1.t(), w2.t()  # views


def epoch():
    order = torch.randperm(len(x))
    for first in range(0, len(x), BATCH):
        rows = order[first:first + BATCH]
        a0 = x.index_select(0, rows)
        a1 = torch.addmm(b1, a0, w1_turned).sigmoid_()
        a2 = torch.addmm(b2, a1, w2_turned).sigmoid_()
        delta2 = torch.ops.aten.sigmoid_backward(a2 - y.index_select(0, rows), a2)
        delta1 = torch.ops.aten.sigmoid_backward(delta2.mm(w2), a1)
        step = -ETA / len(rows)
        w2.addmm_(delta2.t(), a1, alpha=step)
        b2.add_(delta2.sum(0), alpha=step)
        w1.addmm_(delta1.t(), a0, alpha=step)
        b1.add_(delta1.sum(0), alpha=step)


def accuracy():
    a1 = torch.addmm(b1, test_x, w1_turned).sigmoid_()
    return (torch.addmm(b2, a1, w2_turned).argmax(1) == test_labels).float().mean()


child.serve(epoch, accuracy)
