/* Constructors: tensors from values, sizes, ranges and chance. */
#include "lua/tensor/tensor.h"

#include "tensor/make.h"

#include <math.h>

#define WHOLE_MAX 9007199254740992.0 /* 2^53: whole numbers below are exact in Lua's floats */

/* ---- Options and sizes ---- */

typedef struct make_options {
    const char *dtype;
    int64_t seed; /* -1: the context's next stream */
} make_options;

#define DTYPE_OPTION                                                                               \
    {                                                                                              \
        .name = "dtype", .help = "the kind of numbers",                                            \
        .range = "\"f32\", \"f64\", \"u8\" or \"i32\"", .standard = "nabla.dtype()",               \
        .kind = NB_WORD, .offset = offsetof(make_options, dtype)                                   \
    }

static const nb_option dtype_options[] = {DTYPE_OPTION, NB_OPTIONS_END};

static const nb_option chance_options[] = {DTYPE_OPTION,
                                           {.name = "seed",
                                            .help = "draws the same numbers whenever it is given",
                                            .range = "a whole number from 0",
                                            .standard = "what nabla.seed began",
                                            .value = -1,
                                            .high = WHOLE_MAX,
                                            .kind = NB_INTEGER,
                                            .offset = offsetof(make_options, seed)},
                                           NB_OPTIONS_END};

