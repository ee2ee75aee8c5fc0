/* The module data: sets from files and from the program itself. */
#include "base/embed.h"
#include "io/idx.h"
#include "lua/data/csv.h"
#include "lua/data/set.h"
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

/* Images (n, rows, columns) as (n, pixels). Takes `images` over. */
static nb_tensor *flat_images(nb_ctx *ctx, nb_tensor *images, const char *what)
{
    if (!images) return NULL;
    char shape[NB_SHAPE_TEXT];
    nb_tensor *flat = NULL;
    if (images->dims == 3 && images->shape[0] > 0)
        flat = nb_tensor_reshape(ctx, images, 2, (const int64_t[]){images->shape[0], -1});
    else
        nb_fail(ctx, NB_EFORMAT, "%s must hold images (n x rows x columns), not %s", what,
                nb_shape_text(images->dims, images->shape, shape));
    nb_tensor_release(ctx, images);
    return flat;
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

/* Takes both over. */
static nb_set *digit_set(nb_ctx *ctx, nb_tensor *images, nb_tensor *labels, double scale,
                         const char *name)
{
    nb_tensor *x = flat_images(ctx, images, name);
    nb_tensor *y = class_numbers(ctx, labels);
    nb_set *set = x && y ? nb_set_new(ctx, x, scale, y, digit_names, DIGITS, name) : NULL;
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    return set;
}

/* ---- data.digits ---- */

static nb_tensor *read_embedded(nb_ctx *ctx, const char *name)
{
    const nb_embedded *file = nb_embedded_find(name);
    if (!file) return nb_fail_null(ctx, NB_EIO, "%s is not in this program", name);
    nb_source *source = nb_source_memory(ctx, name, file->data, file->size);
    nb_tensor *tensor = source ? nb_idx_read(ctx, source) : NULL;
    nb_source_close(source);
    return tensor;
}

static nb_status make_digits(nb_ctx *ctx, void *data)
{
    nb_set **out = data;
    ctx->recording = false;
    nb_tensor *images = read_embedded(ctx, DIGITS_IMAGES);
    nb_tensor *labels = images ? read_embedded(ctx, DIGITS_LABELS) : NULL;
    if (!labels) {
        nb_tensor_release(ctx, images);
        return ctx->status;
    }
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

typedef struct idx_job {
    const char *path;
    nb_tensor **out;
} idx_job;

static nb_status load_idx(nb_ctx *ctx, void *data)
{
    idx_job *work = data;
    *work->out = nb_idx_load(ctx, work->path);
    return *work->out ? NB_OK : ctx->status;
}

static int data_idx(lua_State *L)
{
    idx_job work = {.path = nbl_check_path(L, 1)};
    work.out = nbl_new_tensor(L);
    nbl_run(L, load_idx, &work);
    return 1;
}

/* ---- data.mnist ---- */

typedef struct mnist_job {
    const char *folder;
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

static nb_tensor *load_file(nb_ctx *ctx, const char *folder, const char *what, const char *kind)
{
    char path[PATH_MAX_BYTES];
    if (find_file(ctx, folder, what, kind, path) != NB_OK) return NULL;
    return nb_idx_load(ctx, path);
}

static nb_set *load_half(nb_ctx *ctx, const char *folder, const char *images_name,
                         const char *labels_name, const char *name)
{
    nb_tensor *images = load_file(ctx, folder, images_name, "idx3-ubyte");
    nb_tensor *labels = images ? load_file(ctx, folder, labels_name, "idx1-ubyte") : NULL;
    if (!labels) {
        nb_tensor_release(ctx, images);
        return NULL;
    }
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
    nb_set *set = load_half(ctx, work->folder, "train-images", "train-labels", "mnist");
    if (!set) return ctx->status;
    nb_status status = split_mnist(ctx, set);
    if (status == NB_OK) {
        set->test = load_half(ctx, work->folder, "t10k-images", "t10k-labels", "mnist test");
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
    mnist_job work = {.folder = nbl_check_path(L, 1)};
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
    {"idx", data_idx, "data.idx(path)", "The tensor in an IDX file, plain or gzip.",
     "print(pcall(data.idx, \"images-idx3-ubyte.gz\"))", NULL},
    {"mnist", data_mnist, "data.mnist(folder)",
     "MNIST from a folder with its four IDX files, plain or gzip, in the book's split: .train "
     "50,000, .valid 10,000, .test 10,000.",
     "print(pcall(data.mnist, \"mnist\"))", NULL},
    {.name = NULL},
};

void nbl_open_data(lua_State *L)
{
    lua_newtable(L);
    nbl_register(L, "data", entries);
    nbl_open_csv(L);
    nbl_open_sets(L);
}
