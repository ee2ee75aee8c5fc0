/* Keys that were typed ahead, when a Ctrl-C comes behind them as a signal. */
#include "shell/line/keys.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

/* What is left of keys that were read ahead, and of those that came since. */
static void check_drop(const char *ahead, const char *left)
{
    char keys[256];
    sh_keys_give_back(ahead, strlen(ahead));
    sh_keys_drop();
    ssize_t count = sh_keys_wait() ? sh_keys_read(keys, sizeof keys - 1) : 0;
    keys[count] = '\0';
    assert_string_equal(keys, left);
}

/* The line that Enter has not ended goes. */
static void lines(void **state)
{
    (void)state;
    check_drop("", "");
    check_drop("abc", "");
    check_drop("abc\rdef", "abc\r");
    check_drop("abc\r" SH_PASTE_BEGINS "de\rf" SH_PASTE_ENDS "g", "abc\r");
}

/* Of a paste that has not ended the rest is to come, and is no keys; but the paste may end here. */
static void unfinished_paste(void **state)
{
    (void)state;
    check_drop("abc\r" SH_PASTE_BEGINS "de\rf", "abc\r" SH_PASTE_BEGINS "de\rf\003");
    check_drop(SH_PASTE_BEGINS, SH_PASTE_BEGINS "\003");
}

/* What is a key behind a Ctrl-C that is one stays. */
static void typed_ctrl_c(void **state)
{
    (void)state;
    check_drop("abc\rd\003e", "abc\re");
    check_drop("abc\r" SH_PASTE_BEGINS "de\003f", "abc\rf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(unfinished_paste),
        cmocka_unit_test(typed_ctrl_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
