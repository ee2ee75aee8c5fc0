/* Constructors: tensors from values, sizes and ranges. Chance is in random.c. */
#include "lua/tensor/make.h"

#include "lua/tensor/parts.h"

#include "base/text.h"
#include "tensor/assign.h"
#include "tensor/make.h"

#include <math.h>

/* ---- Options and sizes ---- */

typedef struct make_options {
    const char *dtype;
    int64_t seed;
} make_options;

#define DTYPE_OPTION(type)                                                                         \
    {                                                                                              \
        .name = "dtype", .help = "the kind of numbers",                                            \
        .range = "\"f32\", \"f64\", \"u8\" or \"i32\"", .standard = "nabla.dtype()",               \
        .kind = NB_WORD, .offset = offsetof(type, dtype)                                           \
    }

const nb_option nbl_dtype_options[] = {DTYPE_OPTION(make_options), NB_OPTIONS_END};
const nb_option nbl_chance_options[] = {DTYPE_OPTION(make_options), NBL_SEED_OPTION(make_options),
                                        NB_OPTIONS_END};

nb_dtype nbl_check_dtype(lua_State *L, const char *name)
{
    nb_dtype dtype = NB_F32;
    if (!nb_dtype_from_name(name, &dtype))
        nbl_error(L, "dtype must be \"f32\", \"f64\", \"u8\" or \"i32\", not '%s'", name);
    return dtype;
}

double nbl_check_number(lua_State *L, int arg)
{
    if (lua_type(L, arg) != LUA_TNUMBER) nbl_arg_error(L, arg, "a number");
    return lua_tonumber(L, arg);
}

double nbl_check_finite(lua_State *L, int arg)
{
    double value = nbl_check_number(L, arg);
    if (!isfinite(value)) nbl_arg_error(L, arg, "a finite number");
    return value;
}

const char *nbl_push_number(lua_State *L, double value)
{
    char text[NB_NUMBER_MAX];
    return lua_pushstring(L, nb_number_text(value, text));
}

void nbl_check_held(lua_State *L, nb_dtype dtype, double value)
{
    if (nb_dtype_holds(dtype, value)) return;
    nbl_error(L, "%s does not fit into %s", nbl_push_number(L, value), nb_dtype_name(dtype));
}

static int64_t check_size(lua_State *L, int slot, int64_t low, int place)
{
    int whole = 0;
    int64_t size = 0;
    if (lua_type(L, slot) == LUA_TNUMBER) size = lua_tointegerx(L, slot, &whole);
    if (!whole || size < low)
        nbl_error(L, "size %d must be a whole number from %I, not %s", place, (LUAI_UACINT)low,
                  nbl_describe(L, slot));
    return size;
}

static void add_size(lua_State *L, int slot, int64_t low, int *dims, int64_t *shape)
{
    if (*dims == NB_MAX_DIMS) nbl_error(L, "a tensor has at most %d dimensions", NB_MAX_DIMS);
    shape[*dims] = check_size(L, slot, low, *dims + 1);
    ++*dims;
}

int nbl_check_sizes(lua_State *L, int arg, int64_t low, int *dims, int64_t *shape)
{
    *dims = 0;
    if (lua_istable(L, arg) && lua_rawlen(L, arg) > 0) {
        for (lua_Unsigned i = 1; i <= lua_rawlen(L, arg); i++) {
            lua_rawgeti(L, arg, (lua_Integer)i);
            add_size(L, lua_gettop(L), low, dims, shape);
            lua_pop(L, 1);
        }
        return arg + 1;
    }
    for (; !lua_isnoneornil(L, arg) && !lua_istable(L, arg); arg++)
        add_size(L, arg, low, dims, shape);
    return arg;
}

nb_stream nbl_stream(lua_State *L, int64_t seed)
{
    if (seed < 0) return nb_stream_next(nbl_ctx(L), NB_FOR_TENSOR);
    return nb_stream_make((uint64_t)seed, NB_FOR_TENSOR, 0);
}

/* ---- Making one ---- */

void nbl_read_options(lua_State *L, int arg, int standard, const nb_option *options,
                      nbl_making *how)
{
    make_options values = {.seed = -1};
    nbl_options(L, arg, options, &values, false);
    nbl_no_more(L, arg);
    how->dtype = standard < 0 ? nbl_ctx(L)->dtype : (nb_dtype)standard;
    if (values.dtype) how->dtype = nbl_check_dtype(L, values.dtype);
    how->seed = values.seed;
}

