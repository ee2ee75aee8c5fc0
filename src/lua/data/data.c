/* The module data: sets from files and from the program itself. */
#include "base/embed.h"
#include "io/idx.h"
#include "lua/data/csv.h"
#include "lua/data/generate.h"
#include "lua/data/images.h"
#include "lua/data/make.h"
#include "lua/data/parts.h"
#include "lua/data/set.h"
#include "lua/data/text.h"
#include "nn/data/read/pack.h"
#include "tensor/shape.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    DIGITS = 10,
    DIGITS_SEED = 1797,  /* of the split, so that it is the same for everybody */
    MNIST_TRAIN = 50000, /* the book's: the rest of the training file chooses */
    PATH_MAX_BYTES = 4096
};

#define DIGITS_SHARE 0.8
#define DIGITS_SCALE (1.0 / 16)
#define MNIST_SCALE  (1.0 / 255)

#define DIGITS_IMAGES "data/digits/digits-images-idx3-ubyte.gz"
#define DIGITS_LABELS "data/digits/digits-labels-idx1-ubyte.gz"

static const char *const digit_names[DIGITS] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

/* ---- Images and labels of digits ---- */

/* NB_EFORMAT where rows of these sizes are no images. */
static nb_status check_images(nb_ctx *ctx, int dims, const int64_t *sizes, const char *what)
{
    char shape[NB_SHAPE_TEXT];
    if (dims == 3) return NB_OK;
    return nb_fail(ctx, NB_EFORMAT, "%s must hold images (n x rows x columns), not %s", what,
                   nb_shape_text(dims, sizes, shape));
}

/* Labels 0 to 9 as class numbers 1 to 10. Takes `labels` over. */
static nb_tensor *class_numbers(nb_ctx *ctx, nb_tensor *labels)
{
    nb_tensor *real = labels ? nb_tensor_convert(ctx, labels, NB_F32, 1.0) : NULL;
    nb_tensor *numbers = real ? nb_op_number(ctx, NB_OP_add, real, 1.0) : NULL;
    nb_tensor_release(ctx, real);
    nb_tensor_release(ctx, labels);
    return numbers;
}

/* The images of a file (n, rows, columns) as rows of pixels. */
static nb_feed *image_rows(nb_ctx *ctx, nb_source *source, const char *what)
{
    nb_feed *rows = source ? nb_feed_read_idx(ctx, source, what) : NULL;
    if (!rows) return NULL;
    int64_t sizes[NB_MAX_DIMS + 1] = {rows->count};
    memcpy(sizes + 1, rows->shape, sizeof rows->shape);
    if (check_images(ctx, rows->dims + 1, sizes, what) == NB_OK) {
        rows->dims = 1;
        rows->shape[0] *= rows->shape[1];
        return rows;
    }
    nb_feed_release(ctx, rows);
    return NULL;
}

static nb_feed *read_images(nb_ctx *ctx, const char *path, const char *what)
{
    nb_source *source = nb_source_open(ctx, path);
    nb_feed *rows = image_rows(ctx, source, what);
    nb_source_close(source);
    return rows;
}

/* The same of images that stay in their file. */
static nb_feed *mapped_rows(nb_ctx *ctx, const char *path, const char *what)
{
    nb_row_file *file = nb_row_file_open(ctx, path);
    if (!file) return NULL;
    nb_elements *of = &file->of;
    if (check_images(ctx, of->dims, of->shape, what) != NB_OK) {
        nb_row_file_close(file);
        return NULL;
    }
    of->shape[1] *= of->shape[2];
    of->dims = 2;
    return nb_feed_of_file(ctx, file, what);
}

/* Takes both over. */
static nb_set *digit_set(nb_ctx *ctx, nb_feed *x, nb_tensor *labels, double scale, const char *name)
{
    nb_tensor *y = class_numbers(ctx, labels);
    nb_set *set = x && y ? nb_set_of_rows(ctx, x, scale, y, digit_names, DIGITS, name) : NULL;
    nb_feed_release(ctx, x);
    nb_tensor_release(ctx, y);
    return set;
}

