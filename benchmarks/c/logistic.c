/* Logistic regression, 1,000 rows of 20 features, by gradient descent on all of them. */
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { ROWS = 1000, FEATURES = 20 };

/* Twenty weights and the bias. */
void descend(double *p, const double (*X)[FEATURES], const double *y, double *losses, int64_t count,
             double rate) {
    for (int64_t n = 0; n < count; n++) {
        double d[FEATURES + 1] = {0}, loss = 0;
        for (int r = 0; r < ROWS; r++) {
            double a = p[FEATURES];
            for (int i = 0; i < FEATURES; i++) a += X[r][i] * p[i];
            double e = exp(-fabs(a));
            loss += fmax(a, 0) + log1p(e) - y[r] * a;
            double d_a = (a >= 0 ? 1 : e) / (1 + e) - y[r];
            for (int i = 0; i < FEATURES; i++) d[i] += d_a * X[r][i];
            d[FEATURES] += d_a;
        }
        losses[n] = loss / ROWS;
        for (int i = 0; i <= FEATURES; i++) p[i] -= rate * d[i] / ROWS;
    }
}
