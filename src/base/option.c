/* Options in the structs that they fill, and the nearest name to a wrong one. */
#include "base/option.h"

#include "base/arith.h"
#include "base/foreign.h"
#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const nb_option *nb_option_find(const nb_option *options, const char *name)
{
    for (; options->name; options++) {
        if (strcmp(options->name, name) == 0) return options;
    }
    return NULL;
}

const nb_option *nb_option_of_word(const nb_option *options, const char *word)
{
    for (; options->name; options++)
        for (size_t i = 0; options->words && options->words[i]; i++)
            if (strcmp(options->words[i], word) == 0) return options;
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
    case NB_CHOICE:
        *(int *)field = (int)value;
        break;
    case NB_SIZES:
        *(nb_sizes *)field = (nb_sizes){.word = -1, .count = 1, .size = {(int64_t)value}};
        break;
    case NB_WORD:
        *(const char **)field = NULL;
        break;
    case NB_NAME:
        *(char *)field = '\0';
        break;
    case NB_CHOSEN:
        memset(field, 0, nb_family_size(option->family));
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

static bool is_whole(const nb_option *option, double value)
{
    return fabs(value) <= NB_WHOLE_MAX && value == trunc(value) && in_range(option, value);
}

static bool allowed(const nb_option *option, double value)
{
    if (isnan(value) || (isinf(value) && !option->infinite)) return false;
    switch (option->kind) {
    case NB_NUMBER:
        return in_range(option, value);
    case NB_INTEGER:
    case NB_SIZES:
        return is_whole(option, value);
    case NB_BOOLEAN:
        return value == 0 || value == 1;
    case NB_WORD:
    case NB_NAME:
    case NB_CHOICE:
    case NB_CHOSEN:
    case NB_HOST:
        break;
    }
    return false;
}

/* ---- What an option may be, and what it may not --------------------------------------------- */

/* "same, valid or causal", and "or a whole number" where that may stand too. */
static void list_words(const nb_option *option, char out[NB_RANGE_MAX])
{
    const char *const *words = option->words;
    bool number = option->kind == NB_SIZES;
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; words[i] && used < NB_RANGE_MAX; i++) {
        const char *between = !i ? "" : words[i + 1] || number ? ", " : " or ";
        used += (size_t)snprintf(out + used, NB_RANGE_MAX - used, "%s%s", between, words[i]);
    }
    if (number && used < NB_RANGE_MAX)
        snprintf(out + used, NB_RANGE_MAX - used, " or a whole number");
}

const char *nb_option_range(const nb_option *option, char out[NB_RANGE_MAX])
{
    static const char *const kinds[] = {
        [NB_NUMBER] = "a number",
        [NB_INTEGER] = "a whole number",
        [NB_BOOLEAN] = "true or false",
        [NB_WORD] = "a string",
        [NB_NAME] = "a name of letters, digits and _, at most 63 of them",
        [NB_SIZES] = "sizes, as in 3x5",
        [NB_HOST] = "something else",
    };
    static_assert(NB_NAME_MAX == 64, "the words above say how long a name may be");
    if (option->range)
        snprintf(out, NB_RANGE_MAX, "%s", option->range);
    else if (option->words)
        list_words(option, out);
    else if (option->kind == NB_CHOSEN)
        snprintf(out, NB_RANGE_MAX, "the name of %s %s",
                 strchr("aeiou", option->family->noun[0]) ? "an" : "a", option->family->noun);
    else
        snprintf(out, NB_RANGE_MAX, "%s", kinds[option->kind]);
    return out;
}

nb_status nb_option_wrong(nb_ctx *ctx, const nb_option *option, const char *given)
{
    char range[NB_RANGE_MAX];
    return nb_fail(ctx, NB_EARG, "%s must be %s, not %s", option->name,
                   nb_option_range(option, range), given);
}

/* ---- Values --------------------------------------------------------------------------------- */

double nb_option_number(const nb_option *option, const void *target)
{
    const void *field = (const char *)target + option->offset;
    if (option->kind == NB_BOOLEAN) return *(const bool *)field;
    if (option->kind == NB_INTEGER) return (double)*(const int64_t *)field;
    return *(const double *)field;
}

