"""A drawing is the picture of a graph: values, gradients, and what flows along every edge."""
