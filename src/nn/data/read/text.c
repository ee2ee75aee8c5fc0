/* Sets from texts, and their parts. */
#include "nn/data/read/text.h"

#include "base/arith.h"
#include "io/characters.h"
#include "nn/data/words.h"

#include <inttypes.h>
#include <math.h>

_Static_assert((int)NB_CHARACTERS_MAX == (int)NB_CLASSES_MAX, "what a text may hold a set takes");

/* ---- Parts ----------------------------------------------------------------------------------- */

/* The rows before row `end` that ask for no character that those from it on are given: a character
 * that is judged was never learned. */
static int64_t rows_before(int64_t end, const nb_text_options *o)
{
    int64_t free = end * o->stride - o->steps;
    return free < 0 ? 0 : nb_least_i64(free / o->stride + 1, end);
}

/* Cuts a share off the end of the first *end rows; *end is then what lies before it. */
static nb_status cut_off(nb_ctx *ctx, const nb_set *set, const nb_text_options *o, double share,
                         const char *what, int64_t *end, nb_set **part)
{
    if (share == 0) return NB_OK;
    int64_t count = (int64_t)floor((double)set->count * share + 1e-6);
    if (count < 1) count = 1;
    int64_t first = *end - count, before = first > 0 ? rows_before(first, o) : 0;
    if (before < 1)
        return nb_fail(ctx, NB_EARG,
                       "%s = %g leaves no row to learn from: the text gives %" PRId64 " of %" PRId64
                       " steps",
                       what, share, set->count, o->steps);
    *part = nb_set_range(ctx, set, first, count);
    *end = before;
    return *part ? NB_OK : ctx->status;
}

static nb_status add_parts(nb_ctx *ctx, nb_set *set, const nb_text_options *o)
{
    int64_t end = set->count;
    nb_status status = cut_off(ctx, set, o, o->test, "test", &end, &set->test);
    if (status == NB_OK) status = cut_off(ctx, set, o, o->valid, "valid", &end, &set->valid);
    if (status != NB_OK || end == set->count) return status;
    set->train = nb_set_range(ctx, set, 0, end);
    return set->train ? NB_OK : ctx->status;
}

/* ---- The set --------------------------------------------------------------------------------- */

static nb_set *make_set(nb_ctx *ctx, const char *path, const nb_characters *of,
                        const nb_text_options *o)
{
    const nb_series series = {of->numbers, of->size, of->count};
    nb_set *set = NULL;
    nb_feed *x = nb_feed_of_windows(ctx, &series, o->steps, o->stride, 0, path);
    nb_feed *y = x ? nb_feed_of_windows(ctx, &series, o->steps, o->stride, 1, path) : NULL;
    nb_classes *words = y ? nb_words_new(ctx, of->point, of->points, o->bytes) : NULL;
    char *name = words ? nb_set_name_of(ctx, path) : NULL;
    if (name) set = nb_set_from(ctx, x, NULL, y, words, name);
    if (set) set->schema.words = nb_classes_retain(words);
    nb_free_string(ctx, name);
    nb_classes_release(ctx, words);
    nb_feed_release(ctx, y);
    nb_feed_release(ctx, x);
    return set;
}

nb_set *nb_set_read_text(nb_ctx *ctx, const char *path, const nb_text_options *options)
{
    nb_characters characters;
    if (nb_characters_read(ctx, path, options->bytes, &characters) != NB_OK) return NULL;
    nb_set *set = make_set(ctx, path, &characters, options);
    nb_characters_free(ctx, &characters);
    if (!set || add_parts(ctx, set, options) == NB_OK) return set;
    nb_set_release(ctx, set);
    return NULL;
}
