/* What is suggested behind an input: from the history, from options, layers, and what closes. */
#include "shell/line/history.h"
#include "shell/complete/suggest.h"

#include "shell.h"

static void check(const char *text, const char *wanted)
{
    char copy[512];
    snprintf(copy, sizeof copy, "%s", text);
    int top = lua_gettop(shell.L);
    const char *got = sh_suggest(&shell, copy, strlen(copy));
    assert_int_equal(top, lua_gettop(shell.L));
    if (strcmp(got, wanted) != 0) fail_msg("%s: '%s', not '%s'", text, got, wanted);
}

static void history(void **state)
{
    (void)state;
    sh_history_add("alpha = 1");
    sh_history_add("alpha = 1 + 2");
    sh_history_add("beta = {\n  1,\n  2}");
    check("", "");
    check("a", "lpha = 1 + 2");
    check("alpha = 1", " + 2");
    check("alpha = 1 + 2", "");
    check("alpha = 2", "");
    check("b", "eta = {");
    check("beta = {", "");
    check("beta = {\n", "  1,");
    check("beta = {\n  1,", "");
    check("beta = {\n  1,\n ", " 2}");
    check("lpha", "");
    /* A NUL in the text is in no entry. */
    assert_string_equal(sh_suggest(&shell, "alpha = 1 + 2\0\0\0\0", 16), "");
    sh_history_close();
}

/* Entries as long as the text are compared up to a bound. */
static void long_history(void **state)
{
    enum { LONG = 4096 + 16 };
    static char text[LONG + 8];
    (void)state;
    memset(text, 'a', LONG);
    for (int entries = 511; entries <= 513; entries += 2) {
        strcpy(text + LONG, " + b");
        sh_history_add(text);
        text[LONG] = '\0';
        for (int i = 0; i < entries; i++) {
            sh_history_add(text);
            sh_history_add("other");
        }
        assert_string_equal(sh_suggest(&shell, text, LONG), entries < 512 ? " + b" : "");
        sh_history_close();
    }
}

static void options(void **state)
{
    (void)state;
    run("n = nn.net '4-3-2'");
    check("n:train(set, {", "epochs = ");
    check("n:train(set, {ep", "ochs = ");
    check("n:train(set, {epochs = 3,", " batch = ");
    check("n:train(set, {epochs = 3, ", "batch = ");
    check("n:train(set, {batch = 3, epochs = 3, ", "lr = ");
    check("n:train(set, {epochs = 3", "})");
    check("n:train(set, {epochs = ", "");
    check("nabla.colours{ke", "yword = ");
    check("x = {", "");
    check("x:nothing({", "");
}

static void closing(void **state)
{
    (void)state;
    check("print(1", ")");
    check("print({1, 2", "})");
    check("print(", "");
    check("print(1 +", "");
    check("print(1)", "");
    check("x[1", "]");
    check("f(function(v) return v * 2", " end)");
    check("f(function(v) return v * 2 ", "end)");
    check("f(function(v)", "");
    check("f(function(v) g(v", ") end)");
    check("for i = 1, 3 do print(i)", " end");
    check("for i = 1, 3", "");
    check("while x do y()", " end");
    check("while x", "");
    check("if a then b()", " end");
    check("if a", "");
    check("if a then b() elseif c", "");
    check("if a then", "");
    check("repeat x()", "");
    check("print('a", "')");
    check("print(\"a", "\")");
    check("print(\"", "");
    check("print(\"a\\", "");
    check("print(1 -- so", "");
    check("f{1}", "");
    check("function f()\n  print(1", ")");
    check("function f()\n  print(1)", "");
    check("t = {\n  1", "");
    check(".help (x", "");
    check("end", "");
}

