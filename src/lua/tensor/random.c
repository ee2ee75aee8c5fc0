/* Chance: constructors that draw, methods that fill a tensor anew, draws by weight. */
#include "lua/tensor/arguments.h"
#include "lua/tensor/make.h"
#include "lua/tensor/parts.h"

#include "tensor/choose.h"
#include "tensor/random.h"

#include <math.h>

/* ---- Constructors ---- */

static void check_computes(lua_State *L, const nbl_making *how)
{
    if (nb_dtype_computes(how->dtype)) return;
    nbl_error(L, "%s makes f32 or f64, not %s; randint makes whole numbers", nbl_push_name(L),
              nb_dtype_name(how->dtype));
}

/* All is checked: from here on the stream counts as drawn. */
static int draw(lua_State *L, nbl_making *how, nbl_fill_fn *fill)
{
    how->stream = nbl_stream(L, how->seed);
    return nbl_make(L, how, fill);
}

static nb_status fill_uniform(nb_ctx *ctx, nb_tensor *tensor, nbl_making *how)
{
    return nb_fill_uniform(ctx, tensor, &how->stream, 0, 1);
}

static int make_rand(lua_State *L)
{
    nbl_making how = {.dims = 0};
    nbl_read_making(L, 1, -1, nbl_chance_options, &how);
    check_computes(L, &how);
    return draw(L, &how, fill_uniform);
}

static nb_status fill_normal(nb_ctx *ctx, nb_tensor *tensor, nbl_making *how)
{
    return nb_fill_normal(ctx, tensor, &how->stream, 0, 1);
}

static int make_randn(lua_State *L)
{
    nbl_making how = {.dims = 0};
    nbl_read_making(L, 1, -1, nbl_chance_options, &how);
    check_computes(L, &how);
    return draw(L, &how, fill_normal);
}

static nb_status fill_integers(nb_ctx *ctx, nb_tensor *tensor, nbl_making *how)
{
    return nb_fill_integers(ctx, tensor, &how->stream, (int64_t)how->a, (int64_t)how->b);
}

#define F32_WHOLE_MAX 0x1p24 /* f32 holds every whole number up to it */

/* Beyond the whole numbers of a dtype, rounding could leave the range. */
static void check_whole(lua_State *L, nb_dtype dtype, double value)
{
    const double most = dtype == NB_F32 ? F32_WHOLE_MAX : NB_WHOLE_MAX;
    if (nb_dtype_computes(dtype) && !(fabs(value) <= most))
        nbl_error(L, "%s is beyond the whole numbers of %s, which end at %s",
                  nbl_push_number(L, value), nb_dtype_name(dtype), nbl_push_number(L, most));
    nbl_check_held(L, dtype, value);
}

static int make_randint(lua_State *L)
{
    int64_t low = nbl_check_integer(L, 1, "the lowest number");
    int64_t high = nbl_check_integer(L, 2, "the highest number");
    nbl_making how = {.a = (double)low, .b = (double)high};
    nbl_read_making(L, 3, NB_I32, nbl_chance_options, &how);
    check_whole(L, how.dtype, how.a);
    check_whole(L, how.dtype, how.b);
    if (low > high) return nbl_error(L, "the lowest number is above the highest");
    return draw(L, &how, fill_integers);
}

static nb_status fill_permutation(nb_ctx *ctx, nb_tensor *tensor, nbl_making *how)
{
    return nb_fill_permutation(ctx, tensor, &how->stream);
}

static int make_randperm(lua_State *L)
{
    nbl_making how = {.dims = 0};
    nbl_read_making(L, 1, NB_I32, nbl_chance_options, &how);
    if (how.dims != 1) return nbl_error(L, "randperm takes one size, not %d", how.dims);
    if (how.shape[0] > INT32_MAX) return nbl_error(L, "at most %d numbers", INT32_MAX);
    if (how.dtype != NB_I32)
        return nbl_error(L, "randperm makes i32, not %s", nb_dtype_name(how.dtype));
    return draw(L, &how, fill_permutation);
}

/* ---- Filling anew ---- */

typedef struct seed_options {
    int64_t seed;
} seed_options;

static const nb_option seed_table[] = {NBL_SEED_OPTION(seed_options), NB_OPTIONS_END};

/* One fill under way. */
typedef struct filling {
    const char *name; /* "uniform_" */
    nb_tensor *x;
    double a, b;
    nb_tensor *p;
    nb_stream stream;
} filling;