/* The most that a number may be, where its range does not say. */
static double most_of(const nb_option *option)
{
    static const char *const sayings[] = {" to ", "below ", "at most "};
    bool whole = option->kind == NB_INTEGER;
    if (!whole && option->kind != NB_NUMBER) return INFINITY;
    for (size_t i = 0; i < sizeof sayings / sizeof *sayings; i++)
        if (option->range && strstr(option->range, sayings[i])) return INFINITY;
    if (option->low == 0 && option->high == 0) return whole ? NB_WHOLE_MAX : INFINITY;
    return whole ? fmin(option->high, NB_WHOLE_MAX) : option->high;
}

nb_status nb_option_set(nb_ctx *ctx, const nb_option *option, void *target, double value)
{
    char number[NB_NUMBER_MAX], most[NB_NUMBER_MAX];
    bool counts = option->kind != NB_INTEGER || value == trunc(value);
    nb_number_text(value, number);
    if (counts && !isinf(value) && value > most_of(option))
        return nb_fail(ctx, NB_EARG, "%s must be at most %s, not %s", option->name,
                       nb_number_text(most_of(option), most), number);
    if (!allowed(option, value)) return nb_option_wrong(ctx, option, number);
    store(option, target, value);
    return NB_OK;
}

/* "3x5", of at most as many sizes as there may be and one more. */
static nb_status wrong_sizes(nb_ctx *ctx, const nb_option *option, int count, const double *size)
{
    char one[NB_NUMBER_MAX], all[(NB_SIZES_MAX + 1) * NB_NUMBER_MAX] = "";
    size_t used = 0;
    for (int i = 0; i < count && i <= NB_SIZES_MAX; i++)
        used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i ? "x" : "",
                                 nb_number_text(size[i], one));
    return nb_option_wrong(ctx, option, all);
}

nb_status nb_option_set_sizes(nb_ctx *ctx, const nb_option *option, void *target, int count,
                              const double *size)
{
    nb_sizes sizes = {.word = -1, .count = count};
    bool fine = option->kind == NB_SIZES && count >= 1 && count <= option->most;
    for (int i = 0; i < count && fine; i++) {
        fine = allowed(option, size[i]);
        if (fine) sizes.size[i] = (int64_t)size[i];
    }
    if (!fine) return wrong_sizes(ctx, option, count, size);
    memcpy((char *)target + option->offset, &sizes, sizeof sizes);
    return NB_OK;
}

bool nb_is_name(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    size_t length = strspn(name, letters);
    return length > 0 && length < NB_NAME_MAX && name[length] == '\0' &&
           !(name[0] >= '0' && name[0] <= '9');
}

static const char *word_at(const void *list, size_t i)
{
    return ((const char *const *)list)[i];
}

static nb_status set_choice(nb_ctx *ctx, const nb_option *option, void *target, const char *word)
{
    void *field = (char *)target + option->offset;
    for (int i = 0; option->words[i]; i++) {
        if (strcmp(option->words[i], word) != 0) continue;
        if (option->kind == NB_CHOICE)
            *(int *)field = i;
        else
            *(nb_sizes *)field = (nb_sizes){.word = i, .count = 1};
        return NB_OK;
    }
    if (nb_nearest(word, word_at, option->words))
        return nb_unknown(ctx, option->name, word, word_at, option->words);
    char shown[NB_SHOWN], quoted[NB_SHOWN + 2];
    snprintf(quoted, sizeof quoted, "'%s'", nb_text_shown(word, shown));
    return nb_option_wrong(ctx, option, quoted);
}

static nb_status set_chosen(nb_ctx *ctx, const nb_option *option, void *target, const char *word)
{
    const nb_family *family = option->family;
    const void *type = family->find(word);
    if (!type) return nb_unknown(ctx, family->noun, word, family->name_at, NULL);
    nb_option_choose(option, target, type);
    return NB_OK;
}