void nbl_read_making(lua_State *L, int arg, int standard, const nb_option *options, nbl_making *how)
{
    arg = nbl_check_sizes(L, arg, 0, &how->dims, how->shape);
    nbl_read_options(L, arg, standard, options, how);
}

typedef struct make_job {
    const nbl_making *how;
    nbl_fill_fn *fill;
    nb_tensor **out;
} make_job;

/* A try must not go on with the stream of a failed one, so each has its own copy. */
static nb_status try_make(nb_ctx *ctx, void *data)
{
    const make_job *work = data;
    nbl_making how = *work->how;
    nb_tensor *made = nb_tensor_new(ctx, how.dtype, how.dims, how.shape);
    nb_status status = made ? work->fill(ctx, made, &how) : ctx->status;
    if (status == NB_OK)
        *work->out = made;
    else
        nb_tensor_release(ctx, made);
    return status;
}

int nbl_make(lua_State *L, const nbl_making *how, nbl_fill_fn *fill)
{
    make_job work = {how, fill, nbl_new_tensor(L)};
    nbl_run(L, try_make, &work);
    return 1;
}

/* ---- One value ---- */

static nb_status fill_value(nb_ctx *ctx, nb_tensor *tensor, nbl_making *how)
{
    return nb_tensor_fill(ctx, tensor, how->a);
}

static int make_zeros(lua_State *L)
{
    nbl_making how = {.a = 0};
    nbl_read_making(L, 1, -1, nbl_dtype_options, &how);
    return nbl_make(L, &how, fill_value);
}

static int make_ones(lua_State *L)
{
    nbl_making how = {.a = 1};
    nbl_read_making(L, 1, -1, nbl_dtype_options, &how);
    return nbl_make(L, &how, fill_value);
}

static int make_full(lua_State *L)
{
    nbl_making how = {.a = nbl_check_number(L, 1)};
    nbl_read_making(L, 2, -1, nbl_dtype_options, &how);
    nbl_check_held(L, how.dtype, how.a);
    return nbl_make(L, &how, fill_value);
}

static nb_status fill_eye(nb_ctx *ctx, nb_tensor *tensor, nbl_making *how)
{
    (void)how;
    return nb_fill_identity(ctx, tensor);
}

static int make_eye(lua_State *L)
{
    nbl_making how = {.dims = 0};
    nbl_read_making(L, 1, -1, nbl_dtype_options, &how);
    if (how.dims < 1 || how.dims > 2)
        return nbl_error(L, "eye takes one or two sizes, not %d", how.dims);
    if (how.dims == 1) how.shape[1] = how.shape[0];
    how.dims = 2;
    return nbl_make(L, &how, fill_eye);
}

/* ---- Ranges ---- */

static nb_status fill_range(nb_ctx *ctx, nb_tensor *tensor, nbl_making *how)
{
    return nb_fill_range(ctx, tensor, how->a, how->b);
}

/* What `how` counts: a for the first, base for the last, b for the step. */
static nb_status count_range(nb_ctx *ctx, void *data)
{
    nbl_making *how = data;
    return nb_range_count(ctx, how->a, how->base, how->b, &how->shape[0]);
}

static int make_range(lua_State *L)
{
    double first = nbl_check_finite(L, 1), last = nbl_check_finite(L, 2);
    bool has_step = !lua_isnoneornil(L, 3) && !lua_istable(L, 3);
    double step = has_step ? nbl_check_finite(L, 3) : 1;
    nbl_making how = {.dims = 1, .a = first, .b = step, .base = last};
    nbl_read_options(L, lua_istable(L, 3) ? 3 : 4, -1, nbl_dtype_options, &how);
    if (step == 0) return nbl_error(L, "the step must not be 0");
    nbl_run(L, count_range, &how);
    if (how.shape[0] > 0) {
        nbl_check_held(L, how.dtype, first);
        nbl_check_held(L, how.dtype, first + step * (double)(how.shape[0] - 1));
        if (how.shape[0] > 1) nbl_check_held(L, how.dtype, first + step);
    }
    return nbl_make(L, &how, fill_range);
}

