/* What the machine has left, read from files made for the purpose. */
#include "base/machine.h"

#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

static size_t left_of(const char *text)
{
    char path[] = "/tmp/nabla-XXXXXX";
    int handle = mkstemp(path);
    assert_true(handle >= 0);
    FILE *file = fdopen(handle, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    size_t left = nb_machine_left(path);
    assert_int_equal(remove(path), 0);
    return left;
}

/* Catches swap left out, the spare left out, and kilobytes taken for bytes. */
static void test_left(void **state)
{
    (void)state;
    assert_int_equal(left_of("MemTotal:       3200 kB\nMemFree: 1 kB\nMemAvailable:   1000 kB\n"
                             "SwapTotal: 70 kB\nSwapFree:     50 kB\nHugePages_Total: 0\n"),
                     (1000 + 50 - 100) * 1024);
    assert_int_equal(left_of("MemTotal: 3200 kB\nMemAvailable: 101 kB\nSwapFree: 0 kB\n"), 1024);
    assert_int_equal(left_of("MemTotal: 3200 kB\nMemAvailable: 99 kB\nSwapFree: 0 kB\n"), 0);
}

static void test_unknown(void **state)
{
    (void)state;
    assert_true(left_of("") == SIZE_MAX);
    assert_true(left_of("MemTotal: 3200 kB\nSwapFree: 0 kB\n") == SIZE_MAX);
    assert_true(left_of("MemTotal: x kB\nMemAvailable: 1 kB\nSwapFree: 0 kB\n") == SIZE_MAX);
    assert_true(left_of("MemTotal: 99999999999999999 kB\nMemAvailable: 1 kB\nSwapFree: 0 kB\n") ==
                SIZE_MAX);
    assert_true(nb_machine_left("/nonexistent/meminfo") == SIZE_MAX);
}

/* The cell of a terminal whose window says this of itself; 0 x 0: it says none. */
static void assert_cell(struct winsize size, int wide, int high)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY), seen_wide = 0, seen_high = 0;
    assert_true(terminal >= 0 && ioctl(terminal, TIOCSWINSZ, &size) == 0);
    bool fine = nb_machine_cell(terminal, &seen_wide, &seen_high);
    assert_int_equal(close(terminal), 0);
    assert_int_equal(fine, wide > 0);
    assert_int_equal(seen_wide, wide);
    assert_int_equal(seen_high, high);
}

/* Letters of 9 x 19, as xterm showed them. Catches the border and half letters counted in, and
 * sizes that no letter has. */
static void test_cell(void **state)
{
    (void)state;
    assert_cell((struct winsize){28, 80, 9 * 80, 19 * 28}, 9, 19);
    assert_cell((struct winsize){28, 80, 9 * 80 + 4, 19 * 28 + 4}, 9, 19);
    assert_cell((struct winsize){15, 44, 400, 300}, 9, 19);
    assert_cell((struct winsize){24, 80, 0, 0}, 0, 0);
    assert_cell((struct winsize){24, 0, 720, 456}, 0, 0);
    assert_cell((struct winsize){24, 80, 60, 456}, 0, 0);
    assert_cell((struct winsize){4, 80, 720, 60000}, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_left), cmocka_unit_test(test_unknown),
                                       cmocka_unit_test(test_cell)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
