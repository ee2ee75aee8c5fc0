/* Where gradients go. All that can fail (sinks that do not fit, numbers that are not finite,
 * memory) comes before the first number is written; from then on nothing fails, and Ctrl-C waits.
 */
#include "grad/aside.h"
#include "grad/thinned.h"

#include "base/arith.h"
#include "base/memory.h"
#include "kernel/product.h"
#include "tensor/shape.h"

#include <string.h>

nb_status nb_aside_grow(nb_ctx *ctx, void **list, const void *few, size_t count, size_t *room,
                        size_t size)
{
    if (count < *room) return NB_OK;
    size_t wider = *room * 2, bytes;
    bool first = *list == few;
    if (!nb_mul_size(wider, size, &bytes)) return nb_fail(ctx, NB_EMEMORY, "graph too large");
    void *moved = nb_resize(ctx, first ? NULL : *list, *room * size, bytes);
    if (!moved) return ctx->status;
    if (first) memcpy(moved, few, count * size);
    *list = moved;
    *room = wider;
    return NB_OK;
}

/* Field by field: what `few` holds is nobody's yet. */
void nb_aside_begin(nb_aside *aside, nb_ctx *ctx, const nb_backward_options *options,
                    uint64_t number)
{
    aside->ctx = ctx;
    aside->options = options;
    aside->number = number;
    aside->count = 0;
    aside->room = NB_ASIDE_FEW;
    aside->list = aside->few;
    aside->homes = NULL;
    aside->aims = NULL;
    aside->look.seen = NULL;
}

/* The sink that takes the gradient of a leaf with a home, or NULL. */
static const nb_sink *sink_of(const nb_backward_options *options, const nb_tensor *leaf)
{
    for (int i = 0; options && nb_leaf_of(leaf)->home && i < options->sink_count; i++)
        if (options->sinks[i].from == leaf->storage) return &options->sinks[i];
    return NULL;
}

nb_status nb_aside_put(nb_aside *aside, nb_tensor *leaf, nb_tensor *a, nb_tensor *b)
{
    void *list = aside->list;
    const nb_backward_options *options = aside->options;
    const nb_tensor *only = options ? options->only : NULL;
    bool observed = options && options->observer && options->observer->alone;
    if (observed || (only && leaf->link != only->link)) return NB_OK;
    if (options && options->sinks_only && !sink_of(options, leaf)) return NB_OK;
    nb_status status = nb_aside_grow(aside->ctx, &list, aside->few, aside->count, &aside->room,
                                     sizeof *aside->list);
    aside->list = list;
    if (status != NB_OK) return status;
    nb_tensor_retain(leaf);
    nb_tensor_retain(a);
    if (b) nb_tensor_retain(b);
    aside->list[aside->count++] = (nb_contribution){.leaf = leaf, .a = a, .b = b};
    return NB_OK;
}

void nb_aside_free(nb_aside *aside)
{
    for (size_t i = 0; i < aside->count; i++) {
        nb_contribution *entry = &aside->list[i];
        nb_tensor_release(aside->ctx, entry->leaf);
        nb_tensor_release(aside->ctx, entry->a);
        if (entry->b) nb_tensor_release(aside->ctx, entry->b);
        if (entry->fresh) nb_tensor_release(aside->ctx, entry->fresh);
        if (entry->sum) nb_tensor_release(aside->ctx, entry->sum);
    }
    if (aside->list != aside->few)
        nb_free(aside->ctx, aside->list, aside->room * sizeof *aside->list);
}

/* ---- Finding the place ---------------------------------------------------------------------- */

static nb_status check_sink(nb_ctx *ctx, const nb_sink *sink, const nb_tensor *leaf)
{
    int64_t end = leaf->offset + nb_tensor_count(leaf), count = nb_tensor_count(sink->into);
    if (!nb_tensor_is_contiguous(sink->into))
        return nb_fail(ctx, NB_EARG, "a sink is a contiguous tensor");
    if (leaf->dtype != sink->into->dtype)
        return nb_fail(ctx, NB_EARG, "a sink of %s cannot take the gradient of %s",
                       nb_dtype_name(sink->into->dtype), nb_dtype_name(leaf->dtype));
    if (end > count)
        return nb_fail(ctx, NB_ESHAPE, "a sink of %lld elements has no place for number %lld",
                       (long long)count, (long long)end);
    return NB_OK;
}