/* The tensor at 1, which must compute unless any dtype will do. */
static void check_filled(lua_State *L, filling *how, bool any)
{
    how->x = nbl_check_tensor(L, 1);
    nbl_check_change(L, how->x, &how->p, how->p != NULL, how->name);
    if (!any && !nb_dtype_computes(how->x->dtype))
        nbl_error(L, "%s fills f32 and f64 tensors, not %s", how->name,
                  nb_dtype_name(how->x->dtype));
}

/* The number at *arg, which may be left out; moves *arg behind it. */
static double read_number(lua_State *L, int *arg, const filling *how, double standard)
{
    if (lua_isnoneornil(L, *arg) || lua_istable(L, *arg)) {
        *arg += lua_isnil(L, *arg);
        return standard;
    }
    double value = nbl_check_finite(L, (*arg)++);
    nbl_check_held(L, how->x->dtype, value);
    return value;
}

/* Options at `arg`, then the fill. Half of it may be there when Ctrl-C stops it, so the change is
 * marked first. */
static int refill(lua_State *L, int arg, filling *how, nbl_job *fill)
{
    seed_options options;
    nbl_options(L, arg, seed_table, &options, false);
    nbl_no_more(L, arg);
    how->stream = nbl_stream(L, options.seed);
    nb_tensor_touch(how->x, how->name);
    nbl_run(L, fill, how);
    nbl_changed(L, how->x, how->name);
    lua_settop(L, 1);
    return 1;
}

static nb_status refill_uniform(nb_ctx *ctx, void *data)
{
    const filling *how = data;
    return nb_fill_uniform(ctx, how->x, &how->stream, how->a, how->b);
}

static int uniform_in_place(lua_State *L)
{
    int arg = 2;
    filling how = {.name = "uniform_"};
    check_filled(L, &how, false);
    how.a = read_number(L, &arg, &how, 0);
    how.b = read_number(L, &arg, &how, 1);
    if (how.a > how.b)
        return nbl_error(L, "the lowest number, %s, is above the highest, %s",
                         nbl_push_number(L, how.a), nbl_push_number(L, how.b));
    return refill(L, arg, &how, refill_uniform);
}

static nb_status refill_normal(nb_ctx *ctx, void *data)
{
    const filling *how = data;
    return nb_fill_normal(ctx, how->x, &how->stream, how->a, how->b);
}

static int normal_in_place(lua_State *L)
{
    int arg = 2;
    filling how = {.name = "normal_"};
    check_filled(L, &how, false);
    how.a = read_number(L, &arg, &how, 0);
    how.b = read_number(L, &arg, &how, 1);
    if (how.b < 0)
        return nbl_error(L, "the deviation must be a number from 0, not %s",
                         nbl_push_number(L, how.b));
    return refill(L, arg, &how, refill_normal);
}

static nb_status refill_exponential(nb_ctx *ctx, void *data)
{
    const filling *how = data;
    return nb_fill_exponential(ctx, how->x, &how->stream, how->a);
}

/* The mean, 1 / rate, must be a number of the tensor too. */
static int exponential_in_place(lua_State *L)
{
    int arg = 2;
    filling how = {.name = "exponential_"};
    check_filled(L, &how, false);
    how.a = read_number(L, &arg, &how, 1);
    if (!(how.a > 0))
        return nbl_error(L, "the rate must be a number above 0, not %s", nbl_push_number(L, how.a));
    if (!isfinite(1 / how.a) || !nb_dtype_holds(how.x->dtype, 1 / how.a))
        return nbl_error(L, "the mean of rate %s does not fit into %s", nbl_push_number(L, how.a),
                         nb_dtype_name(how.x->dtype));
    return refill(L, arg, &how, refill_exponential);
}

static nb_status refill_bernoulli(nb_ctx *ctx, void *data)
{
    const filling *how = data;
    return nb_fill_bernoulli(ctx, how->x, &how->stream, how->p);
}

static int bernoulli_in_place(lua_State *L)
{
    filling how = {.name = "bernoulli_"};
    nbl_check_tensor(L, 1);
    how.p = nbl_test_tensor(L, 2);
    if (!how.p && lua_type(L, 2) == LUA_TNUMBER) how.p = nbl_number_to_tensor(L, 2, NB_F64);
    if (!how.p) nbl_arg_error(L, 2, "a probability, or a tensor of them");
    check_filled(L, &how, true);
    return refill(L, 3, &how, refill_bernoulli);
}

/* ---- Draws by weight ---- */

