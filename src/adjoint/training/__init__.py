"""Training: `fit` is one loop in three tiers; what it records, and how it is saved and resumed.

The way of a training through the modules:

======================  ======================================================================
``fit``                 the public function, and the loop: epochs, callbacks, saving
``task``                the arguments of `fit`, checked and converted
``tiers``               the choice of the fastest run that takes the task and pays
``run``                 the protocol of all runs: train, tell the position, resume
``native_run``          the run of whole epochs in native code
``compiled_run``        the run that calls a compiled program for each step
``eager_run``           the run that records each step and sweeps back
``distributed``         what `fit` takes and refuses for several processes
``distributed_run``     the run that takes steps together with other processes
``agreement``           what these have in common: data, first weights, when to stop
``sharded_step``        a step on the shards of a batch
``stages``              its graph, cut where sums over all shards are needed
``staged_programs``     the stages as programs
``epochs``              an epoch in Python, for the last two: steps, metrics, validation
``step``                a step (forward, backward, update) as one traced graph
``arranged_step``       that graph in the order of inputs and outputs that native code wants
``history``             what was recorded, epoch by epoch
``progress``            the bar that shows how far it is
``metrics, scorers``    what predictions are measured by: functions, scikit-learn's scorers
``callbacks``           what is called after epochs
``saving``              when a training is saved, and how it is resumed
``checkpoint``          the file
``conditions``          what must be the same for a training to be resumed
``learning_rate``       a search for the learning rate
``lbfgs, flat_loss``    `fit_lbfgs`, and the loss as a function of one vector, for SciPy
======================  ======================================================================
"""
