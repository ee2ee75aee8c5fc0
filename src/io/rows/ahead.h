/* Rows read ahead of their use by a thread of their own, into two windows of fixed size: while one
 * is used up, row by row in the order that was planned, the other is filled. Nobody waits: a row
 * that is not there yet its user reads himself, and he says what is wrong with the file. */
#ifndef NB_ROWS_AHEAD_H
#define NB_ROWS_AHEAD_H

#include "io/rows/file.h"

enum {
    NB_AHEAD_WINDOW = 8 << 20, /* bytes of rows in a window */
    NB_AHEAD_LEAST = 8         /* rows; of larger ones none is read ahead */
};

typedef struct nb_ahead nb_ahead;

/* NULL: rows are too large, or there is no memory or thread to be had; no failure. The file must
 * outlive it. */
nb_ahead *nb_ahead_new(const nb_row_file *file);
/* NULL is allowed. */
void nb_ahead_free(nb_ahead *ahead);

/* The row that is planned next, or -1; and how many are planned and not taken. */
int64_t nb_ahead_next(nb_ahead *ahead);
size_t nb_ahead_planned(nb_ahead *ahead);
/* Room for more rows behind the planned ones: a list for their numbers, or NULL; *room of them at
 * most. */
int32_t *nb_ahead_room(nb_ahead *ahead, size_t *room);
/* The first `count` of that list are wanted. */
void nb_ahead_plan(nb_ahead *ahead, size_t count);
/* Forgets what is planned. */
void nb_ahead_forget(nb_ahead *ahead);
/* Takes the row that is planned next: valid until the next call of any of these; NULL: it has not
 * been read. */
const void *nb_ahead_take(nb_ahead *ahead);

#endif
