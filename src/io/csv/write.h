/* Tables of text, written: RFC 4180 with commas, so that data.csv and others read back what went
 * in. A file appears whole or not at all (io/sink.h). */
#ifndef NB_CSV_WRITE_H
#define NB_CSV_WRITE_H

#include "base/dtype.h"
#include "base/text.h"

typedef struct nb_csv_writer nb_csv_writer;

/* One cell's text: in quotes where it would be taken apart, or lose blanks around it. */
void nb_csv_put_text(nb_text *to, const char *cell);

/* NULL with NB_EIO and the reason. */
nb_csv_writer *nb_csv_writer_open(nb_ctx *ctx, const char *path);
/* Cells of the line. What goes wrong is told by nb_csv_end_line or nb_csv_writer_close. A number
 * has the fewest digits that read back as the same of its dtype. */
void nb_csv_add_text(nb_csv_writer *writer, const char *cell);
void nb_csv_add_number(nb_csv_writer *writer, double number, nb_dtype dtype);
/* Ends the line; looks for Ctrl-C now and then. */
nb_status nb_csv_end_line(nb_csv_writer *writer);
/* Where `status` is NB_OK the file appears; else it stays what it was. Gives the status and frees
 * the writer. */
nb_status nb_csv_writer_close(nb_csv_writer *writer, nb_status status);

#endif
