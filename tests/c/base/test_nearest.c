/* The nearest name: which slips of the hand are taken for which name. */
#include "base/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *name_at(const void *list, size_t i)
{
    return ((const char *const *)list)[i];
}

static const char *nearest(const char *word)
{
    static const char *const names[] = {"relu", "relu6",     "tanh",      "sigmoid",
                                        "w",    "softmax",   "silu",      "cross_entropy",
                                        "conv", "quadratic", "quickprop", NULL};
    const char *found = nb_nearest(word, name_at, names);
    return found ? found : "";
}

/* One slip of each kind: swap, omission, insertion, replacement. */
static void test_slips(void **state)
{
    (void)state;
    assert_string_equal(nearest("rleu"), "relu");
    assert_string_equal(nearest("rlu"), "relu");
    assert_string_equal(nearest("tanhh"), "tanh");
    assert_string_equal(nearest("tamh"), "tanh");
    assert_string_equal(nearest("relu"), "relu");
    assert_string_equal(nearest("ReLU"), "relu");
    assert_string_equal(nearest("Sigmiod"), "sigmoid");
}

/* Each bound of slips on both sides: one to five letters, two to eight, three beyond. */
static void test_slips_allowed(void **state)
{
    (void)state;
    assert_string_equal(nearest("tanx"), "tanh");
    assert_string_equal(nearest("taxx"), "");
    assert_string_equal(nearest("conxv"), "conv");
    assert_string_equal(nearest("coxxv"), "");
    assert_string_equal(nearest("coxnxv"), "conv");
    assert_string_equal(nearest("coxxxv"), "");
    assert_string_equal(nearest("sigmxxd"), "sigmoid");
    assert_string_equal(nearest("sigxxxd"), "");
    assert_string_equal(nearest("cross_entxxxy"), "cross_entropy");
    assert_string_equal(nearest("cross_enxxxxy"), "");
    assert_string_equal(nearest("quadrxxx"), "");
    assert_string_equal(nearest("quadraxxx"), "quadratic");
    assert_string_equal(nearest("tahnh"), "tanh");
}

/* A word of one letter is near nothing: any other letter would be as good. */
static void test_short_words(void **state)
{
    (void)state;
    assert_string_equal(nearest(""), "");
    assert_string_equal(nearest("b"), "");
    assert_string_equal(nearest("W"), "w");
    assert_string_equal(nearest("wb"), "w");
}

/* Who slips has the first letter right, where that is not the slip itself. */
static void test_first_letter(void **state)
{
    static const char *const names[] = {"most", "classes", "cost", NULL};
    (void)state;
    assert_null(nb_nearest("lost", name_at, names));
    assert_null(nb_nearest("Lost", name_at, names));
    assert_string_equal(nb_nearest("Cost", name_at, names), "cost");
    assert_null(nb_nearest("losses", name_at, names));
    assert_string_equal(nb_nearest("lasses", name_at, names), "classes");
    assert_string_equal(nb_nearest("ost", name_at, names), "most");
    assert_string_equal(nb_nearest("xcost", name_at, names), "cost");
    assert_string_equal(nb_nearest("ocst", name_at, names), "cost");
    assert_string_equal(nb_nearest("omst", name_at, names), "most");
    assert_null(nb_nearest("omts", name_at, names));
}

/* Three letters of which one is another are another word; four of which one is are not. */
static void test_other_word(void **state)
{
    static const char *const names[] = {"mae", "lr", "relu", NULL};
    (void)state;
    assert_null(nb_nearest("mse", name_at, names));
    assert_null(nb_nearest("l2", name_at, names));
    assert_string_equal(nb_nearest("mea", name_at, names), "mae");
    assert_string_equal(nb_nearest("ma", name_at, names), "mae");
    assert_string_equal(nb_nearest("lrr", name_at, names), "lr");
    assert_string_equal(nb_nearest("rela", name_at, names), "relu");
}

/* A word that one name begins with is short for it, in either case; not where two do, nor where it
 * has two letters. */
static void test_begun(void **state)
{
    (void)state;
    assert_string_equal(nearest("sigm"), "sigmoid");
    assert_string_equal(nearest("Cro"), "cross_entropy");
    assert_string_equal(nearest("cr"), "");
    assert_string_equal(nearest("qua"), "quadratic");
    assert_string_equal(nearest("q"), "");
    assert_string_equal(nearest("quic"), "quickprop");
    assert_string_equal(nearest("sof"), "softmax");
    assert_string_equal(nearest("softmaxxxxxxxx"), "");
    static const char *const names[] = {"accuracy", "accumulate", "cost", NULL};
    assert_null(nb_nearest("acc", name_at, names));
    assert_string_equal(nb_nearest("accur", name_at, names), "accuracy");
}

/* The nearer name wins over the earlier one, and the earlier one over an equally near. */
static void test_best(void **state)
{
    static const char *const names[] = {"cuts", "cats", "cat", NULL};
    (void)state;
    assert_string_equal(nb_nearest("catt", name_at, names), "cats");
    assert_string_equal(nb_nearest("cits", name_at, names), "cuts");
    assert_string_equal(nb_nearest("cta", name_at, names), "cat");
}

/* Words and names of NB_NEAREST_MAX letters are compared, longer ones are not. */
static void test_long_words(void **state)
{
    char word[NB_NEAREST_MAX + 2], name[NB_NEAREST_MAX + 2];
    const char *const names[] = {name, NULL};
    (void)state;
    memset(word, 'x', sizeof word);
    memset(name, 'x', sizeof name);
    word[NB_NEAREST_MAX] = name[NB_NEAREST_MAX] = '\0';
    assert_ptr_equal(nb_nearest(word, name_at, names), name);
    word[NB_NEAREST_MAX] = 'x';
    word[NB_NEAREST_MAX + 1] = '\0';
    assert_null(nb_nearest(word, name_at, names));
    word[NB_NEAREST_MAX] = '\0';
    name[NB_NEAREST_MAX] = 'x';
    name[NB_NEAREST_MAX + 1] = '\0';
    assert_null(nb_nearest(word, name_at, names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slips),       cmocka_unit_test(test_slips_allowed),
        cmocka_unit_test(test_short_words), cmocka_unit_test(test_first_letter),
        cmocka_unit_test(test_other_word),  cmocka_unit_test(test_begun),
        cmocka_unit_test(test_best),        cmocka_unit_test(test_long_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
