/* Keys: first numbers and ranges, which leave a view; then whatever indices and masks there are, as
 * one table of places in one dimension. */
#include "grad/key.h"

#include "tensor/assign.h"
#include "tensor/mask.h"
#include "tensor/shape.h"
#include "tensor/spots.h"

/* Indices or a mask among the dimensions of a view. */
typedef struct group {
    const nb_place *place;
    int dim, span; /* of the view: the first, and how many */
    int label;     /* the first as the user counts, from 0 */
} group;

/* A key on its way. */
typedef struct finding {
    nb_tensor *view; /* owned */
    int groups;
    group group[NB_MAX_DIMS];
    int dim;           /* of view, once the groups are one dimension */
    nb_tensor *places; /* in it; owned */
} finding;

static void drop(nb_ctx *ctx, finding *f)
{
    nb_tensor_release(ctx, f->view);
    nb_tensor_release(ctx, f->places);
}

/* ---- Numbers and ranges ---- */

/* The view becomes what a call of an op on it gives. */
static nb_status step(nb_ctx *ctx, finding *f, nb_op_id op, const nb_attr *attr)
{
    nb_call call = {.op = nb_ops[op], .in = {f->view}, .inputs = 1, .attr = *attr};
    nb_tensor *next = nb_op_call(ctx, &call);
    if (!next) return ctx->status;
    nb_tensor_release(ctx, f->view);
    f->view = next;
    return NB_OK;
}

static nb_status take_range(nb_ctx *ctx, finding *f, int dim, const nb_place *at)
{
    bool whole = at->start == 0 && at->step == 1 && at->length == f->view->shape[dim];
    if (whole) return NB_OK;
    return step(ctx, f, NB_OP_narrow, &(nb_attr){.narrow = {dim, at->start, at->length, at->step}});
}

/* A mask has the sizes of the dimensions that it stands for. */
static nb_status check_mask(nb_ctx *ctx, const nb_tensor *x, const group *g)
{
    const nb_tensor *mask = g->place->tensor;
    char tx[NB_SHAPE_TEXT], tm[NB_SHAPE_TEXT];
    bool fits = mask->dims > 0 && g->label + mask->dims <= x->dims;
    for (int i = 0; fits && i < mask->dims; i++) fits = mask->shape[i] == x->shape[g->label + i];
    if (fits) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE,
                   "a mask of %s does not fit %s from dimension %d on (a u8 tensor is a mask; "
                   "m:to(\"i32\") makes indices of it)",
                   nb_shape_text(mask->dims, mask->shape, tm), nb_shape_text(x->dims, x->shape, tx),
                   g->label + 1);
}

/* Applies numbers and ranges, and notes where indices and masks stand. */
static nb_status find_view(nb_ctx *ctx, nb_tensor *x, const nb_key *key, finding *f)
{
    nb_status status = NB_OK;
    *f = (finding){.view = nb_tensor_retain(x)};
    for (int i = 0, dim = 0, label = 0; i < key->count && status == NB_OK; i++) {
        const nb_place *at = &key->at[i];
        int span = 1;
        if (at->kind == NB_PLACE_ENTRY) {
            span = 0;
            status = step(ctx, f, NB_OP_select, &(nb_attr){.select = {dim, at->start}});
        } else if (at->kind == NB_PLACE_RANGE) {
            status = take_range(ctx, f, dim, at);
        } else {
            bool mask = at->kind == NB_PLACE_MASK;
            span = mask ? at->tensor->dims : 1;
            group *g = &f->group[f->groups++];
            *g = (group){at, dim, span, label};
            if (mask) status = check_mask(ctx, x, g);
        }
        dim += span;
        label += at->kind == NB_PLACE_ENTRY ? 1 : span;
    }
    return status;
}

/* ---- Indices and masks as one table of places ---- */

/* How many entries the dimensions of a group have. */
static int64_t group_size(const finding *f, const group *g)
{
    return nb_shape_count(g->span, f->view->shape + g->dim);
}

static nb_tensor *group_places(nb_ctx *ctx, const finding *f, const group *g)
{
    nb_tensor *tensor = g->place->tensor;
    if (g->place->kind == NB_PLACE_MASK) return nb_mask_places(ctx, tensor);
    return nb_places(ctx, tensor, group_size(f, g), g->label, NULL);
}

