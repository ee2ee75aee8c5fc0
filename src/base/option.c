/* Options in the structs that they fill, and the nearest name to a wrong one. */
#include "base/option.h"

#include "base/arith.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

const nb_option *nb_option_find(const nb_option *options, const char *name)
{
    for (; options->name; options++) {
        if (strcmp(options->name, name) == 0) return options;
    }
    return NULL;
}

/* Writes a number that suits the option's kind. */
static void store(const nb_option *option, void *target, double value)
{
    void *field = (char *)target + option->offset;
    switch (option->kind) {
    case NB_NUMBER:
        *(double *)field = value;
        break;
    case NB_INTEGER:
        *(int64_t *)field = (int64_t)value;
        break;
    case NB_BOOLEAN:
        *(bool *)field = value != 0;
        break;
    case NB_WORD:
        *(const char **)field = NULL;
        break;
    case NB_HOST:
        *(int *)field = 0;
        break;
    }
}

void nb_option_defaults(const nb_option *options, void *target)
{
    for (; options->name; options++) store(options, target, options->value);
}

static bool in_range(const nb_option *option, double value)
{
    if (option->low == 0 && option->high == 0) return true;
    bool low = option->above ? value > option->low : value >= option->low;
    return low && value <= option->high;
}

static bool allowed(const nb_option *option, double value)
{
    if (isnan(value) || (isinf(value) && !option->infinite)) return false;
    switch (option->kind) {
    case NB_NUMBER:
        return in_range(option, value);
    case NB_INTEGER:
        return fabs(value) <= NB_WHOLE_MAX && value == trunc(value) && in_range(option, value);
    case NB_BOOLEAN:
        return value == 0 || value == 1;
    case NB_WORD:
    case NB_HOST:
        break;
    }
    return false;
}

static const char *const any_of_kind[] = {
    [NB_NUMBER] = "a number", [NB_INTEGER] = "a whole number", [NB_BOOLEAN] = "true or false",
    [NB_WORD] = "a word",     [NB_HOST] = "something else",
};

nb_status nb_option_set(nb_ctx *ctx, const nb_option *option, void *target, double value)
{
    char number[NB_NUMBER_MAX];
    if (allowed(option, value)) {
        store(option, target, value);
        return NB_OK;
    }
    return nb_fail(ctx, NB_EARG, "%s must be %s, not %s", option->name,
                   option->range ? option->range : any_of_kind[option->kind],
                   nb_number_text(value, number));
}

static const char *option_name(const void *list, size_t i)
{
    return ((const nb_option *)list)[i].name;
}

nb_status nb_option_unknown(nb_ctx *ctx, const nb_option *options, const char *whose,
                            const char *name)
{
    const char *nearest = nb_nearest(name, option_name, options);
    if (!nearest) return nb_fail(ctx, NB_EARG, "%s has no option '%s'", whose, name);
    return nb_fail(ctx, NB_EARG, "%s has no option '%s'; did you mean '%s'?", whose, name, nearest);
}

/* Equal letters in the ASCII sense, whatever the locale. */
static bool same(char a, char b)
{
    if (a >= 'A' && a <= 'Z') a = (char)(a - 'A' + 'a');
    if (b >= 'A' && b <= 'Z') b = (char)(b - 'A' + 'a');
    return a == b;
}

/* Optimal string alignment: cost[i][j] turns the first i letters of a into the first j of b by
 * inserting, omitting, replacing and swapping neighbours, no letter touched twice. Both lengths are
 * at most NB_NEAREST_MAX. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t cost[NB_NEAREST_MAX + 1][NB_NEAREST_MAX + 1];
    for (size_t j = 0; j <= b_length; j++) cost[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        cost[i][0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t replaced = cost[i - 1][j - 1] + !same(a[i - 1], b[j - 1]);
            size_t shifted = nb_least_size(cost[i - 1][j], cost[i][j - 1]) + 1;
            cost[i][j] = nb_least_size(replaced, shifted);
            bool swapped = i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]);
            if (swapped) cost[i][j] = nb_least_size(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[a_length][b_length];
}

/* The most slips that a word of `length` letters may have; fewer than it has letters. */
static size_t slips_allowed(size_t length)
{
    if (length < 2) return 0;
    if (length <= 4) return 1;
    return length <= 8 ? 2 : 3;
}

const char *nb_nearest(const char *word, nb_name_at *next, const void *list)
{
    const char *nearest = NULL, *name;
    size_t length = strlen(word);
    size_t best = slips_allowed(length) + 1;
    if (length > NB_NEAREST_MAX) return NULL;
    for (size_t i = 0; (name = next(list, i)); i++) {
        size_t name_length = strlen(name);
        if (name_length > NB_NEAREST_MAX) continue;
        size_t slips = distance(word, length, name, name_length);
        if (slips >= best) continue;
        best = slips;
        nearest = name;
    }
    return nearest;
}
