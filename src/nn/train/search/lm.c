/* lm: least squares by Levenberg's and Marquardt's method as Moré's trust region has it. An
 * iteration makes the triangle R of the Jacobian once, and tries steps until one lowers the cost.
 * Where the cost can no longer tell, full steps of Gauss and Newton follow, each of which must be
 * shorter than the last one: they go on by the slope, which is known better than the cost. */
#include "nn/train/optimizer.h"

#include "base/family.h"
#include "base/memory.h"
#include "nn/train/search/places.h"
#include "nn/train/search/trust.h"

#include <float.h>
#include <math.h>

#define AT(field) offsetof(nb_optimizer_options, field)

#define GOOD   0.75 /* of what R predicts: the radius grows from there */
#define POOR   0.25 /* … and shrinks up to here */
#define TAKEN  1e-4 /* the least of it for which a step is taken */
#define SHRINK 0.1  /* the least that is left of the radius */
/* What a closing step must be under, of the last: where residuals stay large each is some seven
 * tenths of it. */
#define SHORTER 0.9
#define WITHIN 1e-10 /* how much of the cost a closing step may seem to add: rounding */

/* Its state: one vector of numbers, and the scale of every value. */
enum { RADIUS, LAMBDA, LAST, PHASE, NUMBERS = 8 };
enum { COURSE, SCALE };
enum { BEGINNING, SEARCHING, CLOSING, DONE };

/* One iteration. */
typedef struct fit {
    nb_ctx *ctx;
    const nb_optimizer *optimizer;
    const nb_problem *problem;
    nb_places places;
    nb_trust trust;
    int64_t taken;   /* rows of the Jacobian so far */
    double *r, *now; /* residuals at the values before, and at those that are tried */
    double *x, *p;   /* the values before, and a step from them */
    double *lengths; /* of the Jacobian's columns */
    double course[NUMBERS];
    double norm; /* of r */
} fit;

/* ---- Room ------------------------------------------------------------------------------------ */

static nb_status refuse(nb_ctx *ctx, int64_t n, double needed, double room)
{
    char wanted[NB_SIZE_TEXT_MAX], left[NB_SIZE_TEXT_MAX];
    int64_t fits = n;
    while (fits > 1 && nb_trust_bytes(fits) > room) fits -= 1 + fits / 100;
    return nb_fail(ctx, NB_EMEMORY,
                   "lm takes %s for the %lld parameters that learn; %s are left, enough for about "
                   "%lld; freeze some, or take lbfgs or adam",
                   nb_size_text((size_t)needed, wanted), (long long)n,
                   nb_size_text((size_t)room, left), (long long)fits);
}

static nb_status check_room(nb_ctx *ctx, int64_t n, int64_t m)
{
    double needed = nb_trust_bytes(n) + 2 * sizeof(double) * (double)m;
    double room = nb_memory_room(&ctx->memory);
    return needed <= room ? NB_OK : refuse(ctx, n, needed, room);
}

static void end(fit *f)
{
    nb_ctx *ctx = f->ctx;
    size_t n = (size_t)f->places.count, m = (size_t)f->problem->squares->count;
    nb_free(ctx, f->r, 2 * m * sizeof *f->r);
    nb_free(ctx, f->x, 3 * n * sizeof *f->x);
    nb_trust_free(ctx, &f->trust);
    nb_places_free(ctx, &f->places);
}

static nb_status begin(fit *f)
{
    nb_ctx *ctx = f->ctx;
    nb_status status = nb_places_find(ctx, f->problem, &f->places);
    int64_t n = f->places.count, m = f->problem->squares->count;
    if (status == NB_OK && n == 0) status = nb_fail(ctx, NB_EARG, "lm: no parameter learns");
    if (status == NB_OK) status = check_room(ctx, n, m);
    if (status == NB_OK) status = nb_trust_new(ctx, &f->trust, n);
    if (status != NB_OK) return status;
    f->r = nb_alloc_zero(ctx, (size_t)m, 2 * sizeof *f->r);
    f->x = f->r ? nb_alloc_zero(ctx, (size_t)n, 3 * sizeof *f->x) : NULL;
    if (!f->x) return ctx->status;
    f->now = f->r + m;
    f->p = f->x + n;
    f->lengths = f->p + n;
    return NB_OK;
}

/* ---- The Jacobian, and the scale ------------------------------------------------------------- */

static nb_status take(nb_ctx *ctx, void *self, int64_t rows)
{
    fit *f = self;
    int64_t width = f->places.count + 1;
    for (int64_t i = 0; i < rows; i++) f->r[f->taken++] = f->trust.beside[i * width + width - 1];
    return nb_trust_add(ctx, &f->trust, rows, f->trust.beside);
}

/* Of rows that stand for others residuals are asked alone, when all have come. */
static nb_status stand(nb_ctx *ctx, void *self, int64_t rows)
{
    fit *f = self;
    return nb_trust_add(ctx, &f->trust, rows, f->trust.beside);
}

static void *scales(const fit *f)
{
    return nb_tensor_data(f->optimizer->slot[SCALE].value);
}

