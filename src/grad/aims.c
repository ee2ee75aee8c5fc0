/* See aims.h. */
#include "grad/aims.h"
#include "grad/aside.h"
#include "grad/thinned.h"

#include "base/memory.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- Bounds --------------------------------------------------------------------------------- */

static double most_of(nb_dtype dtype)
{
    return dtype == NB_F32 ? (double)FLT_MAX : DBL_MAX;
}

static double magnitude(const nb_tensor *t)
{
    const nb_thinned *rows = nb_thinned_of(t);
    double known = rows ? nb_thinned_magnitude(rows) : nb_tensor_bounded(t);
    if (known >= 0) return known;
    return nb_real(t->dtype)->magnitude((size_t)nb_tensor_count(t), nb_tensor_data(t));
}

static double largest_of(nb_look *look, const nb_tensor *a)
{
    if (look->seen != a) *look = (nb_look){a, magnitude(a)};
    return look->largest;
}

double nb_look_at(nb_look *look, const nb_tensor *a, const nb_tensor *b)
{
    return (double)a->shape[0] * largest_of(look, a) * (b ? magnitude(b) : 1);
}

static double size_of(nb_look *look, const nb_contribution *entry)
{
    return entry->b ? nb_look_at(look, entry->a, entry->b) : largest_of(look, entry->a);
}

static nb_ceiling *bound_of(const nb_aim *aim)
{
    return aim->moves ? &aim->home->largest : &aim->home->steepest;
}

/* The largest size before the first contribution: one that is known, or that of a look. */
static double base_of(const nb_aim *aim, bool adds, bool look)
{
    const nb_ceiling *known = bound_of(aim);
    bool is_known = !look && known->version == aim->into->storage->version;
    if (!aim->sink && !adds) return 0;
    double size = is_known ? known->size : magnitude(aim->into);
    if (aim->sink && aim->sink->before) size = aim->sink->swell * size + aim->sink->shift;
    return aim->sink ? fabs(aim->sink->beta) * size : size;
}

/* Numbers that a bound of the tensor looks at. */
static int64_t looks_at(const nb_tensor *t)
{
    return t && nb_tensor_bounded(t) < 0 && !nb_thinned_of(t) ? nb_tensor_count(t) : 0;
}

/* Whether what a home's gradients are bounded from is so much more than they are that keeping,
 * writing and looking at them costs less: rows of many examples or steps before small weights.
 * What moves parameters is bounded first always, for else nothing would say whether gradient or
 * step is not finite. */
static bool is_cheaper_kept(const nb_aside *aside, const nb_aim *aim)
{
    enum { PASSES = 4 }; /* over what is kept: copied, looked at twice */
    int64_t bound = 0;
    if (aim->moves) return false;
    for (size_t i = 0; i < aside->count; i++) {
        const nb_contribution *entry = &aside->list[i];
        if (entry->matters && entry->end->home == aim->home)
            bound += looks_at(entry->a) + looks_at(entry->b);
    }
    return bound / PASSES > nb_tensor_count(aim->into);
}

/* The aim of a contribution's home, of which there is one in a pass: all its parameters lie in one
 * storage, whose gradients go one way. */
static nb_status add_aim(nb_aside *aside, const nb_contribution *entry)
{
    nb_home *home = entry->end->home;
    nb_aim *aim = aside->aims ? nb_alloc(aside->ctx, sizeof *aim) : &aside->first;
    if (!aim) return aside->ctx->status;
    *aim = (nb_aim){.home = home,
                    .into = entry->into,
                    .sink = entry->sink,
                    .moves = entry->moves,
                    .version = entry->into->storage->version,
                    .state = home->state,
                    .pass = home->pass,
                    .next = aside->aims};
    aim->kept = is_cheaper_kept(aside, aim);
    aim->base = aim->kept ? 0 : base_of(aim, nb_aside_adds(aside), false);
    home->aim = aside->aims = aim;
    return NB_OK;
}

