/* Options: what every descriptor says of the values a user may give it, in notation (key=value) or
 * in a Lua table. One description serves checking, help and completion. */
#ifndef NB_OPTION_H
#define NB_OPTION_H

#include "base/foreign.h"
#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum nb_option_kind {
    NB_NUMBER,  /* double */
    NB_INTEGER, /* int64_t */
    NB_BOOLEAN, /* bool */
    NB_WORD,    /* const char *; whoever reads it knows the words */
    NB_NAME,    /* char[NB_NAME_MAX]: a name of the user's, "" for none */
    NB_CHOICE,  /* int: which of `words`, from 0 */
    NB_SIZES, /* nb_sizes: up to `most` whole numbers, 3x5, or one of `words` where there are any */
    NB_CHOSEN, /* nb_chosen, or a struct of its shape: a word of `family`, with options of its own
                */
    NB_HOST /* int: where the host keeps a value that only it understands (a function, a set), 0 for
             none; not in notation */
} nb_option_kind;

enum {
    NB_NAME_MAX = 64,      /* bytes of a name, its end included */
    NB_CHOSEN_NUMBERS = 2, /* the most options of a word of a family */
    NB_SIZES_MAX = 8
};

/* Sizes along one dimension or several. Where dimensions are known, one size counts for all. */
typedef struct nb_sizes {
    int word;  /* of `words`, from 0; -1: the sizes */
    int count; /* at least 1 */
    int64_t size[NB_SIZES_MAX];
} nb_sizes;

typedef struct nb_option nb_option;

/* A word of a family and its own options: he, constant(value=2), leaky_relu(slope=0.2). */
typedef struct nb_chosen {
    const void *type; /* the descriptor; NULL: none */
    double number[NB_CHOSEN_NUMBERS];
} nb_chosen;

/* Room for any word: one of its options may be a word too. */
typedef struct nb_wide {
    nb_chosen chosen, inner;
} nb_wide;

/* A family whose words are values of options. */
typedef struct nb_family {
    const char *noun; /* "initialiser" */
    size_t size;      /* bytes of a value, which begins as nb_chosen does; 0: those of one */
    const void *(*find)(const char *name);
    const char *(*name_at)(const void *list, size_t i);
    const char *(*name)(const void *type);
    const nb_option *(*options)(const void *type); /* into the value; or NULL */
} nb_family;
static inline size_t nb_family_size(const nb_family *family)
{
    return family->size ? family->size : sizeof(nb_chosen);
}

struct nb_option {
    const char *name;
    const char *help;     /* one line */
    const char *range;    /* "a number above 0", in the user's words; NULL: any of its kind */
    const char *standard; /* the default in the user's words, where `value` does not say it */
    double value;         /* default of numbers, integers and booleans */
    double low, high;     /* allowed: low <= v <= high, v finite; both 0: any finite number */
    bool above;           /* low itself is not allowed */
    bool infinite;        /* numbers: infinities within low and high are allowed too */
    nb_option_kind kind;
    size_t offset; /* of the field in the struct that the option fills */
    int place;     /* in notation and tables it may stand without its name, as value number `place`
                      behind the word; 0: only by name */
    bool required; /* there is no default */
    const char *const *words; /* of choices and sizes, ends with NULL */
    int most;                 /* of NB_SIZES: how many */
    const nb_family *family;  /* of NB_CHOSEN */
};

/* Lists end with a nameless entry. */
#define NB_OPTIONS_END                                                                             \
    {                                                                                              \
        .name = NULL                                                                               \
    }

/* The entry called `name`, or NULL. */
const nb_option *nb_option_find(const nb_option *options, const char *name);
/* The option of which the word is a value, as `same` of padding; NULL: none. */
const nb_option *nb_option_of_word(const nb_option *options, const char *word);
/* Writes every default into `target`; NB_WORD fields become NULL, NB_HOST ones 0. */
void nb_option_defaults(const nb_option *options, void *target);
/* Stores a number (integers must be whole and at most NB_WHOLE_MAX either way, booleans 0 or 1), or
 * NB_EARG with "lr must be a number above 0, not -1"; then the field is untouched. */