nb_status nb_option_set_word(nb_ctx *ctx, const nb_option *option, void *target, const char *word)
{
    char shown[NB_SHOWN], quoted[NB_SHOWN + 2];
    if (option->words) return set_choice(ctx, option, target, word);
    if (option->kind == NB_CHOSEN) return set_chosen(ctx, option, target, word);
    if (option->kind == NB_NAME && nb_is_name(word)) {
        strcpy((char *)target + option->offset, word);
        return NB_OK;
    }
    if (option->kind == NB_BOOLEAN && (!strcmp(word, "true") || !strcmp(word, "false"))) {
        store(option, target, *word == 't');
        return NB_OK;
    }
    snprintf(quoted, sizeof quoted, "'%s'", nb_text_shown(word, shown));
    return nb_option_wrong(ctx, option, quoted);
}

void nb_chosen_defaults(const nb_option *options, double number[NB_CHOSEN_NUMBERS])
{
    nb_chosen chosen = {.type = NULL};
    if (options) nb_option_defaults(options, &chosen);
    memcpy(number, chosen.number, sizeof chosen.number);
}

void nb_option_choose(const nb_option *option, void *target, const void *type)
{
    nb_wide value = {.chosen = {.type = type}};
    const nb_option *options = type ? option->family->options(type) : NULL;
    if (options) nb_option_defaults(options, &value);
    memcpy((char *)target + option->offset, &value, nb_family_size(option->family));
}

bool nb_option_is_default(const nb_option *option, const void *target)
{
    const void *field = (const char *)target + option->offset;
    if (option->required) return false;
    switch (option->kind) {
    case NB_NUMBER:
        return *(const double *)field == option->value;
    case NB_INTEGER:
        return *(const int64_t *)field == (int64_t)option->value;
    case NB_BOOLEAN:
        return *(const bool *)field == (option->value != 0);
    case NB_WORD:
        return !*(const char *const *)field;
    case NB_NAME:
        return !*(const char *)field;
    case NB_CHOICE:
        return *(const int *)field == (int)option->value;
    case NB_SIZES: {
        const nb_sizes *sizes = field;
        return sizes->word < 0 && sizes->count == 1 && sizes->size[0] == (int64_t)option->value;
    }
    case NB_CHOSEN: {
        nb_chosen chosen; /* the field may be another struct of the same shape */
        memcpy(&chosen, field, sizeof chosen);
        return !chosen.type;
    }
    case NB_HOST:
        break;
    }
    return !*(const int *)field;
}

/* ---- As notation writes them ---------------------------------------------------------------- */

static void write_sizes(nb_text *text, const nb_option *option, const nb_sizes *sizes)
{
    if (sizes->word >= 0) nb_text_add(text, "%s", option->words[sizes->word]);
    for (int i = 0; sizes->word < 0 && i < sizes->count; i++)
        nb_text_add(text, "%s%lld", i ? "x" : "", (long long)sizes->size[i]);
}

void nb_option_write(nb_text *text, const nb_option *option, const void *target)
{
    const void *field = (const char *)target + option->offset;
    nb_chosen chosen;
    switch (option->kind) {
    case NB_NUMBER:
        nb_text_add_number(text, *(const double *)field);
        break;
    case NB_INTEGER:
        nb_text_add(text, "%lld", (long long)*(const int64_t *)field);
        break;
    case NB_BOOLEAN:
        nb_text_add(text, "%s", *(const bool *)field ? "true" : "false");
        break;
    case NB_NAME:
        nb_text_add(text, "%s", (const char *)field);
        break;
    case NB_CHOICE:
        nb_text_add(text, "%s", option->words[*(const int *)field]);
        break;
    case NB_SIZES:
        write_sizes(text, option, field);
        break;
    case NB_CHOSEN:
        memcpy(&chosen, field, sizeof chosen);
        if (chosen.type) nb_chosen_write(text, option->family, &chosen);
        break;
    case NB_WORD:
    case NB_HOST:
        break;
    }
}

