/* Faults by the place of a number, where an op leaves each number its place, else by trials: the
 * op is called again with some of what went in made harmless. */
#include "nn/net/faults.h"

#include "grad/met.h"
#include "grad/witness.h"

#include <math.h>

enum { TRIALS_MOST = 16 /* of one call, by the blames that went in */ };
static const float HARMLESS = 0.5F; /* that log, 1/x, √x, … take */

enum {
    OPEN = NB_UNMARKED - 1,     /* fed by what went in, by whom is not known yet */
    ODD_ALONE = NB_UNMARKED - 2 /* a trial where all that is finite is made harmless */
};

/* Whether a trial takes an element as it is. */
static bool is_kept(const nb_faults *f, const nb_tensor *in, int64_t at, int32_t but)
{
    bool finite = isfinite(nb_element(in, at));
    if (but == ODD_ALONE || finite) return finite != (but == ODD_ALONE);
    return but != NB_UNMARKED && nb_marks_get(f->marks, in, at) == but;
}

/* An input with its elements that are not finite made harmless, but for those of one blame. */
static nb_tensor *spare(const nb_faults *f, nb_tensor *in, int32_t but)
{
    bool all = in && nb_first_odd(in) < 0 && (but != ODD_ALONE || !nb_dtype_computes(in->dtype));
    if (!in || all) return nb_tensor_retain(in);
    nb_tensor *out = nb_tensor_clone(f->ctx, in);
    for (int64_t i = 0; out && i < nb_tensor_count(in); i++) {
        if (is_kept(f, in, i, but)) continue;
        if (out->dtype == NB_F32)
            ((float *)nb_tensor_data(out))[i] = HARMLESS;
        else
            ((double *)nb_tensor_data(out))[i] = HARMLESS;
    }
    return out;
}

/* Result number `which` of the call with such inputs, unwatched; NULL: it fails. */
static nb_tensor *call_again(const nb_faults *f, const nb_call *call, int which, int32_t but)
{
    nb_ctx *ctx = f->ctx;
    nb_call again = {.op = call->op, .inputs = call->inputs, .attr = call->attr};
    nb_witness *witness = ctx->witness;
    uint64_t draws = ctx->draws;
    bool recording = ctx->recording, whole = true;
    for (int i = 0; i < call->inputs; i++) {
        again.in[i] = spare(f, call->in[i], but);
        whole = whole && (again.in[i] || !call->in[i]);
    }
    ctx->witness = NULL;
    ctx->recording = false;
    nb_tensor *out = whole ? nb_op_call(ctx, &again) : NULL;
    ctx->recording = recording;
    ctx->witness = witness;
    ctx->draws = draws;
    for (int i = 0; i < call->inputs; i++) nb_tensor_release(ctx, again.in[i]);
    nb_tensor *wanted = out ? nb_tensor_retain(which ? again.more[which - 1] : out) : NULL;
    if (out) nb_call_drop(ctx, &again);
    nb_tensor_release(ctx, out);
    return wanted;
}

/* The next blame behind `last` among those of what went in; NB_UNMARKED: there is none. */
static int32_t next_blame(const nb_faults *f, const nb_call *call, int32_t last)
{
    int32_t next = NB_UNMARKED;
    for (int k = 0; k < call->inputs; k++) {
        const nb_tensor *in = call->in[k];
        int64_t at = in ? nb_first_odd(in) : -1;
        for (; at >= 0 && at < nb_tensor_count(in); at++) {
            int32_t own = nb_marks_get(f->marks, in, at);
            if (own > last && !isfinite(nb_element(in, at))) next = nb_earlier(next, own);
        }
    }
    return next;
}

/* Elements that are not finite in a trial and are open. */
static void settle(const nb_tensor *trial, int64_t count, int32_t fault, int32_t *by)
{
    for (int64_t i = 0; i < count; i++)
        if (by[i] == OPEN && (!trial || !isfinite(nb_element(trial, i)))) by[i] = fault;
}

/* Elements that what went in has made what they are: all would be finite if it were, or would not
 * be by that alone. False where that cannot be tried: then all elements are so. */
static bool find_fed(const nb_faults *f, const nb_call *call, int which, const nb_tensor *given,
                     int32_t *by)
{
    nb_tensor *own = call_again(f, call, which, NB_UNMARKED);
    nb_tensor *odd = own ? call_again(f, call, which, ODD_ALONE) : NULL;
    bool same = odd && nb_tensor_same_shape(own, given) && nb_tensor_same_shape(odd, given);
    for (int64_t i = 0; i < nb_tensor_count(given); i++)
        if (!isfinite(nb_element(given, i)) &&
            (!same || isfinite(nb_element(own, i)) || !isfinite(nb_element(odd, i))))
            by[i] = OPEN;
    nb_tensor_release(f->ctx, own);
    nb_tensor_release(f->ctx, odd);
    return same;
}