nb_dtype nbl_check_dtype(lua_State *L, const char *name)
{
    nb_dtype dtype = NB_F32;
    if (!nb_dtype_from_name(name, &dtype))
        nbl_error(L, "dtype must be \"f32\", \"f64\", \"u8\" or \"i32\", not '%s'", name);
    return dtype;
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

/* One constructor under way. */
typedef struct making {
    nb_dtype dtype;
    int dims;
    int64_t shape[NB_MAX_DIMS];
    nb_stream stream;
    double a, b;
} making;

/* Sizes from `arg` on, then options. `standard`: the dtype where none is named; -1: nabla.dtype. */
static void read_making(lua_State *L, int arg, const char *whose, int standard, making *out)
{
    make_options options;
    arg = nbl_check_sizes(L, arg, 0, &out->dims, out->shape);
    nbl_options(L, arg, whose, chance_options, &options, false);
    if (arg < lua_gettop(L)) nbl_error(L, "%s: options come last", whose);
    nb_ctx *ctx = nbl_ctx(L);
    out->dtype = standard < 0 ? ctx->dtype : (nb_dtype)standard;
    if (options.dtype) out->dtype = nbl_check_dtype(L, options.dtype);
    out->stream = options.seed < 0 ? nb_stream_next(ctx, NB_FOR_TENSOR)
                                   : nb_stream_make((uint64_t)options.seed, NB_FOR_TENSOR, 0);
}

typedef nb_status fill_function(nb_ctx *ctx, nb_tensor *tensor, making *how);

static nb_status try_make(nb_ctx *ctx, making how, fill_function *fill, nb_tensor **out)
{
    nb_tensor *made = nb_tensor_new(ctx, how.dtype, how.dims, how.shape);
    if (!made) return ctx->status;
    nb_status status = fill(ctx, made, &how);
    if (status == NB_OK)
        *out = made;
    else
        nb_tensor_release(ctx, made);
    return status;
}

static int make(lua_State *L, const making *how, fill_function *fill)
{
    nb_tensor **out = nbl_new_tensor(L);
    nbl_stay stay;
    int tries = 0;
    nbl_enter(L, &stay);
    while (try_make(stay.ctx, *how, fill, out) != NB_OK && nbl_fail(&stay, &tries)) continue;
    nbl_leave(&stay);
    return 1;
}

/* ---- One value ---- */

static nb_status fill_value(nb_ctx *ctx, nb_tensor *tensor, making *how)
{
    return nb_tensor_fill(ctx, tensor, how->a);
}

static int make_zeros(lua_State *L)
{
    making how = {.a = 0};
    read_making(L, 1, "zeros", -1, &how);
    return make(L, &how, fill_value);
}

static int make_ones(lua_State *L)
{
    making how = {.a = 1};
    read_making(L, 1, "ones", -1, &how);
    return make(L, &how, fill_value);
}

static double check_number(lua_State *L, int arg)
{
    if (lua_type(L, arg) != LUA_TNUMBER) nbl_arg_error(L, arg, "a number");
    return lua_tonumber(L, arg);
}

static int make_full(lua_State *L)
{
    making how = {.a = check_number(L, 1)};
    read_making(L, 2, "full", -1, &how);
    if (!nb_dtype_holds(how.dtype, how.a))
        return nbl_error(L, "full: %s does not fit into %s", nbl_describe(L, 1),
                         nb_dtype_name(how.dtype));
    return make(L, &how, fill_value);
}

static nb_status fill_eye(nb_ctx *ctx, nb_tensor *tensor, making *how)
{
    (void)how;
    return nb_fill_identity(ctx, tensor);
}

static int make_eye(lua_State *L)
{
    making how = {.dims = 0};
    read_making(L, 1, "eye", -1, &how);
    if (how.dims < 1 || how.dims > 2)
        return nbl_error(L, "eye takes one or two sizes, not %d", how.dims);
    if (how.dims == 1) how.shape[1] = how.shape[0];
    how.dims = 2;
    return make(L, &how, fill_eye);
}

/* ---- Ranges ---- */

static double check_finite(lua_State *L, int arg)
{
    double value = check_number(L, arg);
    if (!isfinite(value)) nbl_arg_error(L, arg, "a finite number");
    return value;
}

static nb_status fill_range(nb_ctx *ctx, nb_tensor *tensor, making *how)
{
    return nb_fill_range(ctx, tensor, how->a, how->b);
}

/* The options behind `arg` numbers; raises unless the dtype holds all that lie between. */
static void read_line_dtype(lua_State *L, int arg, const char *whose, making *how)
{
    make_options options;
    nbl_options(L, arg, whose, dtype_options, &options, false);
    how->dtype = options.dtype ? nbl_check_dtype(L, options.dtype) : nbl_ctx(L)->dtype;
}

static void check_held(lua_State *L, const char *whose, nb_dtype dtype, double value)
{
    if (nb_dtype_holds(dtype, value)) return;
    lua_pushnumber(L, value);
    nbl_error(L, "%s: %s does not fit into %s", whose, nbl_describe(L, -1), nb_dtype_name(dtype));
}

static int make_range(lua_State *L)
{
    double first = check_finite(L, 1), last = check_finite(L, 2);
    bool has_step = lua_type(L, 3) == LUA_TNUMBER;
    double step = has_step ? check_finite(L, 3) : 1;
    making how = {.dims = 1, .a = first, .b = step};
    read_line_dtype(L, has_step ? 4 : 3, "range", &how);
    if (step == 0) return nbl_error(L, "range: the step must not be 0");
    how.shape[0] = nb_range_count(first, last, step);
    if (how.shape[0] < 0) return nbl_error(L, "range: too many numbers for one tensor");
    if (how.shape[0] > 0) {
        check_held(L, "range", how.dtype, first);
        check_held(L, "range", how.dtype, first + step * (double)(how.shape[0] - 1));
        if (how.shape[0] > 1) check_held(L, "range", how.dtype, first + step);
    }
    return make(L, &how, fill_range);
}

static nb_status fill_line(nb_ctx *ctx, nb_tensor *tensor, making *how)
{
    return nb_fill_line(ctx, tensor, how->a, how->b);
}

static int make_linspace(lua_State *L)
{
    making how = {.dims = 1, .a = check_finite(L, 1), .b = check_finite(L, 2)};
    how.shape[0] = nbl_check_integer(L, 3, "the count of linspace");
    if (how.shape[0] < 1) return nbl_error(L, "linspace takes at least one number");
    read_line_dtype(L, 4, "linspace", &how);
    if (!nb_dtype_computes(how.dtype))
        return nbl_error(L, "linspace makes f32 or f64, not %s", nb_dtype_name(how.dtype));
    return make(L, &how, fill_line);
}

/* ---- Chance ---- */

static void check_computes(lua_State *L, const char *whose, nb_dtype dtype)
{
    if (nb_dtype_computes(dtype)) return;
    nbl_error(L, "%s makes f32 or f64, not %s; randint makes whole numbers", whose,
              nb_dtype_name(dtype));
}

static nb_status fill_uniform(nb_ctx *ctx, nb_tensor *tensor, making *how)
{
    return nb_fill_uniform(ctx, tensor, &how->stream);
}

static int make_rand(lua_State *L)
{
    making how = {.dims = 0};
    read_making(L, 1, "rand", -1, &how);
    check_computes(L, "rand", how.dtype);
    return make(L, &how, fill_uniform);
}

static nb_status fill_normal(nb_ctx *ctx, nb_tensor *tensor, making *how)
{
    return nb_fill_normal(ctx, tensor, &how->stream);
}

static int make_randn(lua_State *L)
{
    making how = {.dims = 0};
    read_making(L, 1, "randn", -1, &how);
    check_computes(L, "randn", how.dtype);
    return make(L, &how, fill_normal);
}

static nb_status fill_integers(nb_ctx *ctx, nb_tensor *tensor, making *how)
{
    return nb_fill_integers(ctx, tensor, &how->stream, (int64_t)how->a, (int64_t)how->b);
}

static int make_randint(lua_State *L)
{
    making how = {.a = (double)nbl_check_integer(L, 1, "the lowest number of randint"),
                  .b = (double)nbl_check_integer(L, 2, "the highest number of randint")};
    read_making(L, 3, "randint", NB_I32, &how);
    if (!(fabs(how.a) <= WHOLE_MAX && fabs(how.b) <= WHOLE_MAX))
        return nbl_error(L, "randint: the numbers must lie within 2^53");
    if (how.a > how.b) return nbl_error(L, "randint: the lowest number is above the highest");
    check_held(L, "randint", how.dtype, how.a);
    check_held(L, "randint", how.dtype, how.b);
    return make(L, &how, fill_integers);
}

static nb_status fill_permutation(nb_ctx *ctx, nb_tensor *tensor, making *how)
{
    nb_fill_permutation(tensor, &how->stream);
    return nb_poll(ctx);
}

static int make_randperm(lua_State *L)
{
    making how = {.dims = 0};
    read_making(L, 1, "randperm", NB_I32, &how);
    if (how.dims != 1) return nbl_error(L, "randperm takes one size, not %d", how.dims);
    if (how.shape[0] > INT32_MAX) return nbl_error(L, "randperm: at most %d numbers", INT32_MAX);
    if (how.dtype != NB_I32)
        return nbl_error(L, "randperm makes i32, not %s", nb_dtype_name(how.dtype));
    return make(L, &how, fill_permutation);
}

/* ---- From values ---- */

static nb_tensor *copy_as(nb_ctx *ctx, nb_tensor *x, nb_dtype dtype)
{
    if (x->dtype == dtype) return nb_tensor_clone(ctx, x);
    return nb_tensor_convert(ctx, x, dtype, 1);
}

/* __call of the module's table, which is the first argument and goes. */
static int make_tensor(lua_State *L)
{
    make_options options;
    lua_remove(L, 1);
    nbl_options(L, 2, "tensor", dtype_options, &options, false);
    int dtype = options.dtype ? (int)nbl_check_dtype(L, options.dtype) : -1;
    nb_tensor *x = nbl_test_tensor(L, 1);
    if (!x) {
        nbl_to_tensor(L, 1, dtype);
        lua_settop(L, 1);
        return 1;
    }
    nb_dtype kind = dtype < 0 ? x->dtype : (nb_dtype)dtype;
    nb_tensor **out = nbl_new_tensor(L);
    nbl_stay stay;
    int tries = 0;
    nbl_enter(L, &stay);
    while (!(*out = copy_as(stay.ctx, x, kind)) && nbl_fail(&stay, &tries)) continue;
    nbl_leave(&stay);
    return 1;
}

/* Halves are joined first, so that n tensors cost n log n and not n * n. */
static nb_tensor *join(nb_ctx *ctx, nb_tensor *const *list, size_t count, int64_t dim)
{
    if (count == 1) return nb_op1(ctx, NB_OP_clone, list[0]);
    size_t half = count / 2;
    nb_tensor *a = join(ctx, list, half, dim);
    nb_tensor *b = a ? join(ctx, list + half, count - half, dim) : NULL;
    nb_call call = {.op = nb_ops[NB_OP_cat], .in = {a, b}, .inputs = 2};
    call.attr.list[0] = dim;
    call.attr.length = 1;
    nb_tensor *out = b ? nb_op_call(ctx, &call) : NULL;
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, b);
    return out;
}

