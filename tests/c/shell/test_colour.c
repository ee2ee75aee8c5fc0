/* The styles of each byte of an input, against styles written by hand: a letter per byte. */
#include "shell/colour/colour.h"

#include "shell.h"

/* The letter of a style: large where it is underlined, ^ for a match. */
static char letter(unsigned char style)
{
    static const char letters[] = "-kn0swc.";
    char c = letters[style & 0x1F];
    if (style & SH_STYLE_MATCH) return '^';
    if (!(style & SH_STYLE_UNKNOWN)) return c;
    return c == '-' ? 'U' : c == '.' ? 'C' : (char)(c - 'a' + 'A');
}

/* A ` in the text is the cursor; `wanted` is what each byte looks like, but for blanks. */
static void check(const char *marked, const char *wanted)
{
    char text[512], got[512];
    unsigned char style[512];
    size_t length = 0, cursor = SIZE_MAX;
    for (; *marked; marked++) {
        if (*marked == '`')
            cursor = length;
        else
            text[length++] = *marked;
    }
    text[length] = '\0';
    int top = lua_gettop(shell.L);
    sh_colour_text(&shell, text, length, cursor, style);
    assert_int_equal(top, lua_gettop(shell.L));
    for (size_t i = 0; i < length; i++)
        got[i] = text[i] == ' ' || text[i] == '\n' ? text[i] : letter(style[i]);
    got[length] = '\0';
    if (strcmp(got, wanted) != 0) {
        print_error("%s\n%s\n%s, not\n", text, got, wanted);
        fail();
    }
}

static void tokens(void **state)
{
    (void)state;
    check("local x = 1.5 -- one", "kkkkk - - 000 cc ccc");
    check("return 'a' .. [[b\nc]] --[[ d\n e", "kkkkkk sss -- sss\nsss cccc c\n c");
    check("if not nil then end", "kk kkk kkk kkkk kkk");
    check("x = \"open", "- - sssss");
    check("", "");
    check("   ", "   ");
}

/* Readline's text may hold a NUL. */
static void nul(void **state)
{
    unsigned char style[16];
    (void)state;
    sh_colour_text(&shell, "end \0 'a\0b' end", 15, 15, style);
    for (size_t i = 0; i < 15; i++) {
        bool string = i >= 6 && i < 11;
        assert_true(i == 3 || i == 4 || i == 5 || i == 11 ||
                    style[i] == (string ? SH_STYLE_STRING : SH_STYLE_KEYWORD));
    }
}

static void names(void **state)
{
    (void)state;
    run("mine = 3");
    check("print(mine, yours)", "nnnnn------ UUUUU-");
    check("print(mine, yours`)", "nnnnn^----- -----^");
    check("string.format(x.y)", "nnnnnn-nnnnnn-U---");
    check("_ + _2 + _err", "n - nn - nnnn");
    check("pint(1); x = pint", "UUUU-0-- - - UUUU");
}

/* A name that begins a statement may be on its way to a value. */
static void may_be_given(void **state)
{
    (void)state;
    check("fresh `", "----- ");
    check("fresh ", "UUUUU ");
    check("fresh +`", "UUUUU -");
    check("x = 1 fresh `", "- - 0 ----- ");
    check("return fresh `", "kkkkkk UUUUU ");
    check("x = fresh `", "- - UUUUU ");
    check("fresh, `", "------ ");
    check("fresh, other, last `", "------ ------ UUUU ");
    check("fresh, other, last = 1`", "------ ------ ---- - 0");
    check("return fresh, other,`", "kkkkkk UUUUU- UUUUU-");
    check("x = fresh, other,`", "- - UUUUU- UUUUU-");
    check("f(fresh, other`)", "U^UUUUU- -----^");
    check("do fresh, `", "kk ------ ");
}

/* Tables behind the globals are read raw too; a function is not asked, and a circle ends. */
static void behind_globals(void **state)
{
    (void)state;
    run("setmetatable(_G, {__index = setmetatable({near = 1}, {__index = {far = 1}})})");
    check("near, far, none = 1", "----- ---- ---- - 0");
    check("print(near, far, none)", "nnnnn------ ---- UUUU-");
    run("circle = {} setmetatable(circle, {__index = circle}) "
        "setmetatable(_G, {__index = circle})");
    check("print(none)", "nnnnn-UUUU-");
    run("setmetatable(_G, nil)");
}

