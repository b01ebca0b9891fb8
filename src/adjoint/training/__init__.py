"""Training: one loop in three tiers, what it records, and how it is kept and resumed."""
