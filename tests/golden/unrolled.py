"""newton, written by adjoint."""


def newton(a):
    v1 = 0.5 * (a + a / a)  # ()
    v2 = 0.5 * (v1 + a / v1)  # ()
    return 0.5 * (v2 + a / v2)  # ()
