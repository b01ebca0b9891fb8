"""Runs exported trainings in C: with a main that reads rows from files, and writes weights."""

import subprocess

import numpy as np

STRICT = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic", "-ffp-contract=off"]
DRIVER = """
#include <stdio.h>
#include <stdlib.h>
#include "net.h"

static void *content(const char *name, size_t size) {
    FILE *file = fopen(name, "rb");
    void *found = malloc(size);
    if (!file || fread(found, 1, size, file) != size) {
        exit(9);
    }
    fclose(file);
    return found;
}

int main(int argc, char **argv) {
    const int epochs = atoi(argv[1]), seed = atoi(argv[2]), count = atoi(argv[3]);
    const void *x = content("x.bin", (size_t)atol(argv[4]));
    const void *y = content("y.bin", (size_t)atol(argv[5]));
    static net_training own;
    int32_t *order = malloc(sizeof *order * (size_t)count);
    double loss = 0;
    (void)argc;
    net_init(&own, (uint64_t)seed);
    for (int n = 0; n < epochs; n++) {
        const int status = net_epoch(&own, x, y, count, order, &loss);
        if (status) {
            printf("%d", status);
            return 8;
        }
        fwrite(&loss, sizeof loss, 1, stdout);
    }
    fwrite(&own.numbers[own.turn], sizeof own.numbers[0], 1, stdout);
    return 0;
}
"""


def trained_in_c(folder, data, epochs, seed, dtype, compiler="gcc", flags=(), emulator=()):
    """Return the losses, and the numbers of the state, of ``net.c`` in a folder."""
    X, y = np.ascontiguousarray(data[0]), np.ascontiguousarray(data[1])
    y = y.astype(np.int32) if y.dtype.kind == "i" else y
    (folder / "x.bin").write_bytes(X.tobytes())
    (folder / "y.bin").write_bytes(y.tobytes())
    (folder / "driver.c").write_text(DRIVER)
    command = [compiler, *STRICT, *flags, "net.c", "driver.c", "-o", "net.run"]
    subprocess.run(command, cwd=folder, check=True)
    given = [epochs, seed, len(X), X.nbytes, y.nbytes]
    run = [*emulator, "./net.run", *map(str, given)]
    done = subprocess.run(run, cwd=folder, stdout=subprocess.PIPE, check=True)
    losses = np.frombuffer(done.stdout[: 8 * epochs])
    return losses.tolist(), np.frombuffer(done.stdout[8 * epochs :], dtype)
