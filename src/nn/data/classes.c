/* Class names: the list, its one line for people, and its one text for files. */
#include "nn/data/classes.h"

#include "base/context.h"
#include "base/escape.h"
#include "base/hash.h"
#include "base/names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LISTED_MAX = 48,  /* bytes of names that a description lists */
    INTEGER_MAX = 18, /* digits that surely fit an int64_t */
    NUMBER_TEXT = 24  /* room for any int64_t */
};

static bool is_integer(const char *name)
{
    const char *digits = name + (*name == '-');
    size_t length = strspn(digits, "0123456789");
    return length > 0 && length <= INTEGER_MAX && digits[length] == '\0';
}

/* An empty list for up to `count` names. */
static nb_classes *start_classes(nb_ctx *ctx, int64_t count)
{
    if (count < 1 || count > NB_CLASSES_MAX) {
        return nb_fail_null(ctx, NB_EARG, "a set has 1 to %d classes, not %" PRId64, NB_CLASSES_MAX,
                            count);
    }
    nb_classes *classes = nb_alloc(ctx, sizeof *classes);
    char **name = classes ? nb_alloc_zero(ctx, (size_t)count, sizeof *name) : NULL;
    if (!name) {
        nb_free(ctx, classes, sizeof *classes);
        return NULL;
    }
    *classes = (nb_classes){.refs = 1, .count = count, .name = name, .numbers = true};
    return classes;
}

static bool set_name(nb_ctx *ctx, nb_classes *classes, int64_t i, const char *name)
{
    classes->name[i] = nb_copy_string(ctx, name);
    if (!is_integer(name)) classes->numbers = false;
    return classes->name[i] != NULL;
}

/* Where names are found: a table of at least twice as many places, for their numbers from 1. */
typedef struct directory {
    const char *const *names;
    int32_t *slot; /* a list of `places`, a power of 2 */
    size_t places;
} directory;

static nb_status open_directory(nb_ctx *ctx, directory *d, const char *const *names, int64_t count)
{
    *d = (directory){.names = names, .places = 2};
    while (d->places < 2 * (size_t)count) d->places *= 2;
    d->slot = nb_alloc_zero(ctx, d->places, sizeof *d->slot);
    return d->slot ? NB_OK : ctx->status;
}

static void close_directory(nb_ctx *ctx, directory *d)
{
    if (d->slot) nb_free(ctx, d->slot, d->places * sizeof *d->slot);
}

/* The place of a name, or the one where it would stand: then 0 is there. */
static int32_t *find_slot(const directory *d, const char *name)
{
    uint64_t mask = d->places - 1, at = nb_hash(name, strlen(name)) & mask;
    while (d->slot[at] && strcmp(d->names[d->slot[at] - 1], name) != 0) at = (at + 1) & mask;
    return &d->slot[at];
}

/* A class is found by its name, so no two have the same. */
static nb_status check_names(nb_ctx *ctx, const char *const *names, int64_t count)
{
    char shown[NB_SHOWN];
    directory d;
    nb_status status = open_directory(ctx, &d, names, count);
    for (int32_t i = 0; i < count && status == NB_OK; i++) {
        int32_t *slot = find_slot(&d, names[i]);
        if (*slot)
            status = nb_fail(ctx, NB_EARG, "classes %d and %d have the same name, '%s'", (int)*slot,
                             (int)i + 1, nb_text_shown(names[i], shown));
        *slot = i + 1;
    }
    close_directory(ctx, &d);
    return status;
}

nb_status nb_classes_numbers(nb_ctx *ctx, const nb_classes *of, const nb_classes *in,
                             int32_t *number)
{
    directory d;
    nb_status status = open_directory(ctx, &d, (const char *const *)in->name, in->count);
    for (int32_t i = 0; i < in->count && status == NB_OK; i++) *find_slot(&d, in->name[i]) = i + 1;
    for (int64_t i = 0; i < of->count && status == NB_OK; i++)
        number[i] = *find_slot(&d, of->name[i]);
    close_directory(ctx, &d);
    return status;
}

