/* Class numbers: the look at them and the messages. */
#include "nn/data/labels.h"

#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { PLACE_TEXT = 96 };
enum { CHUNK = 512 }; /* numbers at a time, and at least a row */

static void look_at(nb_survey *seen, double value, int64_t example, int64_t in)
{
    if (!(value == floor(value) && isfinite(value))) {
        if (seen->odd < 0) seen->odd_value = value, seen->odd = example, seen->odd_in = in;
        return;
    }
    if (!seen->begun || value < seen->low)
        seen->low = value, seen->low_at = example, seen->low_in = in;
    if (!seen->begun || value > seen->high)
        seen->high = value, seen->high_at = example, seen->high_in = in;
    seen->begun = true;
}

/* "example 2, step 3", "example 2, row 1, column 3" */
static const char *name_place(const nb_survey *seen, int64_t example, int64_t in,
                              char out[PLACE_TEXT])
{
    int64_t at = in % seen->last + 1;
    if (seen->dims == 0)
        snprintf(out, PLACE_TEXT, "example %" PRId64, example + 1);
    else if (seen->dims == 1)
        snprintf(out, PLACE_TEXT, "example %" PRId64 ", step %" PRId64, example + 1, at);
    else
        snprintf(out, PLACE_TEXT, "example %" PRId64 ", row %" PRId64 ", column %" PRId64,
                 example + 1, in / seen->last + 1, at);
    return out;
}

nb_status nb_survey_rows(nb_ctx *ctx, nb_feed *rows, const nb_pick *pick, nb_survey *seen)
{
    int64_t width = nb_feed_width(rows), most = width < CHUNK ? CHUNK / width : 1;
    size_t bytes = (size_t)(most * width) * sizeof(double);
    nb_status status = NB_OK;
    double *values = nb_alloc(ctx, bytes);
    *seen = (nb_survey){.odd = -1, .dims = rows->dims, .last = 1};
    if (rows->dims > 0) seen->last = rows->shape[rows->dims - 1];
    if (!values) return ctx->status;
    for (int64_t i = 0; i < pick->n && status == NB_OK; i += most) {
        nb_pick some = nb_pick_some(pick, i, pick->n - i < most ? pick->n - i : most);
        status = rows->type->gather(ctx, rows, &some, NULL, &(nb_room){values, NB_F64, width});
        for (int64_t k = 0; k < some.n * width && status == NB_OK; k++)
            look_at(seen, values[k], nb_pick_position(&some, k / width), k % width);
        if (status == NB_OK) status = nb_poll(ctx);
    }
    nb_free(ctx, values, bytes);
    return status;
}

nb_status nb_survey_check(nb_ctx *ctx, const nb_survey *seen, int64_t most, const char *whose)
{
    char text[NB_NUMBER_MAX], place[PLACE_TEXT];
    if (seen->odd >= 0)
        return nb_fail(ctx, NB_EARG, "y holds %s at %s; classes are whole numbers from 1",
                       nb_number_text(seen->odd_value, text),
                       name_place(seen, seen->odd, seen->odd_in, place));
    if (seen->low == 0 && seen->high < (double)most)
        return nb_fail(ctx, NB_EARG, "y holds class 0: classes count from 1; add 1 to y");
    if (seen->low < 1)
        return nb_fail(ctx, NB_EARG, "y holds class %s at %s; classes count from 1",
                       nb_number_text(seen->low, text),
                       name_place(seen, seen->low_at, seen->low_in, place));
    if (seen->high > (double)most)
        return nb_fail(ctx, NB_EARG, "y holds class %s at %s; %s %" PRId64 " classes",
                       nb_number_text(seen->high, text),
                       name_place(seen, seen->high_at, seen->high_in, place), whose, most);
    return NB_OK;
}
