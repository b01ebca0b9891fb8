/* The order of the rows: Fisher and Yates' shuffle with Marsaglia's xorshift. */
#include <stdint.h>

static uint64_t word = 88172645463325252ull;

static uint64_t next_word(void) {
    word ^= word << 13; word ^= word >> 7; word ^= word << 17;
    return word;
}

static void put_in_order(int64_t *rows, int64_t n, int64_t shuffled) {
    for (int64_t i = 0; i < n; i++) rows[i] = i;
    for (int64_t i = n - 1; shuffled && i > 0; i--) {
        int64_t j = (int64_t)(((next_word() >> 32) * (uint64_t)(i + 1)) >> 32), row = rows[i];
        rows[i] = rows[j]; rows[j] = row;
    }
}