/* D: the largest length that each column has had (Moré 1978), over the factor of its rate, by which
 * the radius lets that parameter go further. A column of zeros counts as 1 long. */
static nb_status measure(fit *f)
{
    nb_trust *t = &f->trust;
    nb_dtype dtype = f->problem->dtype;
    nb_status status = nb_trust_norms(f->ctx, t, f->lengths);
    if (status != NB_OK) return status;
    for (int64_t j = 0; j < t->n; j++) {
        double most = fmax(nb_number_at(dtype, scales(f), f->places.at[j]), f->lengths[j]);
        t->scale[j] = (most > 0 ? most : 1) / f->places.factor[j];
    }
    return NB_OK;
}

static nb_status look(fit *f)
{
    nb_squares *squares = f->problem->squares;
    const nb_row_taker rows = {
        f->places.at, f->places.count, f->trust.beside, f->trust.rows, take, f, stand};
    squares->evaluations++;
    nb_status status = squares->rows(f->ctx, squares->self, &rows);
    if (status == NB_OK && f->taken == 0) status = squares->residuals(f->ctx, squares->self, f->r);
    if (status != NB_OK) return status;
    size_t m = (size_t)squares->count;
    double sum = nb_real(NB_F64)->sum_squares(m, f->r, 1);
    for (int64_t j = 0; j < f->places.count; j++)
        f->x[j] = nb_number_at(f->problem->dtype, f->problem->values, f->places.at[j]);
    squares->cost = squares->share * sum;
    f->norm = sqrt(sum);
    return measure(f);
}

/* ---- A trial --------------------------------------------------------------------------------- */

/* The values x + share p. */
static void place(const fit *f, double share)
{
    for (int64_t j = 0; j < f->places.count; j++)
        nb_number_put(f->problem->dtype, f->problem->values, f->places.at[j],
                      share == 0 ? f->x[j] : f->x[j] + share * f->p[j]);
}

/* Goes the step p; *gain: by what share of it the sum of squares fell, in a form that does not
 * cancel, (r - r′)(r + r′). -1 where r′ is ten times longer, or no number. */
static nb_status try(fit *f, double *gain)
{
    nb_squares *squares = f->problem->squares;
    place(f, 1);
    squares->evaluations++;
    nb_status status = squares->residuals(f->ctx, squares->self, f->now);
    if (status != NB_OK) return status;
    size_t m = (size_t)squares->count;
    double next = sqrt(nb_real(NB_F64)->sum_squares(m, f->now, 1)), sum = 0;
    *gain = -1;
    if (!(SHRINK * next < f->norm)) return NB_OK;
    for (size_t i = 0; i < m; i++)
        sum += (f->r[i] - f->now[i]) / f->norm * ((f->r[i] + f->now[i]) / f->norm);
    *gain = sum;
    return NB_OK;
}

/* What R says of a step, as shares of the sum of squares. */
typedef struct forecast {
    double gain;  /* that it will fall by */
    double slope; /* of it along the step, halved */
} forecast;

static forecast predict(const fit *f, double lambda, double size)
{
    double one = nb_trust_change(&f->trust, f->p) / f->norm, two = sqrt(lambda) * size / f->norm;
    return (forecast){one * one + 2 * two * two, -(one * one + two * two)};
}

/* The radius after a step of length `size` with that gain, of what was foretold. */
static void adapt(double *course, const forecast *foretold, double gain, double size)
{
    double ratio = foretold->gain > 0 ? gain / foretold->gain : 0;
    if (ratio > POOR) {
        if (course[LAMBDA] != 0 && !(ratio >= GOOD)) return;
        course[RADIUS] = 2 * size;
        course[LAMBDA] /= 2;
        return;
    }
    double left = 0.5;
    if (gain < 0) left = 0.5 * foretold->slope / (foretold->slope + 0.5 * gain);
    if (!(gain > -1) || !(left >= SHRINK)) left = SHRINK;
    course[RADIUS] = left * fmin(course[RADIUS], size / SHRINK);
    course[LAMBDA] /= left;
}

/* ---- Searching ------------------------------------------------------------------------------- */

static double tolerance(const fit *f)
{
    double least = f->problem->dtype == NB_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
    return fmax(least, f->optimizer->options.tolerance);
}

/* Whether what a step could gain, or how far it could go, is too little to tell. */
static bool is_flat(const fit *f, const forecast *foretold, double gain)
{
    double little = tolerance(f);
    bool gains = !(fabs(gain) <= little && foretold->gain <= little && gain <= 2 * foretold->gain);
    bool goes = !(f->course[RADIUS] <= little * nb_trust_length(&f->trust, f->x));
    return !gains || !goes;
}