/* ---- data.digits ---- */

static nb_source *open_embedded(nb_ctx *ctx, const char *name)
{
    const nb_embedded *file = nb_embedded_find(name);
    if (!file) return nb_fail_null(ctx, NB_EIO, "%s is not in this program", name);
    return nb_source_memory(ctx, name, file->data, file->size);
}

static nb_feed *embedded_images(nb_ctx *ctx)
{
    nb_source *source = open_embedded(ctx, DIGITS_IMAGES);
    nb_feed *rows = image_rows(ctx, source, "digits");
    nb_source_close(source);
    return rows;
}

static nb_tensor *embedded_labels(nb_ctx *ctx)
{
    nb_source *source = open_embedded(ctx, DIGITS_LABELS);
    nb_tensor *tensor = source ? nb_idx_read(ctx, source) : NULL;
    nb_source_close(source);
    return tensor;
}

static nb_status make_digits(nb_ctx *ctx, void *data)
{
    nb_set **out = data;
    ctx->recording = false;
    nb_feed *images = embedded_images(ctx);
    nb_tensor *labels = images ? embedded_labels(ctx) : NULL;
    nb_set *set = digit_set(ctx, images, labels, DIGITS_SCALE, "digits");
    nb_status status =
        set ? nb_set_split(ctx, set, DIGITS_SHARE, DIGITS_SEED, &set->train, &set->test)
            : ctx->status;
    if (status == NB_OK)
        *out = set;
    else
        nb_set_release(ctx, set);
    return status;
}

static int data_digits(lua_State *L)
{
    nbl_run(L, make_digits, nbl_new_set(L));
    return 1;
}

/* ---- data.idx ---- */

typedef struct map_options {
    bool map;
} map_options;

static const nb_option map_fields[] = {
    {.name = "map",
     .help = "images stay in their file, from which batches are read; not of gzip",
     .kind = NB_BOOLEAN,
     .offset = offsetof(map_options, map)},
    NB_OPTIONS_END,
};

static bool read_map(lua_State *L, int arg)
{
    map_options options;
    nbl_options(L, arg, map_fields, &options, false);
    return options.map;
}

typedef struct idx_job {
    const char *path;
    nb_tensor **tensor; /* where the elements are wanted; or: */
    nb_set **set;
} idx_job;

static nb_status load_idx(nb_ctx *ctx, void *data)
{
    idx_job *work = data;
    *work->tensor = nb_idx_load(ctx, work->path);
    return *work->tensor ? NB_OK : ctx->status;
}

static nb_status map_idx(nb_ctx *ctx, void *data)
{
    idx_job *work = data;
    nb_feed *rows = nb_feed_of_file(ctx, nb_row_file_open(ctx, work->path), work->path);
    if (rows) *work->set = nb_set_from(ctx, rows, NULL, NULL, NULL, NULL);
    nb_feed_release(ctx, rows);
    return *work->set ? NB_OK : ctx->status;
}

static int data_idx(lua_State *L)
{
    idx_job work = {.path = nbl_check_path(L, 1)};
    bool map = read_map(L, 2);
    if (map)
        work.set = nbl_new_set(L);
    else
        work.tensor = nbl_new_tensor(L);
    nbl_run(L, map ? map_idx : load_idx, &work);
    return 1;
}

/* ---- data.mnist ---- */

typedef struct mnist_job {
    const char *folder;
    bool map;
    nb_set **out;
} mnist_job;

static bool is_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && !S_ISDIR(about.st_mode);
}

/* The path of "train-images" with "idx3-ubyte" under one of the names that it goes by. */
static nb_status find_file(nb_ctx *ctx, const char *folder, const char *what, const char *kind,
                           char path[PATH_MAX_BYTES])
{
    static const struct form {
        char joint;
        const char *end;
    } forms[] = {{'-', ""}, {'-', ".gz"}, {'.', ""}, {'.', ".gz"}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        int length = snprintf(path, PATH_MAX_BYTES, "%s/%s%c%s%s", folder, what, forms[i].joint,
                              kind, forms[i].end);
        if (length < PATH_MAX_BYTES && is_file(path)) return NB_OK;
    }
    return nb_fail(ctx, NB_EIO, "%s has no file %s-%s (nor %s-%s.gz, nor with a dot: %s.%s)",
                   folder, what, kind, what, kind, what, kind);
}

