/* What met: by the kind of op, from the inputs as they were. */
#include "grad/met.h"

#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER = 32, LOOK = 1 << 10 /* elements that are looked at together */ };

/* ---- Elements -------------------------------------------------------------------------------- */

static void index_of(const nb_tensor *t, int64_t at, int64_t index[NB_MAX_DIMS])
{
    for (int i = t->dims - 1; i >= 0; i--) {
        index[i] = at % t->shape[i];
        at /= t->shape[i];
    }
}

double nb_element(const nb_tensor *t, int64_t at)
{
    int64_t index[NB_MAX_DIMS];
    index_of(t, at, index);
    return nb_tensor_get(t, index);
}

const char *nb_element_text(const nb_tensor *t, int64_t at, char out[NUMBER])
{
    double value = nb_element(t, at);
    return t->dtype == NB_F32 ? nb_single_text((float)value, out) : nb_number_text(value, out);
}

/* Of a contiguous tensor. */
static int64_t first_odd_whole(const nb_tensor *t)
{
    const nb_real_kernels *real = nb_real(t->dtype);
    const char *data = nb_tensor_data(t);
    int64_t count = nb_tensor_count(t), size = (int64_t)nb_dtype_size(t->dtype), at = 0;
    if (real->finite((size_t)count, data)) return -1;
    while (at + LOOK < count && real->finite(LOOK, data + at * size)) at += LOOK;
    while (real->finite(1, data + at * size)) at++;
    return at;
}

int64_t nb_first_odd(const nb_tensor *t)
{
    if (!nb_dtype_computes(t->dtype)) return -1;
    if (nb_tensor_is_contiguous(t)) return first_odd_whole(t);
    int64_t count = nb_tensor_count(t);
    for (int64_t at = 0; at < count; at++)
        if (!isfinite(nb_element(t, at))) return at;
    return -1;
}

/* The position of the largest size; 0 of none. */
static int64_t largest(const nb_tensor *t)
{
    int64_t count = nb_tensor_count(t), best = 0;
    for (int64_t i = 1; i < count; i++)
        if (fabs(nb_element(t, i)) > fabs(nb_element(t, best))) best = i;
    return best;
}

int64_t nb_place_in_input(const nb_tensor *in, const nb_tensor *out, int64_t at)
{
    int64_t index[NB_MAX_DIMS], place = 0;
    int ahead = out->dims - in->dims;
    if (ahead < 0) return -1;
    index_of(out, at, index);
    for (int i = 0; i < in->dims; i++) {
        if (in->shape[i] != 1 && in->shape[i] != out->shape[ahead + i]) return -1;
        place = place * in->shape[i] + (in->shape[i] == 1 ? 0 : index[ahead + i]);
    }
    return place;
}

/* ---- Words ----------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void add(nb_met *met, const char *format, ...)
{
    size_t used = strlen(met->text);
    va_list args;
    va_start(args, format);
    vsnprintf(met->text + used, sizeof met->text - used, format, args);
    va_end(args);
}

static void end(nb_met *met, double value)
{
    char text[NUMBER];
    add(met, " is %s", nb_number_text(value, text));
}

static const char *sign_of(const nb_op *op)
{
    static const struct {
        nb_op_id op;
        const char *sign;
    } signs[] = {
        {NB_OP_add, "+"}, {NB_OP_sub, "-"}, {NB_OP_mul, "·"}, {NB_OP_div, "/"}, {NB_OP_pow, "^"}};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (nb_ops[signs[i].op] == op) return signs[i].sign;
    return NULL;
}

bool nb_op_is_elementwise(const nb_op *op)
{
    static const nb_op_id others[] = {NB_OP_activate, NB_OP_slope_chain, NB_OP_rescale,
                                      NB_OP_where,    NB_OP_to,          NB_OP_lerp};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (nb_ops[others[i]] == op) return true;
    return op->in_place && op != nb_ops[NB_OP_triu] && op != nb_ops[NB_OP_tril];
}

/* "800", or "1, 2": the inputs' numbers at an element of `out`, those that there are. */
static void add_inputs(nb_met *met, nb_tensor *const *in, int inputs, const nb_tensor *out,
                       int64_t at, const char *between)
{
    char number[NUMBER];
    int told = 0;
    for (int i = 0; i < inputs; i++) {
        int64_t place = in[i] ? nb_place_in_input(in[i], out, at) : -1;
        if (place < 0) continue;
        add(met, "%s%s", told++ ? between : "", nb_element_text(in[i], place, number));
    }
}

static void tell_element(const nb_call *call, const nb_tensor *out, int64_t at, const char *name,
                         nb_met *met)
{
    const char *sign = call->inputs == 2 ? sign_of(call->op) : NULL;
    char between[8];
    snprintf(between, sizeof between, " %s ", sign ? sign : "");
    if (!sign) add(met, "%s(", name);
    add_inputs(met, call->in, call->inputs, out, at, sign ? between : ", ");
    if (!sign) add(met, ")");
}

/* ---- Sums of products ------------------------------------------------------------------------ */

/* `count` products of elements, the first of each at a position and `step` from one to the next. */
typedef struct line {
    const nb_tensor *t;
    int64_t at, step;
} line;