/* First, last and a count, then options. */
static void read_line(lua_State *L, nbl_making *how)
{
    how->dims = 1;
    how->a = nbl_check_finite(L, 1);
    how->b = nbl_check_finite(L, 2);
    how->shape[0] = nbl_check_integer(L, 3, "the count");
    if (how->shape[0] < 0)
        nbl_error(L, "the count must be a whole number from 0, not %I", (LUAI_UACINT)how->shape[0]);
}

static void check_line_dtype(lua_State *L, const nbl_making *how)
{
    if (!nb_dtype_computes(how->dtype))
        nbl_error(L, "%s makes f32 or f64, not %s", nbl_push_name(L), nb_dtype_name(how->dtype));
}

static nb_status fill_line(nb_ctx *ctx, nb_tensor *tensor, nbl_making *how)
{
    return nb_fill_line(ctx, tensor, how->a, how->b);
}

static int make_linspace(lua_State *L)
{
    nbl_making how = {.dims = 0};
    read_line(L, &how);
    nbl_read_options(L, 4, -1, nbl_dtype_options, &how);
    check_line_dtype(L, &how);
    nbl_check_held(L, how.dtype, how.a);
    nbl_check_held(L, how.dtype, how.b);
    return nbl_make(L, &how, fill_line);
}

typedef struct power_options {
    const char *dtype;
    double base;
} power_options;

static const nb_option power_table[] = {DTYPE_OPTION(power_options),
                                        {.name = "base",
                                         .help = "what is raised to the powers",
                                         .range = "a number above 0",
                                         .value = 10,
                                         .low = 0,
                                         .high = HUGE_VAL,
                                         .above = true,
                                         .kind = NB_NUMBER,
                                         .offset = offsetof(power_options, base)},
                                        NB_OPTIONS_END};

static nb_status fill_powers(nb_ctx *ctx, nb_tensor *tensor, nbl_making *how)
{
    return nb_fill_powers(ctx, tensor, how->base, how->a, how->b);
}

/* Powers are largest at an end. */
static int make_logspace(lua_State *L)
{
    power_options options;
    nbl_making how = {.dims = 0};
    read_line(L, &how);
    nbl_options(L, 4, power_table, &options, false);
    nbl_no_more(L, 4);
    how.dtype = options.dtype ? nbl_check_dtype(L, options.dtype) : nbl_ctx(L)->dtype;
    how.base = options.base;
    check_line_dtype(L, &how);
    double ends[2] = {pow(how.base, how.a), pow(how.base, how.b)};
    for (int i = 0; i < 2; i++) {
        if (!isfinite(ends[i]) || !nb_dtype_holds(how.dtype, ends[i]))
            return nbl_error(L, "%s to the power of %s does not fit into %s",
                             nbl_push_number(L, how.base), nbl_push_number(L, i ? how.b : how.a),
                             nb_dtype_name(how.dtype));
    }
    return nbl_make(L, &how, fill_powers);
}

/* ---- Classes ---- */

static nb_status fill_one_hot(nb_ctx *ctx, nb_tensor *tensor, nbl_making *how)
{
    return nb_fill_one_hot(ctx, tensor, how->labels);
}

typedef struct label_job {
    nb_tensor *labels;
    int64_t largest;
} label_job;

static nb_status largest_label(nb_ctx *ctx, void *data)
{
    label_job *work = data;
    return nb_largest_label(ctx, work->labels, &work->largest);
}

static int make_one_hot(lua_State *L)
{
    nbl_making how = {.dims = 0};
    bool has_classes = !lua_isnoneornil(L, 2) && !lua_istable(L, 2);
    int64_t classes = has_classes ? nbl_check_integer(L, 2, "the number of classes") : 0;
    nbl_read_options(L, lua_istable(L, 2) ? 2 : 3, -1, nbl_dtype_options, &how);
    if (classes < 0)
        return nbl_error(L, "the number of classes must be a whole number from 0, not %I",
                         (LUAI_UACINT)classes);
    how.labels = nbl_to_tensor(L, 1, NB_F64);
    if (how.labels->dims == NB_MAX_DIMS)
        return nbl_error(L, "a tensor has at most %d dimensions", NB_MAX_DIMS);
    if (!has_classes) {
        label_job work = {how.labels, 0};
        nbl_run(L, largest_label, &work);
        classes = work.largest;
    }
    how.dims = how.labels->dims + 1;
    for (int i = 0; i < how.dims - 1; i++) how.shape[i] = how.labels->shape[i];
    how.shape[how.dims - 1] = classes;
    return nbl_make(L, &how, fill_one_hot);
}