/* What the input itself gives a value. */
static void declared(void **state)
{
    (void)state;
    check("local a, b <const> = 1; return a + b + c", "kkkkk -- - ------- - 0- kkkkkk - - - - U");
    check("do local a end return a", "kk kkkkk - kkk kkkkkk U");
    check("for i, v in pairs(t) do print(i, v) end i", "kkk -- - kk nnnnn-U- kk nnnnn--- -- kkk U");
    check("function f(a, ...) return a, f, b end a()", "kkkkkkkk ---- ---- kkkkkk -- -- U kkk U--");
    check("function o:m() return self end self", "kkkkkkkk U---- kkkkkk ---- kkk UUUU");
    check("local function f() return f end f()", "kkkkk kkkkkkkk --- kkkkkk - kkk ---");
    check("a, b = 1, 2; a = b", "-- - - 0- 0- - - -");
    check("print(later) later = 1", "nnnnn------- ----- - 0");
    check("t = {key = 1, [other] = two}", "- - ---- - 0- -UUUUU- - UUU-");
    check("goto out ::out:: x.out()", "kkkk --- ------- U------");
    check("repeat local a = 1 until a", "kkkkkk kkkkk - - 0 kkkkk -");
    check("if a then local b else b() end", "kk U kkkk kkkkk - kkkk U-- kkk");
    check("local x\ny()", "kkkkk -\nU--");
    check("local _ENV = {} anything()", "kkkkk ---- - -- ----------");
    check("f{x == 1, g = 2}", "U-U -- 0- - - 0-");
    check("while a do local b do end b() end b()", "kkkkk U kk kkkkk - kk kkk --- kkk U--");
}

static void notation(void **state)
{
    (void)state;
    check("nn.net(\"784-30 rleu-10 : cross_entropy\")", "nn-nnn-s000s00 SSSSs00 s wwwwwwwwwwwwws-");
    check("nn.net \"1x28x28 - conv 20 5x5 stride=2 init=he - max_pool 2 - flaten - 10 softmax\"",
          "nn-nnn s0000000 s wwww 00 000 wwwwwws0 wwwwsww s wwwwwwww 0 s SSSSSS s 00 wwwwwwws");
    check("nn.net '8 - 2*[4 tanh] - residual[4 relu - 4 | 4] - 3 elu(alpha=2) : huber delta=2'",
          "nn-nnn s0 s 0ss0 wwwws s wwwwwwwws0 wwww s 0 s 0s s 0 wwwswwwwws0s s wwwww wwwwws0s");
}

static void unfinished(void **state)
{
    (void)state;
    check("nn.net(\"784-30 re`", "nn-nnn-s000s00 ww");
    check("nn.net(\"784-30 re", "nn-nnn-s000s00 SS");
    check("nn.net(\"784-30 rleu`", "nn-nnn-s000s00 SSSS");
    check("nn.net(\"784-con`", "nn-nnn-s000swww");
    check("nn.net(\"784-30 : cros`", "nn-nnn-s000s00 s wwww");
    check("nn.net(\"784-30 relu relu`-10", "nn-nnn-s000s00 wwww wwwws00");
    check("pri`", "---");
}

static void elsewhere(void **state)
{
    (void)state;
    run("swish2 = nn.activation{name = 'swish2', f = function(z) return z end}");
    check("nn.net{4, \"3 swish2 - 2 swish3\"}", "nn-nnn-0- s0 wwwwww s 0 SSSSSSs-");
    check("x = {cost = \"huber\", init = \"hee\"}", "- - ----- - swwwwws- ---- - sSSSs-");
    check("x = {activation = \"leaky_relu(slope=0.2)\"}",
          "- - ----------- - swwwwwwwwwwswwwwws000ss-");
    check("n:append(\"2 softmax\", \"9 sofmax\")", "U--------s0 wwwwwwws- s0 SSSSSSs-");
    check("print(\"784-30 rleu\")", "nnnnn-sssssss sssss-");
    check("nn.dense{5, \"rleu\"}", "nn-nnnnn-0- sSSSSs-");
    check("nn.act{\"relu\"}", "nn-nnn-swwwws-");
    check("nn.lstm{5, \"rleu\"}", "nn-nnnn-0- ssssss-");
    check("nn.residual{{\"3 relu\"}, {\"3 rleu\"}}", "nn-nnnnnnnn--s0 wwwws-- -s0 SSSSs--");
    check("x = {optimizer = \"adm\", metrics = {\"accuracy\", \"acuracy\"}}",
          "- - ---------- - sSSSs- ------- - -swwwwwwwws- sSSSSSSSs--");
    check("nn.net [[4 -\n3 rleu]]", "nn-nnn ss0 s\n0 SSSSss");
    check("nn.net [==[4-3 relu]==]", "nn-nnn ssss0s0 wwwwssss");
    check("nn.net(\"4 -\\n3 relu\")", "nn-nnn-s0 sss0 wwwws-");
}

