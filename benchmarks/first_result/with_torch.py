import torch
from moons import make_moons

torch.manual_seed(0)
X, y = map(torch.from_numpy, make_moons())
model = torch.nn.Sequential(
    torch.nn.Linear(2, 4),
    torch.nn.Sigmoid(),
    torch.nn.Linear(4, 4),
    torch.nn.Sigmoid(),
    torch.nn.Linear(4, 2),
).double()
optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
for _ in range(100):
    total = 0.0
    for rows in torch.randperm(len(X)).split(50):
        loss = torch.nn.functional.cross_entropy(model(X[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
print(total / 20)
