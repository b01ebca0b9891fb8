import warnings

from moons import make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

warnings.simplefilter("ignore", ConvergenceWarning)
model = MLPClassifier(
    (4, 4),
    activation="logistic",
    solver="sgd",
    learning_rate_init=0.5,
    momentum=0.9,
    nesterovs_momentum=False,
    alpha=0.0,
    batch_size=50,
    max_iter=100,
    tol=0.0,
    n_iter_no_change=100,
    random_state=0,
)
model.fit(*make_moons())
assert model.n_iter_ == 100
print(model.loss_)
