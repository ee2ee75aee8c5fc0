"""Steps of an optimizer on 16,777,216 parameters in PyTorch, one example each: a single layer. Told
the optimizer, and "foreach" or "loop", the ways that PyTorch has for it."""
import os
import sys
import time

import torch

WIDTH, STEPS = 4096, 8
MAKERS = {
    "sgd": lambda p, **o: torch.optim.SGD(p, lr=1e-3, momentum=0.9, **o),
    "adam": lambda p, **o: torch.optim.Adam(p, lr=1e-3, **o),
    "adamw": lambda p, **o: torch.optim.AdamW(p, lr=1e-3, **o),
    "nadam": lambda p, **o: torch.optim.NAdam(p, lr=1e-3, **o),
    "rmsprop": lambda p, **o: torch.optim.RMSprop(p, lr=1e-3, **o),
    "adagrad": lambda p, **o: torch.optim.Adagrad(p, lr=1e-3, **o),
    "adadelta": lambda p, **o: torch.optim.Adadelta(p, lr=1e-3, **o),
}

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
torch.manual_seed(1)
net = torch.nn.Linear(WIDTH, WIDTH, bias=False)
x, y = torch.randn(STEPS, 1, WIDTH), torch.randn(STEPS, 1, WIDTH)
cost_of = torch.nn.MSELoss()
optimizer = MAKERS[sys.argv[1]](net.parameters(), foreach=sys.argv[2] == "foreach")


def epoch():
    for i in range(STEPS):
        cost = cost_of(net(x[i]), y[i])
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
print(flush=True)
