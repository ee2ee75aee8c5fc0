/* See write.h. */
#include "io/csv/write.h"

#include "base/memory.h"
#include "io/sink.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct nb_csv_writer {
    nb_ctx *ctx;
    nb_sink *sink;
    nb_text text; /* what has not gone to the sink yet */
    bool begun;   /* the line has a cell */
};

enum { HELD = 64 << 10 }; /* bytes of text that go to the sink at once */

#define WHOLE_MOST 1e15 /* whole numbers below are written as such */

/* Any sign that a reader may take for a delimiter, for it looks for that by itself. */
#define APART ",;|\t\"\r\n"

void nb_csv_put_text(nb_text *to, const char *cell)
{
    size_t length = strlen(cell);
    bool blank = length > 0 && (*cell == ' ' || cell[length - 1] == ' ');
    if (!blank && !strpbrk(cell, APART)) {
        nb_text_add_bytes(to, cell, length);
        return;
    }
    nb_text_add_bytes(to, "\"", 1);
    for (; *cell; cell++) {
        if (*cell == '"') nb_text_add_bytes(to, "\"", 1);
        nb_text_add_bytes(to, cell, 1);
    }
    nb_text_add_bytes(to, "\"", 1);
}

nb_csv_writer *nb_csv_writer_open(nb_ctx *ctx, const char *path)
{
    nb_csv_writer *writer = nb_alloc_zero(ctx, 1, sizeof *writer);
    if (!writer) return NULL;
    writer->ctx = ctx;
    nb_text_init(&writer->text, ctx);
    writer->sink = nb_sink_open(ctx, path);
    if (writer->sink) return writer;
    nb_free(ctx, writer, sizeof *writer);
    return NULL;
}

static void begin_cell(nb_csv_writer *writer)
{
    if (writer->begun) nb_text_add_bytes(&writer->text, ",", 1);
    writer->begun = true;
}

void nb_csv_add_text(nb_csv_writer *writer, const char *cell)
{
    begin_cell(writer);
    nb_csv_put_text(&writer->text, cell);
}

void nb_csv_add_number(nb_csv_writer *writer, double number, nb_dtype dtype)
{
    char text[NB_NUMBER_MAX];
    bool whole = fabs(number) < WHOLE_MOST && number == floor(number);
    begin_cell(writer);
    if (whole && !(number == 0 && signbit(number)))
        snprintf(text, sizeof text, "%lld", (long long)number);
    else if (dtype == NB_F32)
        nb_single_text((float)number, text);
    else
        nb_number_text(number, text);
    nb_text_add_bytes(&writer->text, text, strlen(text));
}

static nb_status flush(nb_csv_writer *writer)
{
    nb_text *text = &writer->text;
    if (text->failed) return writer->ctx->status;
    nb_sink_write(writer->sink, text->data, text->length);
    text->length = 0;
    return nb_poll(writer->ctx);
}

nb_status nb_csv_end_line(nb_csv_writer *writer)
{
    nb_text_add_bytes(&writer->text, "\n", 1);
    writer->begun = false;
    return writer->text.length < HELD && !writer->text.failed ? NB_OK : flush(writer);
}

nb_status nb_csv_writer_close(nb_csv_writer *writer, nb_status status)
{
    nb_sink *sink = writer->sink;
    if (status == NB_OK) status = flush(writer);
    nb_text_free(&writer->text);
    nb_free(writer->ctx, writer, sizeof *writer);
    if (status == NB_OK) return nb_sink_close(sink);
    nb_sink_drop(sink);
    return status;
}