/* ---- From values ---- */

/* Constructors refuse what a dtype does not hold; x:to() is what rounds and cuts. */
typedef struct copy_job {
    nb_tensor *x, **out;
    nb_dtype dtype;
} copy_job;

static nb_status copy_as(nb_ctx *ctx, void *data)
{
    const copy_job *work = data;
    *work->out = work->x->dtype == work->dtype ? nb_tensor_clone(ctx, work->x)
                                               : nb_tensor_fit(ctx, work->x, work->dtype);
    return *work->out ? NB_OK : ctx->status;
}

/* __call of the module's table, which is the first argument and goes. */
static int make_tensor(lua_State *L)
{
    make_options options;
    lua_remove(L, 1);
    nbl_no_more(L, 2);
    nbl_options(L, 2, nbl_dtype_options, &options, false);
    int dtype = options.dtype ? (int)nbl_check_dtype(L, options.dtype) : -1;
    nb_tensor *x = nbl_test_tensor(L, 1);
    if (!x) {
        nbl_to_tensor(L, 1, dtype);
        lua_settop(L, 1);
        return 1;
    }
    copy_job work = {x, nbl_new_tensor(L), dtype < 0 ? x->dtype : (nb_dtype)dtype};
    nbl_run(L, copy_as, &work);
    return 1;
}

/* ---- Opening ---- */

static const nbl_entry makers[] = {
    {"zeros", make_zeros, "tensor.zeros(sizes…, {dtype})", "A tensor of zeros.",
     "tensor.zeros(2, 3)", nbl_dtype_options},
    {"ones", make_ones, "tensor.ones(sizes…, {dtype})", "A tensor of ones.", "tensor.ones(2, 3)",
     nbl_dtype_options},
    {"full", make_full, "tensor.full(value, sizes…, {dtype})", "A tensor of equal numbers.",
     "tensor.full(0.5, 2, 3)", nbl_dtype_options},
    {"eye", make_eye, "tensor.eye(rows, [columns], {dtype})",
     "The identity matrix: ones on the diagonal, else zeros.", "tensor.eye(2)", nbl_dtype_options},
    {"range", make_range, "tensor.range(first, last, [step], {dtype})",
     "The numbers that `for i = first, last, step` takes: the last is among them where the steps "
     "lead there. Steps of 0.1 may miss it by rounding; tensor.linspace does not.",
     "tensor.range(1, 9, 2)  → 1 3 5 7 9", nbl_dtype_options},
    {"linspace", make_linspace, "tensor.linspace(first, last, n, {dtype})",
     "n numbers, evenly from first to last, both included.",
     "tensor.linspace(0, 1, 5)  → 0 0.25 0.5 0.75 1", nbl_dtype_options},
    {"logspace", make_logspace, "tensor.logspace(first, last, n, {dtype, base})",
     "n powers of the base, whose exponents go evenly from first to last.",
     "tensor.logspace(0, 3, 4)  → 1 10 100 1000", power_table},
    {"one_hot", make_one_hot, "tensor.one_hot(labels, [classes], {dtype})",
     "For each label (a tensor or list of whole numbers from 1) a row with 1 at the label's place, "
     "else 0; as long as there are classes, by default the largest label.",
     "tensor.one_hot({2, 1}, 3)  → 0 1 0 / 1 0 0", nbl_dtype_options},
    {NULL, NULL, NULL, NULL, NULL, NULL}};

static const nbl_entry module_help = {
    "tensor",
    NULL,
    "tensor{…} or tensor(v, {dtype})",
    "A tensor from a number, a boolean, nested tables (all rows "
    "of a level equally long) or another tensor, "
    "which is copied. Booleans become u8; what the dtype does not hold "
    "is an error.",
    "tensor{{1, 2}, {3, 4}}\ntensor({1, 2}, {dtype = \"f64\"})",
    nbl_dtype_options};

void nbl_open_tensor_makers(lua_State *L)
{
    lua_newtable(L);
    nbl_register(L, "tensor", makers);
    lua_pushvalue(L, -1);
    nbl_book_add(L, "function", &module_help);
    lua_newtable(L);
    lua_pushcfunction(L, make_tensor);
    lua_setfield(L, -2, "__call");
    lua_setmetatable(L, -2);
}
