/* Class names: what the numbers 1…K of a data set are called. */
#ifndef NB_CLASSES_H
#define NB_CLASSES_H

#include "base/text.h"

/* The most classes of a set; whole targets above it are more likely no classes. */
enum { NB_CLASSES_MAX = 65536 };

/* How the character NUL is called, as names are strings: by two bytes that are no UTF-8. */
#define NB_NUL_NAME "\xC0\x80"

/* Counted, shared by the parts of a set. */
typedef struct nb_classes {
    size_t refs;
    int64_t count;
    char **name;
    bool numbers; /* every name is a decimal integer: the host shows integers */
    bool counted; /* nobody named them: 1 … count, as far as the labels went */
} nb_classes;

/* Copies `count` names; names NULL: "1" … "count". NB_EARG for fewer than 1 or more than
 * NB_CLASSES_MAX, and for a name that stands twice. */
nb_classes *nb_classes_new(nb_ctx *ctx, const char *const *names, int64_t count);
/* One more owner; returns its argument. */
nb_classes *nb_classes_retain(nb_classes *classes);
/* NULL is allowed. */
void nb_classes_release(nb_ctx *ctx, nb_classes *classes);
/* number[i] = which of `in` is called as class i + 1 of `of`, or 0. */
nb_status nb_classes_numbers(nb_ctx *ctx, const nb_classes *of, const nb_classes *in,
                             int32_t *number);
/* A name as people see it, escaped. */
void nb_classes_add_name(nb_text *text, const char *name);
/* "10 classes 0…9", "3 classes setosa, versicolor, virginica"; long lists are cut. */
void nb_classes_describe(nb_text *text, const nb_classes *classes);

/* All names in one text, which is UTF-8: a name a line, '\' and newline within a name written as \\
 * and \n, a byte that is no UTF-8 as \xE9; and back: NULL with NB_EFORMAT for a '\' before anything
 * else. */
void nb_classes_write(nb_text *text, const nb_classes *classes);
nb_classes *nb_classes_read(nb_ctx *ctx, const char *text);

#endif
