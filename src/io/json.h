/* JSON read in one pass by a reader that says what it expects next, and strings quoted for writing.
 * Not a document tree: nothing nests deeper than the reader's own functions, so that hostile
 * nesting has nothing to grow, and nothing is allocated. */
#ifndef NB_JSON_H
#define NB_JSON_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct nb_json {
    nb_ctx *ctx;
    const char *file; /* for messages: "file: byte 12 of place: expected ..." */
    const char *place;
    char *text; /* overwritten as strings are decoded in place; no NUL needed at its end */
    size_t length;
    size_t at;
} nb_json;

/* One member of an object, or one item of an array: reads its value. */
typedef nb_status nb_json_member(nb_json *json, void *into, const char *key);
typedef nb_status nb_json_item(nb_json *json, void *into);

/* NB_EFORMAT with the position, for anything that is not what was asked for. */
nb_status nb_json_object(nb_json *json, nb_json_member *member, void *into);
nb_status nb_json_array(nb_json *json, nb_json_item *item, void *into);
/* Valid UTF-8 without NUL, living in the text; NULL on failure. */
const char *nb_json_string(nb_json *json);
/* A whole number from 0 to 2^64 - 1, in plain digits. */
nb_status nb_json_natural(nb_json *json, uint64_t *number);
/* Only blanks are left. */
nb_status nb_json_end(nb_json *json);

bool nb_utf8_is_valid(const char *string);
/* Appends the string in quotes, what must be escaped escaped. */
void nb_json_quote(nb_text *text, const char *string);

#endif
