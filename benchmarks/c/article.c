/* The article's network, 2-4-4-2, in double or float: batches of 50 rows, plain gradient descent. */
#include <tgmath.h>
#include "shuffle.h"
#ifndef REAL
#define REAL double
#endif
#define S(x) (1 / (1 + exp(-(x))))
typedef struct { REAL W1[2][4], b1[4], W2[4][4], b2[4], W3[4][2], b3[2]; } Net;

#define B 50
#define ROWS for (int r = 0; r < B; r++)
static REAL total(const REAL *x) { REAL s = 0; ROWS s += x[r]; return s; }
static REAL dot(const REAL *x, const REAL *y) {
    REAL s = 0; ROWS s += x[r] * y[r]; return s;
}

/* Rows innermost, so that the compiler may put them along the lanes. */
static REAL step(Net *p, const REAL (*X)[2], const int64_t *y, const int64_t *rows, REAL lr) {
    REAL x[2][B], z1[4][B], z2[4][B], a[2][B], t[B], d3[2][B], d2[4][B], d1[4][B], loss[B];
    Net g;
    ROWS { x[0][r] = X[rows[r]][0]; x[1][r] = X[rows[r]][1]; t[r] = y[rows[r]]; }
    for (int j = 0; j < 4; j++)
        ROWS z1[j][r] = S(p->b1[j] + x[0][r] * p->W1[0][j] + x[1][r] * p->W1[1][j]);
    for (int j = 0; j < 4; j++) {
        ROWS z2[j][r] = p->b2[j];
        for (int i = 0; i < 4; i++) ROWS z2[j][r] += z1[i][r] * p->W2[i][j];
        ROWS z2[j][r] = S(z2[j][r]);
    }
    for (int j = 0; j < 2; j++) {
        ROWS a[j][r] = p->b3[j];
        for (int i = 0; i < 4; i++) ROWS a[j][r] += z2[i][r] * p->W3[i][j];
    }
    ROWS {
        REAL m = a[0][r] > a[1][r] ? a[0][r] : a[1][r];
        REAL e0 = exp(a[0][r] - m), e1 = exp(a[1][r] - m), s = e0 + e1;
        loss[r] = log(s) + m - (t[r] == 0 ? a[0][r] : a[1][r]);
        d3[0][r] = (e0 / s - (t[r] == 0)) / B;
        d3[1][r] = (e1 / s - (t[r] == 1)) / B;
    }
    for (int i = 0; i < 4; i++) {
        ROWS d2[i][r] = (p->W3[i][0] * d3[0][r] + p->W3[i][1] * d3[1][r])
                        * z2[i][r] * (1 - z2[i][r]);
        for (int j = 0; j < 2; j++) g.W3[i][j] = dot(z2[i], d3[j]);
    }
    for (int i = 0; i < 4; i++) {
        ROWS d1[i][r] = 0;
        for (int j = 0; j < 4; j++) ROWS d1[i][r] += p->W2[i][j] * d2[j][r];
        ROWS d1[i][r] *= z1[i][r] * (1 - z1[i][r]);
        for (int j = 0; j < 4; j++) g.W2[i][j] = dot(z1[i], d2[j]);
    }
    for (int j = 0; j < 2; j++) g.b3[j] = total(d3[j]);
    for (int j = 0; j < 4; j++) {
        g.b1[j] = total(d1[j]);
        g.b2[j] = total(d2[j]);
        for (int i = 0; i < 2; i++) g.W1[i][j] = dot(x[i], d1[j]);
    }
    REAL *q = (REAL *)p, *d = (REAL *)&g;
    for (int i = 0; i < (int)(sizeof g / sizeof *d); i++) q[i] -= lr * d[i];
    return total(loss) / B;
}

void train(Net *p, const REAL (*X)[2], const int64_t *y, int64_t *rows, int64_t n, int64_t epochs,
           double lr, int64_t shuffled, double *losses) {
    for (int64_t e = 0; e < epochs; e++) {
        double sum = 0;
        put_in_order(rows, n, shuffled);
        for (int64_t s = 0; s + 50 <= n; s += 50) sum += step(p, X, y, rows + s, lr);
        losses[e] = sum / (n / 50);
    }
}