#define NB_WHOLE_MAX 0x1p53 /* doubles hold every whole number up to it */
nb_status nb_option_set(nb_ctx *ctx, const nb_option *option, void *target, double value);
/* What nb_option_set would store: the field of a number, an integer or a boolean. */
double nb_option_number(const nb_option *option, const void *target);
/* The same for `count` sizes, at least one. */
nb_status nb_option_set_sizes(nb_ctx *ctx, const nb_option *option, void *target, int count,
                              const double *size);
/* The same for a word: true or false, a user's name, a choice, a word of the family with its own
 * defaults. NB_EARG: "unknown initialiser 'hee'; did you mean 'he'?" */
nb_status nb_option_set_word(nb_ctx *ctx, const nb_option *option, void *target, const char *word);
/* NB_EARG: "lr must be a number above 0, not true"; `given` in the caller's words. */
nb_status nb_option_wrong(nb_ctx *ctx, const nb_option *option, const char *given);
/* What the option may be, in words: its range, or its kind and choices. Returns `out`. */
enum { NB_RANGE_MAX = 256 };
const char *nb_option_range(const nb_option *option, char out[NB_RANGE_MAX]);
/* Whether the field has its default; a required option has none. */
bool nb_option_is_default(const nb_option *option, const void *target);
/* The field's value as notation writes it: "0.5", "3x5", "same", "constant(value=2)". */
void nb_option_write(nb_text *text, const nb_option *option, const void *target);
/* " name=value" for every option that has not its default, in the list's order; options without a
 * place in notation (words and values of the host) are left out. */
void nb_options_write(nb_text *text, const nb_option *options, const void *target);
/* A word's own defaults, into its numbers; options NULL: none. */
void nb_chosen_defaults(const nb_option *options, double number[NB_CHOSEN_NUMBERS]);
/* "leaky_relu(slope=0.2)"; defaults are left out. */
void nb_chosen_write(nb_text *text, const nb_family *family, const nb_chosen *chosen);
/* Fills a field of kind NB_CHOSEN with a type's defaults; `type` NULL empties it. */
void nb_option_choose(const nb_option *option, void *target, const void *type);
/* True for what may be a name of the user's: letters, digits and '_', not a digit first, and fewer
 * than NB_NAME_MAX of them. */
bool nb_is_name(const char *name);
/* The i-th option's name, for nb_nearest; `list` is the options. */
const char *nb_option_name_at(const void *list, size_t i);
/* NB_EARG: "train has no option 'epoch'; did you mean 'epochs'?" */
nb_status nb_option_unknown(nb_ctx *ctx, const nb_option *options, const char *whose,
                            const char *name);

/* The name nearest to `word`, near enough to be a slip of the hand, or NULL: one insertion,
 * omission, replacement or swap of neighbours in a word of up to five letters, two in up to eight,
 * else three, and fewer than the word has letters. The first letter is right, but where it alone is
 * too many, missing or swapped; no letter is replaced in a word of less than NB_REPLACED_LEAST
 * letters: a wrong name is worse than none. Upper and lower case count as equal; of equally near
 * names the first wins; words and names longer than NB_NEAREST_MAX are near nothing. Where none is,
 * the only one that begins with a word of NB_BEGUN_LEAST letters or more. `next(list, i)` gives the
 * i-th name, NULL after the last. */
enum { NB_NEAREST_MAX = 32, NB_BEGUN_LEAST = 3, NB_REPLACED_LEAST = 4 };
typedef const char *nb_name_at(const void *list, size_t i);
const char *nb_nearest(const char *word, nb_name_at *next, const void *list);
/* What a word of other tools is here, where that is in the list, or NULL. A word may mean several:
 * the first that is there. */
const char *nb_foreign_in(nb_foreign_kind kind, const char *word, nb_name_at *next,
                          const void *list);
/* NB_EARG: "unknown activation 'rleu'; did you mean 'relu'?" */
nb_status nb_unknown(nb_ctx *ctx, const char *noun, const char *word, nb_name_at *next,
                     const void *list);

#endif
