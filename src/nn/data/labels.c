/* Class numbers: the look at them and the messages. */
#include "nn/data/labels.h"

#include "base/text.h"

#include <inttypes.h>
#include <math.h>

enum { CHUNK = 512 }; /* numbers at a time, and at least a row */

static void look_at(nb_survey *seen, double value, int64_t example)
{
    if (!(value == floor(value) && isfinite(value))) {
        if (seen->odd < 0) seen->odd_value = value;
        if (seen->odd < 0) seen->odd = example;
        return;
    }
    if (!seen->begun || value < seen->low) seen->low = value, seen->low_at = example;
    if (!seen->begun || value > seen->high) seen->high = value, seen->high_at = example;
    seen->begun = true;
}

nb_status nb_survey_rows(nb_ctx *ctx, nb_feed *rows, const nb_pick *pick, nb_survey *seen)
{
    int64_t width = nb_feed_width(rows), most = width < CHUNK ? CHUNK / width : 1;
    size_t bytes = (size_t)(most * width) * sizeof(double);
    nb_status status = NB_OK;
    double *values = nb_alloc(ctx, bytes);
    *seen = (nb_survey){.odd = -1};
    if (!values) return ctx->status;
    for (int64_t i = 0; i < pick->n && status == NB_OK; i += most) {
        nb_pick some = nb_pick_some(pick, i, pick->n - i < most ? pick->n - i : most);
        status = rows->type->gather(ctx, rows, &some, NULL, &(nb_room){values, NB_F64, width});
        for (int64_t k = 0; k < some.n * width && status == NB_OK; k++)
            look_at(seen, values[k], nb_pick_position(&some, k / width));
        if (status == NB_OK) status = nb_poll(ctx);
    }
    nb_free(ctx, values, bytes);
    return status;
}

nb_status nb_survey_check(nb_ctx *ctx, const nb_survey *seen, int64_t most, const char *whose)
{
    char text[NB_NUMBER_MAX];
    if (seen->odd >= 0) {
        return nb_fail(ctx, NB_EARG,
                       "y holds %s at example %" PRId64 "; classes are whole numbers from 1",
                       nb_number_text(seen->odd_value, text), seen->odd + 1);
    }
    if (seen->low == 0 && seen->high < (double)most)
        return nb_fail(ctx, NB_EARG, "y holds class 0: classes count from 1; add 1 to y");
    if (seen->low < 1) {
        return nb_fail(ctx, NB_EARG,
                       "y holds class %s at example %" PRId64 "; classes count from 1",
                       nb_number_text(seen->low, text), seen->low_at + 1);
    }
    if (seen->high > (double)most) {
        return nb_fail(ctx, NB_EARG,
                       "y holds class %s at example %" PRId64 "; %s %" PRId64 " classes",
                       nb_number_text(seen->high, text), seen->high_at + 1, whose, most);
    }
    return NB_OK;
}