/* The tensors of the list at argument 1, in a block on the stack's top. A table of our own takes
 * the list's place: a finaliser could change the user's while we look at it. */
static nb_tensor **check_list(lua_State *L, size_t *count)
{
    if (!lua_istable(L, 1)) nbl_arg_error(L, 1, "a list of tensors");
    *count = lua_rawlen(L, 1);
    if (*count == 0) nbl_error(L, "cat: the list of tensors is empty");
    nb_tensor **list = lua_newuserdatauv(L, *count * sizeof *list, 0);
    lua_newtable(L);
    for (size_t i = 0; i < *count; i++) {
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        list[i] = nbl_test_tensor(L, -1);
        if (!list[i])
            nbl_error(L, "cat: entry %I of the list must be a tensor, not %s", (LUAI_UACINT)(i + 1),
                      nbl_describe(L, -1));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_replace(L, 1);
    return list;
}

static int make_cat(lua_State *L)
{
    size_t count;
    lua_settop(L, 2);
    nb_tensor **list = check_list(L, &count);
    int64_t dim = lua_isnil(L, 2) ? 0 : nbl_check_dim(L, 2, list[0]->dims);
    nb_tensor **out = nbl_new_tensor(L);
    nbl_stay stay;
    int tries = 0;
    nbl_enter(L, &stay);
    while (!(*out = join(stay.ctx, list, count, dim)) && nbl_fail(&stay, &tries)) continue;
    nbl_leave(&stay);
    return 1;
}

/* ---- Opening ---- */

static const nbl_entry makers[] = {
    {"zeros", make_zeros, "tensor.zeros(sizes…, {dtype})", "A tensor of zeros.",
     "tensor.zeros(2, 3)", dtype_options},
    {"ones", make_ones, "tensor.ones(sizes…, {dtype})", "A tensor of ones.", "tensor.ones(2, 3)",
     dtype_options},
    {"full", make_full, "tensor.full(value, sizes…, {dtype})", "A tensor of equal numbers.",
     "tensor.full(0.5, 2, 3)", dtype_options},
    {"eye", make_eye, "tensor.eye(rows, [columns], {dtype})",
     "The identity matrix: ones on the diagonal, else zeros.", "tensor.eye(2)", dtype_options},
    {"range", make_range, "tensor.range(first, last, [step], {dtype})",
     "The numbers that `for i = first, last, step` takes; its end is included.",
     "tensor.range(1, 9, 2)  → 1 3 5 7 9", dtype_options},
    {"linspace", make_linspace, "tensor.linspace(first, last, n, {dtype})",
     "n numbers, evenly from first to last, both included.",
     "tensor.linspace(0, 1, 5)  → 0 0.25 0.5 0.75 1", dtype_options},
    {"rand", make_rand, "tensor.rand(sizes…, {dtype, seed})",
     "Random numbers, uniform from 0 to 1 (1 excluded).", "tensor.rand(2, 3, {seed = 1})",
     chance_options},
    {"randn", make_randn, "tensor.randn(sizes…, {dtype, seed})",
     "Random numbers, normal with mean 0 and deviation 1.", "tensor.randn(2, 3, {seed = 1})",
     chance_options},
    {"randint", make_randint, "tensor.randint(low, high, sizes…, {dtype, seed})",
     "Random whole numbers from low to high, both included; i32 unless another dtype is named.",
     "tensor.randint(1, 6, 10, {seed = 1})", chance_options},
    {"randperm", make_randperm, "tensor.randperm(n, {seed})",
     "The numbers 1 to n in random order, i32.", "tensor.randperm(5, {seed = 1})", chance_options},
    {NULL, NULL, NULL, NULL, NULL, NULL}};

static const nbl_entry module_help = {"tensor",
                                      NULL,
                                      "tensor{…} or tensor(v, {dtype})",
                                      "A tensor from a number, a boolean, nested tables (all rows "
                                      "of a level equally long) or another tensor, "
                                      "which is copied. Booleans become u8.",
                                      "tensor{{1, 2}, {3, 4}}\ntensor({1, 2}, {dtype = \"f64\"})",
                                      dtype_options};

/* cat's page is its op's, and where is a method as well. */
static void add_joiners(lua_State *L)
{
    const nb_op *cat = nb_ops[NB_OP_cat];
    const nbl_entry joiners[] = {{"cat", make_cat, cat->usage, cat->help, cat->example, NULL},
                                 {NULL, NULL, NULL, NULL, NULL, NULL}};
    nbl_register(L, "tensor", joiners);
    luaL_getmetatable(L, NBL_TENSOR);
    lua_getfield(L, -1, "methods");
    lua_getfield(L, -1, "where");
    lua_setfield(L, -4, "where");
    lua_pop(L, 2);
}

void nbl_open_tensor_make(lua_State *L)
{
    lua_newtable(L);
    nbl_register(L, "tensor", makers);
    add_joiners(L);
    nbl_open_tensor_files(L);
    lua_pushvalue(L, -1);
    nbl_book_add(L, "function", &module_help);
    lua_newtable(L);
    lua_pushcfunction(L, make_tensor);
    lua_setfield(L, -2, "__call");
    lua_setmetatable(L, -2);
}
