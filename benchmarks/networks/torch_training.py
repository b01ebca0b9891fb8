"""The training in PyTorch, eager, or with its step through `torch.compile`."""

from __future__ import annotations

from typing import Any

from ..rival import Contestant
from .task import Task


def make(task: Task, *, compiled: bool = False) -> Contestant:
    import torch

    activate = {"sigmoid": torch.sigmoid, "relu": torch.relu}[task.activation]
    rule: Any = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[task.optimizer]
    X, y = map(torch.from_numpy, task.data)

    def loss_of(weights: list[Any], x: Any, y: Any) -> Any:
        z = x
        for W, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
            z = activate(torch.addmm(b, z, W))
        return torch.nn.functional.cross_entropy(torch.addmm(weights[-1], z, weights[-2]), y)

    forward = torch.compile(loss_of) if compiled else loss_of

    def train(epochs: int, shuffled: bool) -> list[float]:
        weights = [torch.from_numpy(w).requires_grad_() for w in task.weights()]
        optimizer = rule(weights, lr=task.rate, fused=True)
        losses = []
        for _ in range(epochs):
            order = torch.randperm(len(X)) if shuffled else torch.arange(len(X))
            total = 0.0
            for rows in order.split(task.batch):
                loss = forward(weights, X[rows], y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item() * len(rows)
            losses.append(total / len(X))
        return losses

    return task.contestant(train)
