import sys
import warnings
from time import perf_counter

import numpy as np
from sklearn.datasets import make_moons
from sklearn.model_selection import GridSearchCV, ParameterGrid, StratifiedKFold
from sklearn.neural_network import MLPClassifier as ScikitClassifier

warnings.simplefilter("ignore")
GRID = {
    "alpha": [1e-4, 1e-3, 1e-2, 1e-1],
    "learning_rate_init": [1e-3, 3e-3, 1e-2, 3e-2, 1e-1],
}
X, y = make_moons(500, noise=0.25, random_state=0)
which = sys.argv[1]
if which != "sklearn":
    from adjoint import estimators


def search(searcher, kind):
    return searcher(kind(random_state=0), GRID, cv=5, n_jobs=2).fit(X, y).best_score_


def many():
    folds = list(StratifiedKFold(5).split(X, y))
    settings = list(ParameterGrid(GRID))
    networks = [estimators.MLPClassifier(random_state=0, **one) for one in settings for _ in folds]
    rows = [train for train, _ in folds] * len(settings)
    estimators.fit_many(networks, X, y, rows=rows, n_jobs=2)
    held = [test for _, test in folds] * len(settings)
    scores = [network.score(X[test], y[test]) for network, test in zip(networks, held, strict=True)]
    return np.reshape(scores, (len(settings), -1)).mean(axis=1).max()


start = perf_counter()
if which == "sklearn":
    score = search(GridSearchCV, ScikitClassifier)
elif which == "mixed":
    score = search(GridSearchCV, estimators.MLPClassifier)
elif which == "many":
    score = many()
else:
    score = search(estimators.GridSearchCV, estimators.MLPClassifier)
print(perf_counter() - start, score)