/* The sink that takes the gradient of a leaf with a home, else that; without one neither. */
static nb_status find_place(const nb_aside *aside, nb_contribution *entry)
{
    entry->end = nb_leaf_of(entry->leaf);
    const nb_home *home = entry->end->home;
    if (!home) return NB_OK;
    entry->sink = sink_of(aside->options, entry->leaf);
    entry->into = entry->sink ? entry->sink->into : home->grads;
    entry->moves = entry->sink && entry->into->storage == entry->leaf->storage;
    entry->matters = entry->moves || entry->into == home->grads;
    return entry->sink ? check_sink(aside->ctx, entry->sink, entry->leaf) : NB_OK;
}

static nb_status find_places(const nb_aside *aside)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < aside->count && status == NB_OK; i++)
        status = find_place(aside, &aside->list[i]);
    return status;
}

/* ---- Places of given rows ------------------------------------------------------------------- */

void nb_contribution_bring_home(const nb_contribution *entry)
{
    nb_thinned *given = entry->b ? nb_thinned_of(entry->b) : NULL;
    if (given && entry->moves) nb_thinned_home(given, nb_home_place(entry->into, entry->leaf));
}

/* ---- Sharing -------------------------------------------------------------------------------- */

static uint32_t versions(const nb_contribution *entry)
{
    return entry->a->storage->version + (entry->b ? entry->b->storage->version : 0);
}

/* Raises the version of everything that will be written, or lowers it again. */
static void shift_versions(const nb_aside *aside, bool up)
{
    for (size_t i = 0; i < aside->count; i++) {
        const nb_tensor *into = aside->list[i].into;
        if (!into) continue;
        if (up)
            into->storage->version++;
        else
            into->storage->version--;
    }
}

/* Finds what would be read after it was overwritten: a parameter, or an earlier gradient, that is
 * also an input of a product. */
static void find_sharing(nb_aside *aside)
{
    nb_contribution *list = aside->list;
    for (size_t i = 0; i < aside->count; i++) list[i].seen = versions(&list[i]);
    shift_versions(aside, true);
    for (size_t i = 0; i < aside->count; i++) list[i].shares = versions(&list[i]) != list[i].seen;
    shift_versions(aside, false);
}

static nb_status own_copy(nb_ctx *ctx, nb_tensor **tensor)
{
    nb_tensor *copy = *tensor ? nb_tensor_clone(ctx, *tensor) : NULL;
    if (*tensor && !copy) return ctx->status;
    nb_tensor_release(ctx, *tensor);
    *tensor = copy;
    return NB_OK;
}

/* ---- Making ready --------------------------------------------------------------------------- */

/* Whether a contribution may become a gradient: nobody else sees it, and it keeps no more memory
 * alive than its elements take. */
static bool can_be_gradient(const nb_contribution *entry)
{
    size_t bytes = (size_t)nb_tensor_count(entry->a) * nb_dtype_size(entry->a->dtype);
    return !entry->b && nb_tensor_is_alone(entry->a) && entry->a->storage->bytes == bytes;
}

/* A leaf without a home gets a fresh tensor at its first contribution, the old gradient may be in a
 * user's hands: the contribution itself where nobody else sees it. */
static nb_status make_fresh(const nb_aside *aside, nb_contribution *entry)
{
    const nb_leaf *leaf = entry->end;
    const nb_tensor *like = entry->leaf;
    if (nb_aside_adds(aside) && leaf->grad)
        entry->fresh = nb_tensor_clone(aside->ctx, leaf->grad);
    else if (can_be_gradient(entry))
        entry->fresh = nb_tensor_retain(entry->a);
    else
        entry->fresh = nb_tensor_new(aside->ctx, like->dtype, like->dims, like->shape);
    return entry->fresh ? NB_OK : aside->ctx->status;
}

/* Counts what a pass reaches of a home. */
static void reach(nb_aside *aside, nb_home *home, int64_t count)
{
    if (home->pass != aside->number) {
        home->pass = aside->number;
        home->reached = 0;
        home->adds = nb_aside_adds(aside) && home->state == NB_HOME_FILLED;
        home->next = aside->homes;
        aside->homes = home;
    }
    home->reached += count;
}

