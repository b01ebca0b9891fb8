import numpy as np
from moons import make_moons

X, y = make_moons()
rng = np.random.default_rng(0)
weights = []
for fan_in, fan_out in ((2, 4), (4, 4), (4, 2)):
    bound = np.sqrt(6 / (fan_in + fan_out))
    weights += [rng.uniform(-bound, bound, (fan_in, fan_out)), np.zeros(fan_out)]
W1, b1, W2, b2, W3, b3 = weights
velocity = [np.zeros_like(w) for w in weights]
index = np.arange(50)
for _ in range(100):
    total = 0.0
    for rows in rng.permutation(len(X)).reshape(20, 50):
        x, labels = X[rows], y[rows]
        z1 = 1 / (1 + np.exp(-(x @ W1 + b1)))
        z2 = 1 / (1 + np.exp(-(z1 @ W2 + b2)))
        a = z2 @ W3 + b3
        p = np.exp(a - a.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        total -= np.log(p[index, labels]).mean()
        p[index, labels] -= 1
        d3 = p / 50
        d2 = d3 @ W3.T * z2 * (1 - z2)
        d1 = d2 @ W2.T * z1 * (1 - z1)
        gradients = (x.T @ d1, d1.sum(0), z1.T @ d2, d2.sum(0), z2.T @ d3, d3.sum(0))
        for w, v, g in zip(weights, velocity, gradients, strict=True):
            v *= 0.9
            v += g
            w -= 0.5 * v
print(total / 20)