static void layers(void **state)
{
    (void)state;
    check("nn.net(\"4-3-2", "\")");
    check("nn.net \"4-3-2", "\"");
    check("nn.net(\"4", "");
    check("nn.net(\"4-", "");
    check("nn.net(\"4-3 so", "");
    check("nn.net(\"4-3 softm", "ax");
    check("nn.net(\"4-3 softmax", " : cross_entropy");
    check("nn.net(\"4-3 softmax :", " cross_entropy");
    check("nn.net(\"4-3 softmax : ", "cross_entropy");
    check("nn.net(\"4-3 softmax : cross_", "entropy");
    check("nn.net(\"4-3 softmax : cross_entropy", "\")");
    check("nn.net(\"4-3 log_softmax", " : nll");
    check("nn.net(\"4-3 rleu", "");
    check("nn.net(\"1x28x28 -", " conv ");
    check("nn.net(\"1x28x28 - conv 8 5x5 - ", "max_pool 2");
    check("nn.net(\"1x28x28 - conv 8 5x5 - max_pool 2 -", " flatten");
    check("nn.net(\"1x28x28-conv 8 4x4-", "flatten");
    check("nn.net(\"4-9999999999", "");
    run("digits = data.digits()");
    check("nn.net(\"", "64");
    check("nn.net(\"64-", "");
    check("nn.net(\"64-30-", "10");
    check("nn.net(\"64 - 30 -", " 10");
    check("nn.net(\"64-30-10", " : cross_entropy");
    check("nn.net(\"64-30-20", "\")");
    run("iris = data.iris()");
    check("nn.net(\"", "");
    check("nn.net(\"64-30-", "");
    run("iris, digits = nil, nil");
}

static void never_runs(void **state)
{
    (void)state;
    run("ran = 0 "
        "setmetatable(_G, {__index = function() ran = ran + 1 end}) "
        "t = setmetatable({}, {__index = function() ran = ran + 1 end, "
        "__gc = function() ran = ran + 1 end}) t = nil "
        "debug.sethook(function() ran = ran + 1 end, 'c')");
    check("unknown:train(set, {", "epochs = ");
    check("nn.net(\"4-3 softmax", " : cross_entropy");
    run("debug.sethook() setmetatable(_G, nil)");
    lua_getglobal(shell.L, "ran");
    lua_Integer ran = lua_tointeger(shell.L, -1);
    lua_pop(shell.L, 1);
    assert_true(ran <= 8); /* what the lines of the test themselves call */
}

/* What would take too long is not looked through. */
static void bounds(void **state)
{
    char text[2048], many[64];
    (void)state;
    run("digits = data.digits()");
    check("nn.net(\"64-residual[residual[residual[residual[residual[residual[residual[residual["
          "residual[residual[residual[residual[64]]]]]]]]]]]]-",
          "10");
    check("nn.net(\"64-residual[residual[residual[residual[residual[residual[residual[residual["
          "residual[residual[residual[residual[residual[64]]]]]]]]]]]]]-",
          "");
    check("nn.net(\"64-2*[3]-", "");
    for (int over = 0; over < 2; over++) { /* 511 bytes of notation, and 512 */
        int length = snprintf(text, sizeof text, "nn.net(\"64-%s", over ? "30" : "3");
        while (length < 8 + 511 + over - 1) length += snprintf(text + length, 3, "-3");
        if (length < 8 + 511 + over) length += snprintf(text + length, 2, "-");
        assert_int_equal(length, 8 + 511 + over);
        assert_string_equal(sh_suggest(&shell, text, (size_t)length), over ? "" : "10");
    }
    for (int globals = 0; globals <= 1; globals++) {
        snprintf(many, sizeof many, "for i = 1, %d do _G['g' .. i] = i end", globals ? 2000 : 1900);
        run(many);
        check("nn.net(\"64-30-", globals ? "" : "10");
    }
    run("for i = 1, 2000 do _G['g' .. i] = nil end digits = nil");
}

static void memory_ends(void **state)
{
    static const char *const texts[] = {"nn.net(\"4-3 softmax", "x:train(set, {epochs = 3, ", "f(1",
                                        "nn.net(\"4-3 softm"};
    (void)state;
    run("for i = 1, 3 do collectgarbage() end");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char whole[SH_SUGGESTED_BYTES];
        bool same = false;
        snprintf(whole, sizeof whole, "%s", sh_suggest(&shell, texts[i], strlen(texts[i])));
        assert_string_not_equal(whole, "");
        for (long request = 1; !same; request++) {
            int top = lua_gettop(shell.L);
            shortage = request;
            const char *got = sh_suggest(&shell, texts[i], strlen(texts[i]));
            same = shortage > 0;
            shortage = -1;
            assert_int_equal(top, lua_gettop(shell.L));
            if (same) assert_string_equal(got, whole);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(history), cmocka_unit_test(long_history), cmocka_unit_test(options),
        cmocka_unit_test(closing), cmocka_unit_test(layers),       cmocka_unit_test(memory_ends),
        cmocka_unit_test(bounds),  cmocka_unit_test(never_runs),
    };
    return cmocka_run_group_tests(tests, open_shell, close_shell);
}