static bool neighbours(const finding *f)
{
    for (int i = 1; i < f->groups; i++)
        if (f->group[i].dim != f->group[i - 1].dim + f->group[i - 1].span) return false;
    return true;
}

/* Brings the dimensions of the groups to the front, in their order. */
static nb_status bring_together(nb_ctx *ctx, finding *f)
{
    nb_attr attr = {.dims.count = f->view->dims};
    unsigned taken = 0;
    int at = 0;
    if (neighbours(f)) return NB_OK;
    for (int i = 0; i < f->groups; i++) {
        group *g = &f->group[i];
        for (int k = 0; k < g->span; k++) {
            taken |= 1u << (g->dim + k);
            attr.dims.at[at++] = g->dim + k;
        }
        g->dim = at - g->span;
    }
    for (int d = 0; d < f->view->dims; d++)
        if (!(taken >> d & 1)) attr.dims.at[at++] = d;
    return step(ctx, f, NB_OP_permute, &attr);
}

/* How many dimensions neighbouring groups have together. */
static int group_span(const finding *f)
{
    const group *last = &f->group[f->groups - 1];
    return last->dim + last->span - f->group[0].dim;
}

/* The places of all groups, which are neighbours, broadcast together: in the dimension that they
 * fold into. */
static nb_status join_groups(nb_ctx *ctx, finding *f)
{
    int64_t size = nb_shape_count(group_span(f), f->view->shape + f->group[0].dim);
    if (size > INT32_MAX)
        return nb_fail(ctx, NB_ESHAPE, "%lld entries are too many for indices", (long long)size);
    f->places = group_places(ctx, f, &f->group[0]);
    for (int i = 1; i < f->groups && f->places; i++) {
        nb_tensor *more = group_places(ctx, f, &f->group[i]), *both = NULL;
        if (more) both = nb_places_join(ctx, f->places, group_size(f, &f->group[i]), more);
        nb_tensor_release(ctx, more);
        nb_tensor_release(ctx, f->places);
        f->places = both;
    }
    return f->places ? NB_OK : ctx->status;
}

/* Folds the neighbouring dimensions of the groups into one. */
static nb_status fold(nb_ctx *ctx, finding *f)
{
    const nb_tensor *view = f->view;
    int first = f->group[0].dim, span = group_span(f);
    nb_attr attr = {.sizes.count = 0};
    f->dim = first;
    if (span == 1) return NB_OK;
    int64_t size = nb_shape_count(span, view->shape + first);
    for (int d = 0; d < view->dims; d++) {
        if (d > first && d < first + span) continue;
        attr.sizes.at[attr.sizes.count++] = d == first ? size : view->shape[d];
    }
    return step(ctx, f, NB_OP_reshape, &attr);
}

/* ---- Reading ---- */

/* A mask for all that is left needs no table. */
static bool is_whole_mask(const finding *f)
{
    return f->groups == 1 && f->group[0].place->kind == NB_PLACE_MASK &&
           f->group[0].span == f->view->dims;
}

static nb_tensor *read_groups(nb_ctx *ctx, finding *f)
{
    if (is_whole_mask(f))
        return nb_op2(ctx, NB_OP_masked_select, f->view, f->group[0].place->tensor);
    if (bring_together(ctx, f) != NB_OK || join_groups(ctx, f) != NB_OK || fold(ctx, f) != NB_OK)
        return NULL;
    nb_call pick = {
        .op = nb_ops[NB_OP_pick], .in = {f->view, f->places}, .inputs = 2, .attr.dim = f->dim};
    return nb_op_call(ctx, &pick);
}

nb_tensor *nb_key_read(nb_ctx *ctx, nb_tensor *x, const nb_key *key)
{
    finding f;
    nb_tensor *out = NULL;
    if (find_view(ctx, x, key, &f) == NB_OK)
        out = f.groups ? read_groups(ctx, &f) : nb_tensor_retain(f.view);
    drop(ctx, &f);
    return out;
}

/* ---- Writing ---- */

