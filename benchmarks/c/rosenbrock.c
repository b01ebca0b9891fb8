/* Rosenbrock's function and its gradient. */
#include <stdint.h>

double value_and_gradient(const double *x, double *d_x, int64_t n) {
    double value = 0;
    d_x[0] = 0;
    for (int64_t i = 0; i < n - 1; i++) {
        double u = x[i + 1] - x[i] * x[i], v = 1 - x[i];
        value += 100 * u * u + v * v;
        d_x[i] -= 400 * x[i] * u + 2 * v;
        d_x[i + 1] = 200 * u;
    }
    return value;
}

/* Calls it from C; each time somewhere else, so that no call can be left out. */
double repeat(double *x, double *d_x, int64_t n, int64_t count) {
    double total = 0;
    for (int64_t c = 0; c < count; c++) {
        x[0] = 1e-9 * (double)c;
        total += value_and_gradient(x, d_x, n);
    }
    return total;
}