/* What the numbers at a contribution's place in a sink or a home count for. */
static double beta_of(const nb_contribution *entry)
{
    if (entry->sink) return entry->first ? entry->sink->beta : 1;
    return entry->first && !entry->end->home->adds ? 0 : 1;
}

/* Given rows are added up row by row: where they are few straight to what is there, which takes no
 * numbers that no row has; else as a sum of their own. Where nothing was it is the place itself. */
static nb_status make_sum(const nb_aside *aside, nb_contribution *entry)
{
    double beta = entry->b && nb_thinned_of(entry->b) && entry->into ? beta_of(entry) : 0;
    if (beta == 0 || (beta == 1 && entry->b->shape[0] <= NB_STRAIGHT_ROWS)) return NB_OK;
    nb_contribution_bring_home(entry);
    entry->sum =
        nb_tensor_zeros(aside->ctx, entry->leaf->dtype, entry->leaf->dims, entry->leaf->shape);
    return entry->sum ? NB_OK : aside->ctx->status;
}

static nb_status prepare_one(nb_aside *aside, nb_contribution *entry)
{
    nb_leaf *leaf = entry->end;
    nb_status status = NB_OK;
    entry->first = leaf->pass != aside->number;
    leaf->pass = aside->number;
    if (entry->shares) status = own_copy(aside->ctx, &entry->a);
    if (entry->shares && status == NB_OK) status = own_copy(aside->ctx, &entry->b);
    if (status == NB_OK && entry->sink) status = make_sum(aside, entry);
    if (status != NB_OK || entry->sink) return status;
    if (!entry->into) return entry->first ? make_fresh(aside, entry) : NB_OK;
    if (entry->first) reach(aside, leaf->home, nb_tensor_count(entry->leaf));
    return make_sum(aside, entry);
}

static nb_status prepare(nb_aside *aside)
{
    nb_status status = NB_OK;
    find_sharing(aside);
    for (size_t i = 0; i < aside->count && status == NB_OK; i++)
        status = prepare_one(aside, &aside->list[i]);
    return status;
}

/* ---- Writing -------------------------------------------------------------------------------- */

/* What is written at `to`: to = alpha gradient + beta to. */
typedef struct place {
    void *to;
    double alpha, beta;
} place;

/* A factor as the product loops take it. */
static nb_matrix factor(const nb_tensor *t)
{
    bool turned = !nb_tensor_is_contiguous(t);
    int64_t ld = t->shape[turned ? 0 : 1];
    return (nb_matrix){nb_tensor_data(t), (size_t)(ld > 0 ? ld : 1), turned};
}

/* The leaf's elements in their order are those of the product, row by row. */
static nb_status write_product(nb_ctx *ctx, place at, const nb_contribution *entry)
{
    nb_matrix a = factor(entry->a), b = factor(entry->b);
    size_t columns = (size_t)entry->b->shape[1];
    a.transposed = !a.transposed;
    return nb_product(ctx, entry->leaf->dtype, (size_t)entry->a->shape[1], columns,
                      (size_t)entry->a->shape[0], at.alpha, a, b, at.beta, at.to,
                      columns ? columns : 1);
}

static void write_tensor(place at, const nb_tensor *gradient)
{
    const nb_real_kernels *real = nb_real(gradient->dtype);
    size_t n = (size_t)nb_tensor_count(gradient);
    if (at.beta == 0) {
        real->unary[NB_U_scale](n, nb_tensor_data(gradient), 1, at.to, 1, at.alpha, 0);
        return;
    }
    if (at.beta != 1) real->unary[NB_U_scale](n, at.to, 1, at.to, 1, at.beta, 0);
    real->axpy(n, at.alpha, nb_tensor_data(gradient), at.to);
}