/* By calling again: of the blames for what went in, the first that alone makes a number what it
 * is; fed: where none does. */
static nb_status trace_trials(const nb_faults *f, const nb_call *call, int which,
                              const nb_tensor *given, int32_t fed, int32_t *by)
{
    nb_ctx *ctx = f->ctx;
    int64_t count = nb_tensor_count(given);
    bool same = find_fed(f, call, which, given, by);
    bool alone = next_blame(f, call, fed) == NB_UNMARKED;
    int32_t fault = same && !alone ? fed : NB_UNMARKED;
    for (int k = 0; fault != NB_UNMARKED && k < TRIALS_MOST; k++) {
        nb_tensor *trial = call_again(f, call, which, fault);
        if (trial && nb_tensor_same_shape(trial, given)) settle(trial, count, fault, by);
        nb_tensor_release(ctx, trial);
        fault = next_blame(f, call, fault);
    }
    settle(NULL, count, fed, by);
    return nb_poll(ctx);
}

/* Whether each element has its place in every input. */
static bool has_places(const nb_call *call, const nb_tensor *given)
{
    bool all = nb_op_is_elementwise(call->op) && call->op != nb_ops[NB_OP_where];
    for (int k = 0; k < call->inputs && all; k++)
        all = call->in[k] && nb_place_in_input(call->in[k], given, 0) >= 0;
    return all;
}

static void trace_places(const nb_faults *f, const nb_call *call, const nb_tensor *given,
                         int32_t *by)
{
    for (int64_t i = 0; i < nb_tensor_count(given); i++)
        for (int k = 0; k < call->inputs && !isfinite(nb_element(given, i)); k++) {
            int64_t place = nb_place_in_input(call->in[k], given, i);
            if (nb_dtype_computes(call->in[k]->dtype) && !isfinite(nb_element(call->in[k], place)))
                by[i] = nb_earlier(by[i], nb_marks_get(f->marks, call->in[k], place));
        }
}

nb_status nb_faults_forward(const nb_faults *f, const nb_call *call, int which,
                            const nb_tensor *given, int32_t fed, int32_t *by)
{
    for (int64_t i = 0; i < nb_tensor_count(given); i++) by[i] = NB_UNMARKED;
    if (fed == NB_UNMARKED) return NB_OK;
    if (which || !has_places(call, given)) return trace_trials(f, call, which, given, fed, by);
    trace_places(f, call, given, by);
    return NB_OK;
}

/* ---- Backward ----------------------------------------------------------------------------------
 */

nb_fault_range nb_fault_span(const nb_record *record, const nb_tensor *t, const nb_tensor *delta,
                             const nb_tensor *gradient, int64_t at)
{
    int64_t count = nb_tensor_count(t), rows = gradient->dims ? gradient->shape[0] : 0;
    bool w = record->op == nb_ops[NB_OP_dense] && t == record->in[1];
    if (nb_op_is_elementwise(record->op) && nb_tensor_same_shape(delta, gradient)) {
        int64_t place = nb_place_in_input(t, delta, at);
        if (place >= 0) return (nb_fault_range){place, 1};
    }
    if (w || !rows || !t->dims || t->shape[0] != rows || !delta->dims || delta->shape[0] != rows)
        return (nb_fault_range){0, count};
    int64_t row = at / (nb_tensor_count(gradient) / rows);
    return (nb_fault_range){row * (count / rows), count / rows};
}

int32_t nb_fault_there(const nb_faults *f, const nb_tensor *t, nb_fault_range where, bool *odd)
{
    int32_t by = NB_UNMARKED;
    if (!nb_dtype_computes(t->dtype)) return by;
    for (int64_t i = where.from; i < where.from + where.count; i++) {
        if (isfinite(nb_element(t, i))) continue;
        *odd = true;
        by = nb_earlier(by, nb_marks_get(f->marks, t, i));
    }
    return by;
}

bool nb_stays_there(const nb_record *record, const nb_tensor *delta, const nb_tensor *gradient)
{
    return record->op == nb_ops[NB_OP_dense] ||
           (nb_op_is_elementwise(record->op) && nb_tensor_same_shape(delta, gradient));
}
