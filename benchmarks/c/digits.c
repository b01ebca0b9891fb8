/* The network 64-128-10 in float: ReLU, batches of up to 64 rows, Adam. Features are innermost, so
   that the compiler may put them along the lanes. */
#include <math.h>
#include <string.h>
#include "shuffle.h"

enum { IN = 64, HIDDEN = 128, OUT = 10, BATCH = 64 };
typedef struct { float W1[IN][HIDDEN], b1[HIDDEN], W2[HIDDEN][OUT], b2[OUT]; } Net;
enum { COUNT = sizeof(Net) / sizeof(float) };

/* Adds the gradients of n rows' losses, each divided by n, and returns the sum of the losses. */
static float gradients(const Net *p, Net *g, const float (*X)[IN], const int64_t *y,
                       const int64_t *rows, int n) {
    float total = 0;
    for (int r = 0; r < n; r++) {
        const float *x = X[rows[r]];
        int label = (int)y[rows[r]];
        float z[HIDDEN], d1[HIDDEN], a[OUT], d2[OUT];

        memcpy(z, p->b1, sizeof z);
        for (int i = 0; i < IN; i++)
            for (int j = 0; j < HIDDEN; j++) z[j] += x[i] * p->W1[i][j];
        for (int j = 0; j < HIDDEN; j++) z[j] = z[j] > 0 ? z[j] : 0;
        memcpy(a, p->b2, sizeof a);
        for (int j = 0; j < HIDDEN; j++)
            for (int k = 0; k < OUT; k++) a[k] += z[j] * p->W2[j][k];

        float largest = a[0], sum = 0;
        for (int k = 1; k < OUT; k++) largest = a[k] > largest ? a[k] : largest;
        for (int k = 0; k < OUT; k++) sum += d2[k] = expf(a[k] - largest);
        total += logf(sum) + largest - a[label];
        for (int k = 0; k < OUT; k++) d2[k] = (d2[k] / sum - (k == label)) / n;

        for (int j = 0; j < HIDDEN; j++) {
            float d = 0;
            for (int k = 0; k < OUT; k++) d += p->W2[j][k] * d2[k];
            d1[j] = z[j] > 0 ? d : 0;
        }
        for (int j = 0; j < HIDDEN; j++)
            for (int k = 0; k < OUT; k++) g->W2[j][k] += z[j] * d2[k];
        for (int k = 0; k < OUT; k++) g->b2[k] += d2[k];
        for (int i = 0; i < IN; i++)
            for (int j = 0; j < HIDDEN; j++) g->W1[i][j] += x[i] * d1[j];
        for (int j = 0; j < HIDDEN; j++) g->b1[j] += d1[j];
    }
    return total;
}

static void adam(float *p, const float *g, float *m, float *v, double rate, double step) {
    float scaled = (float)(rate / (1 - pow(0.9, step)));
    float root = (float)sqrt(1 - pow(0.999, step));
    for (int i = 0; i < COUNT; i++) {
        m[i] = 0.9f * m[i] + 0.1f * g[i];
        v[i] = 0.999f * v[i] + 0.001f * g[i] * g[i];
        p[i] -= scaled * m[i] / (sqrtf(v[i]) / root + 1e-8f);
    }
}

void train(Net *p, const float (*X)[IN], const int64_t *y, int64_t *rows, int64_t n, int64_t epochs,
           double rate, int64_t shuffled, double *losses) {
    static Net g, m, v;
    double step = 0;
    memset(&m, 0, sizeof m);
    memset(&v, 0, sizeof v);
    for (int64_t e = 0; e < epochs; e++) {
        double sum = 0;
        put_in_order(rows, n, shuffled);
        for (int64_t s = 0; s < n; s += BATCH) {
            memset(&g, 0, sizeof g);
            sum += gradients(p, &g, X, y, rows + s, n - s < BATCH ? (int)(n - s) : BATCH);
            adam((float *)p, (float *)&g, (float *)&m, (float *)&v, rate, ++step);
        }
        losses[e] = sum / n;
    }
}
