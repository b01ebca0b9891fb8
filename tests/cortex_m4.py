"""A Cortex-M4 that is emulated: programs of C run on a board of qemu, without any library."""

import shutil
import subprocess

import pytest

COMPILER, EMULATOR = "arm-none-eabi-gcc", "qemu-system-arm"
PROCESSOR = ["-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"]
FLAGS = [*PROCESSOR, "-std=c99", "-Os", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror"]
# Where the board's memory is; variables with first values lie behind the program, and are copied.
_PLACES = """
MEMORY { FLASH (rx) : ORIGIN = 0, LENGTH = 4M
         RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 4M }
ENTRY(reset)
SECTIONS {
  .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) . = ALIGN(8); } > FLASH
  .ARM.exidx : { *(.ARM.exidx*) } > FLASH
  .data : { data_start = .; *(.data*) . = ALIGN(8); data_end = .; } > RAM AT > FLASH
  data_load = LOADADDR(.data);
  .bss : { bss_start = .; *(.bss*) *(COMMON) . = ALIGN(8); bss_end = .; } > RAM
}
"""
# Semihosting is how a program asks the emulator to print, and to end.
_START = """
#include <stdint.h>

int main(void);
int puts(const char *text);
int printf(const char *text, ...);
extern uint32_t data_start, data_end, data_load, bss_start, bss_end;

static void ask(int what, const void *given) {
    register int r0 __asm__("r0") = what;
    register const void *r1 __asm__("r1") = given;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

int puts(const char *text) {
    ask(4, text);
    return 0;
}

int printf(const char *text, ...) {
    return puts(text);
}

void reset(void);
void reset(void) {
    uint32_t *to = &data_start;
    *(volatile uint32_t *)0xE000ED88 |= 0xF << 20; /* let the unit for floats work */
    __asm__ volatile("dsb; isb");
    for (const uint32_t *from = &data_load; to < &data_end; to++, from++) {
        *to = *from;
    }
    for (to = &bss_start; to < &bss_end; to++) {
        *to = 0;
    }
    main();
    ask(0x18, (void *)0x20026);
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static void *const vectors[2] = {
    (void *)0x20400000, (void *)reset,
};
"""


def needs_tools():
    """Skip the test where a tool is not installed."""
    for tool in (COMPILER, EMULATOR):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")


def code_size(folder, source):
    """Return how many bytes of code and constants a file of C becomes."""
    subprocess.run([COMPILER, *FLAGS, "-c", source, "-o", "size.o"], cwd=folder, check=True)
    command = ["arm-none-eabi-size", "-A", "size.o"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    return sum(int(x[1]) for x in lines if x and x[0].startswith((".text", ".rodata")))


def run(folder, *sources, flags=()):
    """Return what a program prints."""
    (folder / "places.ld").write_text(_PLACES)
    (folder / "start.c").write_text(_START)
    link = ["-fno-builtin", "-nostartfiles", "-T", "places.ld", "-specs=nosys.specs"]
    command = [COMPILER, *FLAGS, *flags, *link, "start.c", *sources, "-lgcc", "-lc", "-o", "run"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    board = ["-M", "mps2-an386", "-nographic", "-semihosting", "-kernel", "run"]
    done = subprocess.run(
        [EMULATOR, *board], cwd=folder, capture_output=True, text=True, check=True, timeout=200
    )
    return done.stdout + done.stderr