/* Steps from x, each in a smaller region, until one lowers the cost or none can. */
static nb_status search(fit *f)
{
    double *course = f->course;
    nb_status status = NB_OK;
    bool taken = false;
    while (status == NB_OK && !taken) {
        double gain;
        status = nb_trust_step(f->ctx, &f->trust, course[RADIUS], &course[LAMBDA], f->p);
        if (status == NB_OK) status = nb_poll(f->ctx);
        if (status != NB_OK) break;
        double size = nb_trust_length(&f->trust, f->p);
        if (course[PHASE] == BEGINNING) course[RADIUS] = fmin(course[RADIUS], size);
        const forecast foretold = predict(f, course[LAMBDA], size);
        status = try(f, &gain);
        if (status != NB_OK) break;
        adapt(course, &foretold, gain, size);
        taken = foretold.gain > 0 && gain >= TAKEN * foretold.gain;
        if (taken) course[PHASE] = SEARCHING;
        if (!is_flat(f, &foretold, gain)) continue;
        course[PHASE] = CLOSING;
        course[LAST] = INFINITY;
        break;
    }
    if (!taken) place(f, 0);
    return status;
}

/* One full step of Gauss and Newton, if it is under half the last one. */
static nb_status close(fit *f)
{
    double gain = -1, size = INFINITY;
    nb_status status = NB_OK;
    if (nb_trust_full(&f->trust, f->p)) size = nb_trust_length(&f->trust, f->p);
    bool nearer = size > 0 && size < f->course[LAST] * SHORTER;
    if (nearer) status = try(f, &gain);
    if (status == NB_OK && nearer && gain >= -WITHIN) {
        f->course[LAST] = size;
        return NB_OK;
    }
    place(f, 0);
    f->course[PHASE] = DONE;
    return status;
}

/* ---- The optimizer --------------------------------------------------------------------------- */

static void start(fit *f)
{
    double size = nb_trust_length(&f->trust, f->x), *course = f->course;
    if (course[RADIUS] > 0) return;
    course[RADIUS] = f->optimizer->options.radius * (size > 0 ? size : 1);
}

static void keep(const fit *f)
{
    double *course = nb_tensor_data(f->optimizer->slot[COURSE].value);
    for (int i = 0; i < NUMBERS; i++) course[i] = f->course[i];
    for (int64_t j = 0; j < f->places.count; j++)
        nb_number_put(f->problem->dtype, scales(f), f->places.at[j],
                      f->trust.scale[j] * f->places.factor[j]);
}

static nb_status iterate(fit *f)
{
    const double *course = nb_tensor_data(f->optimizer->slot[COURSE].value);
    double cosine = 0;
    nb_status status = begin(f);
    if (status == NB_OK) status = look(f);
    if (status == NB_OK) status = nb_trust_cosine(f->ctx, &f->trust, f->lengths, &cosine);
    if (status != NB_OK) return status;
    for (int i = 0; i < NUMBERS; i++) f->course[i] = course[i];
    start(f);
    if (cosine == 0)
        f->course[PHASE] = DONE;
    else
        status = f->course[PHASE] == CLOSING ? close(f) : search(f);
    if (status == NB_OK)
        keep(f);
    else
        place(f, 0);
    return status;
}

static nb_status lm_step(nb_ctx *ctx, nb_optimizer *optimizer, const nb_problem *problem)
{
    fit f = {.ctx = ctx, .optimizer = optimizer, .problem = problem};
    if (!problem->squares) return nb_fail(ctx, NB_EARG, "lm needs a cost that is a sum of squares");
    nb_status status = iterate(&f);
    end(&f);
    return status;
}

static nb_slot_need lm_needs(const nb_optimizer *optimizer, int i)
{
    static const nb_slot_need needs[] = {[COURSE] = {.name = "course", .count = NUMBERS},
                                         [SCALE] = {.name = "scale"},
                                         {.name = NULL}};
    (void)optimizer;
    return needs[i];
}

static const char *lm_done(const nb_optimizer *optimizer)
{
    const double *course = nb_tensor_data(optimizer->slot[COURSE].value);
    return course[PHASE] == DONE ? "no step lowers the squares further" : NULL;
}

static const nb_option lm_options[] = {
    {.name = "tolerance",
     .help = "the share of the cost, and of the parameters' lengths, under which a step counts as "
             "none",
     .range = "a number from 0, below 1",
     .value = 1e-12,
     .high = 1 - 0x1p-53,
     .kind = NB_NUMBER,
     .offset = AT(tolerance)},
    {.name = "radius",
     .help = "of the first region of trust, in lengths of the parameters",
     .range = "a number above 0",
     .value = 1,
     .high = 1e30,
     .above = true,
     .kind = NB_NUMBER,
     .offset = AT(radius)},
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_optimizer_type, nb_optimizer_lm) = {
    .name = "lm",
    .help =
        "Levenberg and Marquardt's method for least squares, as Moré's trust region (1978), "
        "for the costs quadratic and mse, on the whole set. What is made of the Jacobian is f64, "
        "its rows are of the network's dtype: nabla.dtype \"f64\" gets all digits. o.evaluations "
        "counts what o.steps iterations took: of the residuals, and one each of the Jacobian.",
    .example = "o = nn.lm()",
    .options = lm_options,
    .needs = lm_needs,
    .whole = true,
    .squares = true,
    .epochs = 10000,
    .done = lm_done,
    .step = lm_step,
};