/* A contribution that is not bounded leaves its aim without a bound. */
static void raise_aim(nb_aside *aside, nb_contribution *entry)
{
    nb_aim *aim = entry->end->home->aim;
    double alpha = entry->sink ? fabs(entry->sink->alpha) : 1;
    entry->size = aim->kept ? (double)INFINITY : size_of(&aside->look, entry);
    aim->growth += entry->size * (alpha > 1 ? alpha : 1);
}

static nb_status take_aim(nb_aside *aside)
{
    for (size_t i = 0; i < aside->count; i++) {
        nb_contribution *entry = &aside->list[i];
        if (!entry->matters) continue;
        if (!entry->end->home->aim && add_aim(aside, entry) != NB_OK) return aside->ctx->status;
        raise_aim(aside, entry);
    }
    return NB_OK;
}

/* Half of what the dtype holds is for the rounding of sums. */
static bool is_safe(const nb_aim *aim)
{
    return aim->base + aim->growth <= most_of(aim->into->dtype) / 2;
}

static void bring_all_home(const nb_aside *aside)
{
    for (size_t i = 0; i < aside->count; i++) nb_contribution_bring_home(&aside->list[i]);
}

/* Where a bound is too high a look may help; else the numbers are kept, to be put back where one
 * would not be finite. */
nb_status nb_aims_take(nb_aside *aside)
{
    nb_status status = take_aim(aside);
    for (nb_aim *aim = aside->aims; aim && status == NB_OK; aim = aim->next) {
        if (!is_safe(aim)) bring_all_home(aside);
        if (!is_safe(aim) && !aim->kept) aim->base = base_of(aim, nb_aside_adds(aside), true);
        if (is_safe(aim)) continue;
        aim->copy = nb_tensor_clone(aside->ctx, aim->into);
        if (!aim->copy) status = aside->ctx->status;
    }
    return status;
}

void nb_aims_drop(nb_aside *aside)
{
    while (aside->aims) {
        nb_aim *aim = aside->aims;
        aside->aims = aim->next;
        aim->home->aim = NULL;
        nb_tensor_release(aside->ctx, aim->copy);
        if (aim != &aside->first) nb_free(aside->ctx, aim, sizeof *aim);
    }
}

static void put_back(const nb_aside *aside)
{
    for (const nb_aim *aim = aside->aims; aim; aim = aim->next) {
        if (!aim->copy) continue;
        memcpy(nb_tensor_data(aim->into), nb_tensor_data(aim->copy),
               (size_t)nb_tensor_count(aim->into) * nb_dtype_size(aim->into->dtype));
        aim->into->storage->version = aim->version;
        aim->home->state = aim->state;
        aim->home->pass = aim->pass;
    }
}

static nb_status not_finite(nb_ctx *ctx, const nb_contribution *entry)
{
    const nb_leaf *leaf = entry->end;
    bool step = entry->moves && entry->size <= most_of(entry->leaf->dtype);
    if (leaf->where)
        return nb_fail(ctx, NB_EVALUE, "the %s of %s is not finite", step ? "step" : "gradient",
                       leaf->where);
    return nb_fail(ctx, NB_EVALUE, "a %s is not finite", step ? "step" : "gradient");
}

nb_status nb_aims_check(const nb_aside *aside)
{
    for (size_t i = 0; i < aside->count; i++) {
        const nb_contribution *entry = &aside->list[i];
        if (!entry->matters || !entry->end->home->aim->copy) continue;
        const nb_real_kernels *real = nb_real(entry->leaf->dtype);
        if (real->finite((size_t)nb_tensor_count(entry->leaf),
                         nb_home_place(entry->into, entry->leaf)))
            continue;
        put_back(aside);
        return not_finite(aside->ctx, entry);
    }
    return NB_OK;
}

void nb_aims_set_bounds(const nb_aside *aside)
{
    for (const nb_aim *aim = aside->aims; aim; aim = aim->next) {
        double size = aim->copy ? magnitude(aim->into) : aim->base + aim->growth;
        *bound_of(aim) = (nb_ceiling){size, aim->into->storage->version};
    }
}