/* A mask alone, and one number for all that it says, need no table. But where the mask lies in x
 * itself it would change under our hands. */
static bool is_fill(const finding *f, const nb_tensor *value)
{
    const nb_place *place = f->group[0].place;
    return f->groups == 1 && place->kind == NB_PLACE_MASK && value->dims == 0 &&
           place->tensor->storage != f->view->storage;
}

/* The mask is broadcast to the view by dimensions of size 1 behind its own. */
static nb_status fill_mask(nb_ctx *ctx, const finding *f, const nb_tensor *number)
{
    const group *g = &f->group[0];
    nb_tensor mask = *g->place->tensor;
    for (mask.dims = g->span; g->dim + mask.dims < f->view->dims; mask.dims++) {
        mask.shape[mask.dims] = 1;
        mask.stride[mask.dims] = 0;
    }
    nb_tensor_touch(f->view, "an assignment");
    return nb_mask_choose(ctx, f->view, &mask, number, f->view);
}

/* view = value at the places; value is of the view's dtype and lies elsewhere. */
static nb_status write_places(nb_ctx *ctx, finding *f, const nb_tensor *value)
{
    char to[NB_SHAPE_TEXT], from[NB_SHAPE_TEXT];
    nb_spots spots;
    nb_status status = nb_spots_pick(ctx, &spots, f->view, f->dim, f->places);
    if (status != NB_OK) return status;
    nb_tensor *wide = nb_tensor_expand(ctx, value, spots.dims, spots.shape);
    if (!wide && ctx->status == NB_ESHAPE)
        nb_fail(ctx, NB_ESHAPE, "cannot write %s into %s",
                nb_shape_text(value->dims, value->shape, from),
                nb_shape_text(spots.dims, spots.shape, to));
    if (!wide) return ctx->status;
    nb_tensor_touch(f->view, "an assignment");
    status = nb_spots_write(ctx, &spots, wide);
    nb_tensor_release(ctx, wide);
    return status;
}

/* Where the dimensions do not fold in place, what was written to is a copy, which goes back. */
static nb_status write_table(nb_ctx *ctx, finding *f, const nb_tensor *value)
{
    nb_status status = bring_together(ctx, f);
    if (status == NB_OK) status = join_groups(ctx, f);
    if (status != NB_OK) return status;
    nb_tensor *whole = nb_tensor_retain(f->view);
    status = fold(ctx, f);
    if (status == NB_OK) status = write_places(ctx, f, value);
    if (status == NB_OK && f->view->storage != whole->storage) {
        nb_tensor *back = nb_tensor_reshape(ctx, f->view, whole->dims, whole->shape);
        status = back ? nb_tensor_copy(ctx, whole, back) : ctx->status;
        nb_tensor_release(ctx, back);
    }
    nb_tensor_release(ctx, whole);
    return status;
}

/* The value in the dtype of x, and not in its storage. */
static nb_tensor *value_for(nb_ctx *ctx, const nb_tensor *x, nb_tensor *value)
{
    nb_tensor *fit = nb_tensor_fit(ctx, value, x->dtype);
    if (!fit || fit->storage != x->storage) return fit;
    nb_tensor *copy = nb_tensor_clone(ctx, fit);
    nb_tensor_release(ctx, fit);
    return copy;
}

static nb_status write_groups(nb_ctx *ctx, finding *f, nb_tensor *value)
{
    nb_tensor *given = value_for(ctx, f->view, value);
    if (!given) return ctx->status;
    nb_status status = is_fill(f, given) ? fill_mask(ctx, f, given) : write_table(ctx, f, given);
    nb_tensor_release(ctx, given);
    return status;
}

nb_status nb_key_write(nb_ctx *ctx, nb_tensor *x, const nb_key *key, nb_tensor *value)
{
    finding f;
    bool recording = ctx->recording;
    ctx->recording = false;
    nb_status status = find_view(ctx, x, key, &f);
    if (status == NB_OK)
        status = f.groups ? write_groups(ctx, &f, value) : nb_tensor_assign(ctx, f.view, value);
    if (status == NB_OK) nb_tensor_touch(x, "an assignment");
    drop(ctx, &f);
    ctx->recording = recording;
    return status;
}
