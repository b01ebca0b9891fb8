/* Euler steps of x' = y - x² for many x at once, and the gradients of the sum of the last x. */
#include <stdint.h>
#include <string.h>

enum { SIZE = 100, ROUNDS = 250 };

double value_and_gradients(const double *x, const double *y, double h, double *d_x, double *d_y) {
    static double states[ROUNDS + 1][SIZE];
    double value = 0;
    memcpy(states[0], x, sizeof states[0]);
    for (int n = 0; n < ROUNDS; n++)
        for (int i = 0; i < SIZE; i++)
            states[n + 1][i] = states[n][i] + h * (y[i] - states[n][i] * states[n][i]);
    for (int i = 0; i < SIZE; i++) {
        value += states[ROUNDS][i];
        d_x[i] = 1;
        d_y[i] = 0;
    }
    for (int n = ROUNDS - 1; n >= 0; n--)
        for (int i = 0; i < SIZE; i++) {
            d_y[i] += h * d_x[i];
            d_x[i] -= 2 * h * states[n][i] * d_x[i];
        }
    return value;
}