typedef struct multinomial_options {
    bool replacement;
    int64_t seed;
} multinomial_options;

static const nb_option multinomial_table[] = {
    {.name = "replacement",
     .help = "an index may be drawn more than once",
     .kind = NB_BOOLEAN,
     .offset = offsetof(multinomial_options, replacement)},
    NBL_SEED_OPTION(multinomial_options),
    NB_OPTIONS_END};

typedef struct multinomial_job {
    nb_tensor *weights;
    int64_t n;
    bool replacement;
    nb_stream stream;
    nb_tensor **out;
} multinomial_job;

/* Each try begins where the stream began. */
static nb_status try_multinomial(nb_ctx *ctx, void *data)
{
    const multinomial_job *work = data;
    nb_stream stream = work->stream;
    *work->out = nb_multinomial(ctx, work->weights, work->n, work->replacement, &stream);
    return *work->out ? NB_OK : ctx->status;
}

static int multinomial(lua_State *L)
{
    multinomial_options options;
    multinomial_job work = {.weights = nbl_check_tensor(L, 1)};
    work.n = nbl_check_integer(L, 2, "the count");
    nbl_no_more(L, 3);
    nbl_options(L, 3, multinomial_table, &options, false);
    if (work.n < 0)
        return nbl_error(L, "the count must be a whole number from 0, not %I", (LUAI_UACINT)work.n);
    work.replacement = options.replacement;
    work.stream = nbl_stream(L, options.seed);
    work.out = nbl_new_tensor(L);
    nbl_run(L, try_multinomial, &work);
    return 1;
}

/* ---- Opening ---- */

static const nbl_entry makers[] = {
    {"rand", make_rand, "tensor.rand(sizes…, {dtype, seed})",
     "Random numbers, uniform from 0 to 1 (1 excluded).", "tensor.rand(2, 3, {seed = 1})",
     nbl_chance_options},
    {"randn", make_randn, "tensor.randn(sizes…, {dtype, seed})",
     "Random numbers, normal with mean 0 and deviation 1.", "tensor.randn(2, 3, {seed = 1})",
     nbl_chance_options},
    {"randint", make_randint, "tensor.randint(low, high, sizes…, {dtype, seed})",
     "Random whole numbers from low to high, both included; i32 unless another dtype is named.",
     "tensor.randint(1, 6, 10, {seed = 1})", nbl_chance_options},
    {"randperm", make_randperm, "tensor.randperm(n, {seed})",
     "The numbers 1 to n in random order, i32.", "tensor.randperm(5, {seed = 1})",
     nbl_chance_options},
    {NULL, NULL, NULL, NULL, NULL, NULL}};

static const nbl_entry methods[] = {
    {":uniform_", uniform_in_place, "x:uniform_(low, high, {seed})",
     "Fills x with random numbers, uniform from low (0) to high (1), which is excluded; gives x "
     "back.",
     "tensor.zeros(2, 3):uniform_(-1, 1, {seed = 1})", seed_table},
    {":normal_", normal_in_place, "x:normal_(mean, deviation, {seed})",
     "Fills x with random numbers, normal with this mean (0) and deviation (1); gives x back.",
     "tensor.zeros(2, 3):normal_(10, 0.5, {seed = 1})", seed_table},
    {":exponential_", exponential_in_place, "x:exponential_(rate, {seed})",
     "Fills x with random numbers above 0 of density rate e^(-rate x), rate 1 unless given; gives "
     "x "
     "back.",
     "tensor.zeros(5):exponential_(2, {seed = 1})", seed_table},
    {":bernoulli_", bernoulli_in_place, "x:bernoulli_(p, {seed})",
     "Fills x, of any dtype, with 1 with probability p and else 0; p is a number or a tensor that "
     "broadcasts; gives x back.",
     "tensor.zeros(2, 3, {dtype = \"u8\"}):bernoulli_(0.5, {seed = 1})", seed_table},
    {":multinomial", multinomial, "x:multinomial(n, {replacement, seed})",
     "n indices (i32, from 1) for each row of weights, drawn with probabilities in proportion to "
     "the weights; none comes twice in a row unless replacement.",
     "tensor{1, 0, 3}:multinomial(2, {seed = 1})", multinomial_table},
    {NULL, NULL, NULL, NULL, NULL, NULL}};

void nbl_add_tensor_random(lua_State *L)
{
    nbl_register(L, "tensor", makers);
}

void nbl_open_tensor_fills(lua_State *L)
{
    nbl_register(L, "tensor", methods);
}