static int64_t largest_product(line a, line b, int64_t count)
{
    double most = -1;
    int64_t best = 0;
    for (int64_t i = 0; i < count; i++) {
        double size = fabs(nb_element(a.t, a.at + i * a.step) * nb_element(b.t, b.at + i * b.step));
        if (size <= most) continue;
        most = size;
        best = i;
    }
    return best;
}

static void tell_product(line a, line b, int64_t count, nb_met *met, int64_t *where)
{
    char first[NUMBER], second[NUMBER];
    int64_t i = largest_product(a, b, count);
    add(met, count > 1 ? "the sum of %s · %s and others" : "%s · %s",
        nb_element_text(a.t, a.at + i * a.step, first),
        nb_element_text(b.t, b.at + i * b.step, second));
    if (where) *where = i;
}

/* Element (row, j) of x wᵀ, or of a matrix product x w. */
static bool tell_rows(const nb_call *call, const nb_tensor *out, int64_t at, nb_met *met)
{
    const nb_tensor *x = call->in[0], *w = call->in[1];
    bool dense = call->op == nb_ops[NB_OP_dense], product = call->op == nb_ops[NB_OP_matmul];
    if (!dense && !(product && x->dims == 2 && w->dims == 2)) return false;
    int64_t columns = out->shape[out->dims - 1], k = x->shape[x->dims - 1];
    if (k == 0) return false;
    line a = {x, at / columns * k, 1}, b = {w, at % columns, columns};
    if (dense) b = (line){w, at % columns * k, 1};
    tell_product(a, b, k, met, NULL);
    return true;
}

/* ---- Everything else ------------------------------------------------------------------------- */

/* "numbers up to 1e30 and 5" */
static void tell_sizes(nb_tensor *const *in, int inputs, nb_met *met)
{
    char number[NUMBER];
    int told = 0;
    for (int i = 0; i < inputs; i++) {
        if (!in[i] || !nb_dtype_computes(in[i]->dtype) || !nb_tensor_count(in[i])) continue;
        snprintf(number, sizeof number, "%.3g", fabs(nb_element(in[i], largest(in[i]))));
        add(met, "%s%s", told++ ? ", " : "numbers up to ", number);
    }
}

/* Many numbers that became one: the largest says where. A cost's is the one furthest from its
 * target. */
static void tell_whole(const nb_call *call, const char *name, nb_met *met)
{
    const nb_tensor *a = call->in[0], *y = call->inputs > 1 ? call->in[1] : NULL;
    char first[NUMBER], second[NUMBER];
    bool pairs = y && nb_tensor_same_shape(a, y) && nb_dtype_computes(y->dtype);
    int64_t best = largest(a);
    for (int64_t i = 0; pairs && i < nb_tensor_count(a); i++)
        if (fabs(nb_element(a, i) - nb_element(y, i)) >
            fabs(nb_element(a, best) - nb_element(y, best)))
            best = i;
    nb_element_text(a, best, first);
    if (pairs)
        add(met, "%s of %s and %s", name, first, nb_element_text(y, best, second));
    else
        add(met, "%s of numbers up to %s", name, first);
    met->of = a;
    met->at = best;
}

void nb_met_forward(const nb_call *call, const nb_tensor *out, int64_t at, const char *name,
                    nb_met *met)
{
    *met = (nb_met){.of = out, .at = at};
    bool one = nb_tensor_count(out) == 1 && call->inputs && nb_tensor_count(call->in[0]) > 1;
    if (nb_op_is_elementwise(call->op))
        tell_element(call, out, at, name, met);
    else if (one)
        tell_whole(call, name, met);
    else if (!tell_rows(call, out, at, met))
        tell_sizes(call->in, call->inputs, met);
    end(met, nb_element(out, at));
}

void nb_met_backward(const nb_record *record, const nb_tensor *delta, const nb_tensor *gradient,
                     int64_t at, const char *name, nb_met *met)
{
    char number[NUMBER];
    *met = (nb_met){.of = gradient, .at = at};
    const nb_tensor *w = record->inputs > 1 ? record->in[1] : NULL;
    int64_t place = nb_tensor_same_shape(delta, gradient) ? at : -1;
    if (record->op == nb_ops[NB_OP_dense] && w && delta->dims == gradient->dims) {
        int64_t units = w->shape[0], k = w->shape[1];
        tell_product((line){delta, at / k * units, 1}, (line){w, at % k, k}, units, met, NULL);
    } else if (place >= 0 && nb_op_is_elementwise(record->op)) {
        add(met, "δ %s through %s", nb_element_text(delta, place, number), name);
        size_t used = strlen(met->text);
        add(met, " at ");
        add_inputs(met, record->in, record->inputs, delta, place, ", ");
        if (strlen(met->text) == used + 4) met->text[used] = '\0';
    } else {
        add(met, "δ up to %s through %s", nb_element_text(delta, largest(delta), number), name);
    }
    end(met, nb_element(gradient, at));
}

void nb_met_product(const nb_tensor *a, const nb_tensor *b, int64_t at, double sum, int64_t *row,
                    nb_met *met)
{
    int64_t rows = a->shape[0], wide = a->shape[1], columns = b->shape[1];
    *met = (nb_met){.of = a, .at = at};
    tell_product((line){a, at / columns, wide}, (line){b, at % columns, columns}, rows, met, row);
    end(met, sum);
}