void nb_options_write(nb_text *text, const nb_option *options, const void *target)
{
    for (; options->name; options++) {
        bool written = options->kind != NB_WORD && options->kind != NB_HOST;
        if (!written || nb_option_is_default(options, target)) continue;
        nb_text_add(text, " %s=", options->name);
        nb_option_write(text, options, target);
    }
}

void nb_chosen_write(nb_text *text, const nb_family *family, const nb_chosen *chosen)
{
    const nb_option *option = family->options(chosen->type);
    const char *between = "(";
    nb_text_add(text, "%s", family->name(chosen->type));
    for (; option && option->name; option++) {
        if (nb_option_is_default(option, chosen)) continue;
        nb_text_add(text, "%s%s=", between, option->name);
        nb_option_write(text, option, chosen);
        between = ", ";
    }
    if (*between == ',') nb_text_add(text, ")");
}

/* ---- Names that are not there --------------------------------------------------------------- */

const char *nb_option_name_at(const void *list, size_t i)
{
    return ((const nb_option *)list)[i].name;
}

const char *nb_foreign_in(nb_foreign_kind kind, const char *word, nb_name_at *next,
                          const void *list)
{
    const nb_foreign *entry;
    const char *name;
    for (size_t i = 0; (entry = nb_foreign_at(i)); i++) {
        if (entry->kind != kind || strcmp(entry->word, word) != 0) continue;
        for (size_t k = 0; (name = next(list, k)); k++)
            if (strcmp(name, entry->here) == 0) return name;
    }
    return NULL;
}

nb_status nb_option_unknown(nb_ctx *ctx, const nb_option *options, const char *whose,
                            const char *name)
{
    const char *here = nb_foreign_in(NB_FOREIGN_OPTION, name, nb_option_name_at, options);
    if (here)
        return nb_fail(ctx, NB_EARG, "%s has no option '%s'; here it is '%s'", whose, name, here);
    const char *nearest = nb_nearest(name, nb_option_name_at, options);
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
    if (length <= 5) return 1;
    return length <= 8 ? 2 : 3;
}

/* Whether so many slips, one at least, make the word of the name, and not another word: who slips
 * has the first letter right, where that is not the slip itself, put in, left out or swapped; and
 * two or three letters of which one is another mean something else. */
static bool is_slip(const char *word, size_t length, const char *name, size_t name_length,
                    size_t slips)
{
    size_t unlike = 0;
    bool moved = same(word[1], name[0]) || (name[0] && same(word[0], name[1]));
    if (!same(word[0], name[0]) && (slips > 1 || !moved)) return false;
    if (length != name_length || length >= NB_REPLACED_LEAST) return true;
    for (size_t i = 0; i < length; i++) unlike += !same(word[i], name[i]);
    return unlike > 1;
}

/* The only name that begins with the word, where that has letters enough to mean it. */
static const char *find_begun(const char *word, size_t length, nb_name_at *next, const void *list)
{
    const char *begun = NULL, *name;
    for (size_t i = 0; length >= NB_BEGUN_LEAST && (name = next(list, i)); i++) {
        size_t k = 0;
        while (k < length && name[k] && same(word[k], name[k])) k++;
        if (k < length || strlen(name) > NB_NEAREST_MAX) continue;
        if (begun) return NULL;
        begun = name;
    }
    return begun;
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
        if (slips >= best || (slips > 0 && !is_slip(word, length, name, name_length, slips)))
            continue;
        best = slips;
        nearest = name;
    }
    return nearest ? nearest : find_begun(word, length, next, list);
}

nb_status nb_unknown(nb_ctx *ctx, const char *noun, const char *word, nb_name_at *next,
                     const void *list)
{
    char shown[NB_SHOWN];
    const char *here = nb_foreign_in(NB_FOREIGN_WORD, word, next, list);
    if (here) return nb_fail(ctx, NB_EARG, "unknown %s '%s'; here it is '%s'", noun, word, here);
    const char *nearest = nb_nearest(word, next, list);
    return nb_fail(ctx, NB_EARG, "unknown %s '%s'%s%s%s", noun, nb_text_shown(word, shown),
                   nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}