static void matches(void **state)
{
    (void)state;
    check("f(a[1]`)", "U-U^0^-");
    check("`(a)", "^U^");
    check("(a)`)", "^U^-");
    check("do x() end`", "^^ U-- ^^^");
    check("if a then b() `end", "^^ U kkkk U-- ^^^");
    check("for i = 1, 2 do end`", "^^^ - - 0- 0 kk ^^^");
    check("repeat `until x", "^^^^^^ ^^^^^ U");
    check("f(`", "U-");
    check("nn.net '4-2*[3]`-1'", "nn-nnn s0s0s^0^s0s");
    check("nn.net '4-`[3-2*[3]]'", "nn-nnn s0s^0s0ss0s^s");
    check("nn.net '4-3 elu`(alpha=1", "nn-nnn s0s0 wwwswwwwws0");
}

static void commands(void **state)
{
    (void)state;
    check(".help net", "..... ---");
    check(".hlep net", "CCCCC ---");
    check(".he`", "...");
    check(".time x = 1", "..... - - 0");
    check("?train", ".-----");
    check("??train", "..-----");
    check("train?", "-----.");
    check("!ls -l for", ".-- -- ---");
}

/* Whatever request fails: no byte is left without a style, nothing is left on the stack, and what
 * the text says alone is told once its tokens are there. */
static void memory_ends(void **state)
{
    static const char text[] = "local x = nn.net('4-3 rleu', yours)";
    size_t length = sizeof text - 1;
    unsigned char whole[64], style[64];
    bool differed = false, same = false;
    (void)state;
    run("for i = 1, 3 do collectgarbage() end");
    sh_colour_text(&shell, text, length, SIZE_MAX, whole);
    for (long request = 1; !same; request++) {
        int top = lua_gettop(shell.L);
        memset(style, 0xFF, sizeof style);
        shortage = request;
        sh_colour_text(&shell, text, length, SIZE_MAX, style);
        same = shortage > 0;
        shortage = -1;
        assert_int_equal(top, lua_gettop(shell.L));
        for (size_t i = 0; i < length; i++) assert_true((style[i] & 0x1F) < SH_STYLES);
        if (memcmp(style, whole, length) != 0) differed = true;
        if (request > 2) assert_int_equal(style[0], SH_STYLE_KEYWORD);
    }
    assert_true(differed);
    assert_memory_equal(style, whole, length);
}

/* Neither a metamethod nor a finaliser nor a hook. */
static void never_runs(void **state)
{
    (void)state;
    run("ran = 0 local function count() ran = ran + 1 end "
        "setmetatable(_G, {__index = count}) "
        "t = setmetatable({}, {__index = count, __gc = count, __len = count}) t = nil "
        "own = setmetatable({}, {__index = count}) debug.sethook(count, '', 1)");
    lua_getglobal(shell.L, "ran");
    lua_Integer before = lua_tointeger(shell.L, -1);
    for (int i = 0; i < 1000; i++) {
        unsigned char style[64];
        char text[64];
        snprintf(text, sizeof text, "own.x, other%d = nn.y, unheard%d", i, i);
        sh_colour_text(&shell, text, strlen(text), 3, style);
    }
    lua_getglobal(shell.L, "ran");
    assert_int_equal(before, lua_tointeger(shell.L, -1));
    lua_pop(shell.L, 2);
    run("debug.sethook() setmetatable(_G, nil)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens),         cmocka_unit_test(nul),
        cmocka_unit_test(names),          cmocka_unit_test(may_be_given),
        cmocka_unit_test(behind_globals), cmocka_unit_test(declared),
        cmocka_unit_test(notation),       cmocka_unit_test(unfinished),
        cmocka_unit_test(elsewhere),      cmocka_unit_test(matches),
        cmocka_unit_test(commands),       cmocka_unit_test(memory_ends),
        cmocka_unit_test(never_runs),
    };
    return cmocka_run_group_tests(tests, open_shell, close_shell);
}
