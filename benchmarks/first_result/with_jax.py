import jax
import jax.numpy as jnp
import numpy as np
from moons import make_moons

jax.config.update("jax_enable_x64", True)
X, y = map(jnp.asarray, make_moons())
rng = np.random.default_rng(0)
weights = []
for fan_in, fan_out in ((2, 4), (4, 4), (4, 2)):
    bound = np.sqrt(6 / (fan_in + fan_out))
    weights.append((rng.uniform(-bound, bound, (fan_in, fan_out)), np.zeros(fan_out)))
velocity = jax.tree.map(np.zeros_like, weights)


def loss_of(weights, x, y):
    for W, b in weights[:-1]:
        x = jax.nn.sigmoid(x @ W + b)
    W, b = weights[-1]
    return -jnp.take_along_axis(jax.nn.log_softmax(x @ W + b), y[:, None], 1).mean()


def step(state, rows):
    weights, velocity = state
    loss, gradients = jax.value_and_grad(loss_of)(weights, X[rows], y[rows])
    velocity = jax.tree.map(lambda v, g: 0.9 * v + g, velocity, gradients)
    return (jax.tree.map(lambda w, v: w - 0.5 * v, weights, velocity), velocity), loss


@jax.jit
def epoch(state, rows):
    state, losses = jax.lax.scan(step, state, rows)
    return state, losses.mean()


state = weights, velocity
for _ in range(100):
    state, loss = epoch(state, rng.permutation(len(X)).reshape(20, 50))
print(loss)
