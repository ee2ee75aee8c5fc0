/* What the rules of the grammar share; notation.h holds the grammar. Every rule reads from the
 * token to be read on and leaves the one behind it, or returns a failure with the place marked. */
#ifndef NB_PARSER_H
#define NB_PARSER_H

#include "nn/net/net.h"
#include "nn/notation/resolver.h"
#include "nn/notation/scan.h"

typedef struct nb_parser {
    nb_scan scan;
    const nb_resolver *resolver;
    /* The blocks whose lists are being read, the outermost first; borrowed. Their children so far
     * are what stands before. */
    nb_layer *block[NB_LAYER_DEPTH + 1];
    int blocks;
    int brackets;   /* open: of blocks and repeats; at most NB_LAYER_DEPTH, and so deep the rules
                       call each other */
    int repeats;    /* open ones of more than one turn: no names in them */
    int64_t places; /* of layers so far */
    size_t again;   /* bytes read again so far */
} nb_parser;

/* Whose options are being read. */
typedef struct nb_target {
    const char *whose; /* "dense" */
    const nb_option *options;
    void *fields;    /* the struct that they fill */
    uint64_t given;  /* a bit for every option of the list that was said */
    nb_layer *layer; /* NULL: of a cost, or of a word */
} nb_target;

/* ---- parser.c: tokens and errors ---- */

bool nb_parse_at(const nb_parser *p, nb_token_kind kind);
bool nb_parse_at_sign(const nb_parser *p, char sign);
/* A size, a shape, or another number. */
bool nb_parse_at_number(const nb_parser *p);
/* "-30": a '-' directly before a digit. */
bool nb_parse_at_negative(const nb_parser *p);
/* Both as one token, where that stands. */
nb_token nb_parse_negative(const nb_parser *p);
/* The token to be read, and on to the next. */
nb_token nb_parse_take(nb_parser *p);
/* The token as a string; cut where it is longer than any name may be, so that it matches none. */
const char *nb_parse_word(nb_token token, char out[NB_NAME_MAX + 1]);
/* "expected …, not 'x'" */
nb_status nb_parse_expected(nb_parser *p, const char *what);
/* Shows the place of the failure that the context holds. Returns its status. */
nb_status nb_parse_marked(nb_parser *p, nb_token token);
/* A whole number from 1 to NB_SIZE_MAX; `what` is expected, `noun` what errors call it. */
nb_status nb_parse_whole(nb_parser *p, const char *noun, const char *what, int64_t *number);
/* The same of the digits that stand at `at` within a token; *end is what follows them. */
nb_status nb_parse_digits(nb_parser *p, const char *noun, const char *at, int64_t *number,
                          const char **end);
/* NB_EARG: '*' where a layer needs a size. */
nb_status nb_parse_no_free(nb_parser *p, nb_token token);

/* ---- values.c: options and their values ---- */

/* NAME "=" value */
nb_status nb_parse_option(nb_parser *p, nb_target *target);
/* A bare value of an option: a number or sizes in its place, or what stands behind '='. */
nb_status nb_parse_value(nb_parser *p, nb_target *target, const nb_option *option);
/* Remembers that it was said; NB_EARG, marked at `token`, where it was before. */
nb_status nb_parse_give(nb_parser *p, nb_token token, nb_target *target, const nb_option *option);
/* NAME [args], a word of a family, the host's included. */
nb_status nb_parse_chosen(nb_parser *p, const nb_family *family, nb_chosen *chosen);
/* What the family or the host knows by the name, or NULL. */
const void *nb_parse_find(nb_parser *p, const nb_family *family, const char *name);

/* ---- layers.c: one layer ---- */

/* The layer's word, where it has one, its arguments, its branches and its tail; a new reference. */
nb_layer *nb_parse_layer(nb_parser *p);

/* ---- items.c: lists ---- */

/* item ("-" item)*, into the innermost block. */
nb_status nb_parse_list(nb_parser *p);
/* "[" [list] ("|" [list])* "]" of a block. */
nb_status nb_parse_branches(nb_parser *p, nb_layer *block);

#endif