static nb_set *load_half(nb_ctx *ctx, const mnist_job *work, const char *images_name,
                         const char *labels_name, const char *name)
{
    char path[PATH_MAX_BYTES];
    nb_feed *images = NULL;
    nb_tensor *labels = NULL;
    if (find_file(ctx, work->folder, images_name, "idx3-ubyte", path) != NB_OK) return NULL;
    images = work->map ? mapped_rows(ctx, path, path) : read_images(ctx, path, name);
    if (images && find_file(ctx, work->folder, labels_name, "idx1-ubyte", path) == NB_OK)
        labels = nb_idx_load(ctx, path);
    return digit_set(ctx, images, labels, MNIST_SCALE, name);
}

/* The book's split of the training file. */
static nb_status split_mnist(nb_ctx *ctx, nb_set *set)
{
    if (set->count <= MNIST_TRAIN)
        return nb_fail(ctx, NB_EFORMAT,
                       "the training file holds %lld images; the book's split takes %d of 60000",
                       (long long)set->count, MNIST_TRAIN);
    set->train = nb_set_range(ctx, set, 0, MNIST_TRAIN);
    if (set->train) set->valid = nb_set_range(ctx, set, MNIST_TRAIN, set->count - MNIST_TRAIN);
    return set->valid ? NB_OK : ctx->status;
}

static nb_status load_mnist(nb_ctx *ctx, void *data)
{
    mnist_job *work = data;
    ctx->recording = false;
    nb_set *set = load_half(ctx, work, "train-images", "train-labels", "mnist");
    if (!set) return ctx->status;
    nb_status status = split_mnist(ctx, set);
    if (status == NB_OK) {
        set->test = load_half(ctx, work, "t10k-images", "t10k-labels", "mnist test");
        if (!set->test) status = ctx->status;
    }
    if (status == NB_OK)
        *work->out = set;
    else
        nb_set_release(ctx, set);
    return status;
}

static int data_mnist(lua_State *L)
{
    mnist_job work = {.folder = nbl_check_path(L, 1), .map = read_map(L, 2)};
    work.out = nbl_new_set(L);
    nbl_run(L, load_mnist, &work);
    return 1;
}

/* ---- Registration ---- */

static const nbl_entry entries[] = {
    {"digits", data_digits, "data.digits()",
     "1,797 handwritten digits of 8 × 8 pixels, from the program itself: .train 1,437 and .test "
     "360, always the same ones, every digit in the same share. (Alpaydin and Kaynak, UCI, CC BY "
     "4.0)",
     "digits = data.digits()\nprint(digits)\nprint(digits[1])", NULL},
    {"idx", data_idx, "data.idx(path, [{map}])",
     "The tensor in an IDX file, plain or gzip; with map = true a data set of its rows, without y, "
     "that stay in the file.",
     "print(pcall(data.idx, \"images-idx3-ubyte.gz\"))", map_fields},
    {"mnist", data_mnist, "data.mnist(folder, [{map}])",
     "MNIST from a folder with its four IDX files, plain or gzip, in the book's split: .train "
     "50,000, .valid 10,000, .test 10,000.",
     "print(pcall(data.mnist, \"mnist\"))", map_fields},
    {.name = NULL},
};

void nbl_open_data(lua_State *L)
{
    lua_newtable(L);
    nbl_register(L, "data", entries);
    nbl_open_csv(L);
    nbl_open_generated(L);
    nbl_open_images(L);
    nbl_open_making(L);
    nbl_open_text(L);
    nbl_open_sets(L);
    nbl_open_set_parts(L);
    nbl_open_set_map(L);
    nbl_open_set_text(L);
    nbl_open_set_save(L);
    lua_pop(L, 1);
}