/* Of given rows: w or its gradient, which lie input-major as they go. */
static nb_status write_given(nb_ctx *ctx, place at, const nb_contribution *entry)
{
    const nb_thinned *given = nb_thinned_of(entry->b);
    const void *delta = nb_tensor_data(entry->a);
    nb_dtype dtype = entry->leaf->dtype;
    int64_t m = entry->a->shape[1];
    size_t count = (size_t)nb_tensor_count(entry->leaf);
    nb_turned_w w = {.data = at.to, .m = m, .ld = m};
    if (entry->sum) {
        w.data = nb_tensor_data(entry->sum);
        nb_status status = nb_thin_back(ctx, &given->rows, 1, delta, w);
        if (status == NB_OK) write_tensor(at, entry->sum);
        return status;
    }
    if (at.beta == 0) memset(at.to, 0, count * nb_dtype_size(dtype));
    if (entry->moves) w = nb_thinned_w(given, at.to);
    nb_status status = nb_thin_back(ctx, &given->rows, at.beta == 0 ? 1 : at.alpha, delta, w);
    if (status == NB_OK && at.beta == 0 && at.alpha != 1)
        nb_real(dtype)->unary[NB_U_scale](count, at.to, 1, at.to, 1, at.alpha, 0);
    return status;
}

/* Into the sink, the home or the tensor of the leaf's own, which it then has. */
static place place_of(const nb_aside *aside, nb_contribution *entry)
{
    nb_leaf *leaf = entry->end;
    if (entry->sink)
        return (place){nb_home_place(entry->into, entry->leaf), entry->sink->alpha, beta_of(entry)};
    if (entry->into) return (place){nb_home_place(entry->into, entry->leaf), 1, beta_of(entry)};
    bool adds = !entry->fresh || (nb_aside_adds(aside) && leaf->grad);
    if (entry->fresh) {
        nb_tensor_release(aside->ctx, leaf->grad);
        leaf->grad = entry->fresh;
        entry->fresh = NULL;
    }
    return (place){nb_tensor_data(leaf->grad), 1, adds ? 1 : 0};
}

static nb_status write_one(const nb_aside *aside, nb_contribution *entry)
{
    nb_leaf *leaf = entry->end;
    nb_status status = NB_OK;
    place at = place_of(aside, entry);
    nb_tensor *into = entry->into ? entry->into : leaf->grad;
    if (into == entry->a) return NB_OK;
    if (entry->b && nb_thinned_of(entry->b))
        status = write_given(aside->ctx, at, entry);
    else if (entry->b)
        status = write_product(aside->ctx, at, entry);
    else
        write_tensor(at, entry->a);
    nb_tensor_touch(into, "backward");
    if (entry->moves) leaf->home->state = NB_HOME_STALE;
    return status;
}

/* Makes the homes this pass's own: 0 where it reached nothing, unless it adds. */
static void open_homes(const nb_aside *aside)
{
    for (nb_home *home = aside->homes; home; home = home->next) {
        if (!home->adds && home->reached < nb_tensor_count(home->grads)) nb_home_clear(home);
        home->state = NB_HOME_FILLED;
    }
}

static void call_sinks(const nb_aside *aside)
{
    const nb_backward_options *options = aside->options;
    for (int i = 0; options && i < options->sink_count; i++)
        if (options->sinks[i].before) options->sinks[i].before(aside->ctx, options->sinks[i].self);
}

/* What matters first: nothing else has been written where it is put back. */
static nb_status write_all(const nb_aside *aside, bool what_matters)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < aside->count && status == NB_OK; i++)
        if (aside->list[i].matters == what_matters) status = write_one(aside, &aside->list[i]);
    return status;
}

static nb_status write_down(nb_aside *aside)
{
    nb_ctx *ctx = aside->ctx;
    const volatile sig_atomic_t *interrupt = ctx->interrupt;
    ctx->interrupt = NULL;
    nb_status status = prepare(aside);
    if (status == NB_OK) open_homes(aside);
    if (status == NB_OK) call_sinks(aside);
    if (status == NB_OK) status = write_all(aside, true);
    if (status == NB_OK) status = nb_aims_check(aside);
    if (status == NB_OK) status = write_all(aside, false);
    if (status == NB_OK) nb_aims_set_bounds(aside);
    ctx->interrupt = interrupt;
    return status;
}

nb_status nb_aside_write(nb_aside *aside)
{
    nb_status status = find_places(aside);
    if (status == NB_OK) status = nb_aims_take(aside);
    if (status == NB_OK) status = write_down(aside);
    nb_aims_drop(aside);
    return status;
}
