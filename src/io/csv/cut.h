/* A table of text (RFC 4180) cut into records and their cells. Lines end in LF, CRLF or CR; blank
 * ones between records are passed over, and those that begin with the comment's letter. Cells may
 * stand in quotes, two of which are one inside; blanks around a cell are not part of it. */
#ifndef NB_CSV_CUT_H
#define NB_CSV_CUT_H

#include "io/source.h"

enum {
    NB_CSV_RECORD_MAX = 16 << 20, /* bytes of a record; what goes on longer is no table */
    NB_CSV_COLUMNS_MAX = 1 << 20
};

/* Where a cell stands in the text, which the next record may move. */
typedef struct nb_csv_cell {
    const char *text;
    size_t length;
    bool quoted;
    bool doubled; /* holds quotes that stand twice, until its record is whole */
} nb_csv_cell;

/* The text: buffer[at … end) is at hand, and a byte 0 stands behind it, which ends every loop. */
typedef struct nb_csv_text {
    nb_ctx *ctx;
    nb_source *source;
    char *buffer;
    size_t room, at, end;
    bool last;       /* the source gives no more */
    char delimiter;  /* set by nb_csv_delimit */
    char comment;    /* 0: none */
    bool stops[256]; /* what ends a cell without quotes: the delimiter, CR, LF, 0 */
    int64_t line;    /* of `at`, from 1 */
    int64_t began;   /* the line where the last record began */
    nb_csv_cell *cell;
    size_t cells;     /* of the last record */
    size_t cell_room; /* cells that are kept, the others are only counted */
    size_t most;      /* as many are kept at most; 0: not known yet */
} nb_csv_text;

/* Takes in the first bytes; what else is UTF-16 is refused, UTF-8's mark passed over. On failure
 * nothing is held. The source is borrowed. */
nb_status nb_csv_open(nb_ctx *ctx, nb_source *source, nb_csv_text *text);
void nb_csv_close(nb_csv_text *text);
void nb_csv_delimit(nb_csv_text *text, char delimiter);
/* Cuts the next record: its cells are there until the next call. *more false: there is none.
 * `held` is for who goes back afterwards: a record that is not whole at hand counts as none, and
 * quotes inside a cell stay as the text has them, twice. NB_EFORMAT with the line for a byte 0, a
 * quote that is not closed or followed by something, a record without end. */
nb_status nb_csv_cut(nb_csv_text *text, bool held, bool *more);
/* Takes in more bytes behind those from `at` on, which move to the buffer's begin. */
nb_status nb_csv_fill(nb_csv_text *text);
/* What stands at `end` of a line: the place behind it, or NULL where that is not at hand. */
const char *nb_csv_line_end(const nb_csv_text *text, const char *end);

#endif
