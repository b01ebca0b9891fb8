from moons import make_moons

import adjoint as ad

model = ad.nn.MLP(2, 4, 4, 2, rng=0)
history = ad.fit(
    model,
    make_moons(),
    loss="cross_entropy",
    optimizer=ad.optim.SGD(model.parameters(), lr=0.5, momentum=0.9),
    epochs=100,
    batch_size=50,
    seed=0,
    progress=False,
)
print(history.loss[-1])