nb_classes *nb_classes_new(nb_ctx *ctx, const char *const *names, int64_t count)
{
    bool fits = !names || count > NB_CLASSES_MAX || check_names(ctx, names, count) == NB_OK;
    nb_classes *classes = fits ? start_classes(ctx, count) : NULL;
    if (!classes) return NULL;
    classes->counted = !names;
    for (int64_t i = 0; i < count; i++) {
        char number[NUMBER_TEXT];
        snprintf(number, sizeof number, "%" PRId64, i + 1);
        if (set_name(ctx, classes, i, names ? names[i] : number)) continue;
        nb_classes_release(ctx, classes);
        return NULL;
    }
    return classes;
}

nb_classes *nb_classes_retain(nb_classes *classes)
{
    classes->refs++;
    return classes;
}

void nb_classes_release(nb_ctx *ctx, nb_classes *classes)
{
    if (!classes || --classes->refs > 0) return;
    for (int64_t i = 0; i < classes->count; i++) nb_free_string(ctx, classes->name[i]);
    nb_free(ctx, classes->name, (size_t)classes->count * sizeof *classes->name);
    nb_free(ctx, classes, sizeof *classes);
}

/* ---- For people ----------------------------------------------------------------------------- */

/* True for names such as 0, 1, … 9, which their first and last say as well. */
static bool is_range(const nb_classes *classes)
{
    if (!classes->numbers || classes->count < 3) return false;
    int64_t first = strtoll(classes->name[0], NULL, 10);
    for (int64_t i = 1; i < classes->count; i++) {
        if (strtoll(classes->name[i], NULL, 10) != first + i) return false;
    }
    return true;
}

void nb_classes_add_name(nb_text *text, const char *name)
{
    if (strcmp(name, NB_NUL_NAME) == 0)
        nb_text_add(text, "\\0");
    else
        nb_text_add_escaped(text, name, strlen(name), NB_ESCAPE_WORD);
}

void nb_classes_describe(nb_text *text, const nb_classes *classes)
{
    nb_text_add_grouped(text, classes->count);
    nb_text_add(text, classes->count == 1 ? " class " : " classes ");
    if (is_range(classes)) {
        nb_text_add(text, "%s…%s", classes->name[0], classes->name[classes->count - 1]);
        return;
    }
    size_t listed = 0;
    for (int64_t i = 0; i < classes->count; i++) {
        listed += strlen(classes->name[i]);
        nb_text_add(text, "%s%s", i ? ", " : "", listed > LISTED_MAX ? "…" : "");
        if (listed > LISTED_MAX) return;
        nb_classes_add_name(text, classes->name[i]);
    }
}

/* ---- For files ------------------------------------------------------------------------------ */

void nb_classes_write(nb_text *text, const nb_classes *classes)
{
    nb_names_write(text, classes->name, classes->count);
}

/* Names that a count gives are no names that anybody gave. */
static bool are_counted(const nb_classes *classes)
{
    char number[NUMBER_TEXT];
    for (int64_t i = 0; i < classes->count; i++) {
        snprintf(number, sizeof number, "%" PRId64, i + 1);
        if (strcmp(classes->name[i], number) != 0) return false;
    }
    return true;
}

nb_classes *nb_classes_read(nb_ctx *ctx, const char *text)
{
    nb_names *names = nb_names_read(ctx, text, "class");
    nb_classes *classes = names ? start_classes(ctx, names->count) : NULL;
    bool whole = classes;
    for (int64_t i = 0; whole && i < names->count; i++)
        whole = set_name(ctx, classes, i, names->name[i]);
    nb_names_release(ctx, names);
    if (whole) {
        classes->counted = are_counted(classes);
        return classes;
    }
    nb_classes_release(ctx, classes);
    return NULL;
}
