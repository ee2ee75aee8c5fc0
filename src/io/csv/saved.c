/* See saved.h. All numbers of the head are little-endian, those of x and y the machine's, which the
 * magic tells. */
#include "io/csv/saved.h"

#include "base/memory.h"
#include "io/bytes.h"
#include "io/csv/labels.h"
#include "io/source.h"
#include "tensor/shape.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { ALIGN = 64, TEXTS = 4, FIELDS = 12, NUMBER = 8, HEAD = FIELDS * NUMBER };

/* "nabla 1" with the machine's order in its last byte. */
static uint64_t magic(void)
{
    return UINT64_C(0x003120616c62616e) | (uint64_t)(nb_host_is_little() ? 'l' : 'b') << 56;
}

/* The head's fields, each of NUMBER bytes. */
typedef enum field {
    MAGIC,
    CHECK, /* CRC-32 of the head with 0 in this place, and of all up to x */
    ROWS,
    WIDTH,
    DTYPE,
    Y_DTYPE, /* NB_DTYPES: there is no y */
    Y_WIDTH, /* 0: one number, y is of one dimension */
    TEXT_BYTES,
    COUNTS /* of the texts: key, columns, targets, classes */
} field;
_Static_assert(COUNTS + TEXTS == FIELDS, "every field has its place");

static size_t padded(size_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

/* ---- Writing ---- */

static void add_names(nb_text *text, const nb_names *names)
{
    for (int64_t i = 0; names && i < names->count; i++)
        nb_text_add_bytes(text, names->name[i], strlen(names->name[i]) + 1);
}

static void add_texts(nb_text *text, const char *key, const nb_table *table)
{
    nb_text_add_bytes(text, key, strlen(key) + 1);
    add_names(text, table->columns);
    add_names(text, table->targets);
    add_names(text, table->classes);
}

static uint64_t count_of(const nb_names *names)
{
    return names ? (uint64_t)names->count : 0;
}

static size_t y_bytes(const nb_table *table)
{
    return table->y ? (size_t)nb_tensor_count(table->y) * nb_dtype_size(table->y->dtype) : 0;
}

static void fill_head(uint8_t head[HEAD], const nb_table *table, int64_t rows, size_t width,
                      nb_dtype dtype, size_t text_bytes)
{
    const nb_tensor *y = table->y;
    const uint64_t value[FIELDS] = {
        magic(),
        0,
        (uint64_t)rows,
        width,
        dtype,
        y ? y->dtype : NB_DTYPES,
        y && y->dims > 1 ? (uint64_t)y->shape[1] : 0,
        text_bytes,
        1,
        count_of(table->columns),
        count_of(table->targets),
        count_of(table->classes),
    };
    for (int i = 0; i < FIELDS; i++) nb_write_little(head + i * NUMBER, NUMBER, value[i]);
}

/* Texts, y, and zeros up to where x begins: one block. */
static nb_status lay_out(nb_ctx *ctx, nb_text *text, const char *key, const nb_table *table)
{
    static const char zeros[ALIGN];
    add_texts(text, key, table);
    size_t before = HEAD + text->length;
    nb_text_add_bytes(text, zeros, padded(before) - before);
    nb_tensor *y = table->y ? nb_tensor_contiguous(ctx, table->y) : NULL;
    if (table->y && !y) return ctx->status;
    if (y) nb_text_add_bytes(text, nb_tensor_data(y), y_bytes(table));
    nb_tensor_release(ctx, y);
    before = HEAD + text->length;
    nb_text_add_bytes(text, zeros, padded(before) - before);
    return text->failed ? NB_EMEMORY : NB_OK;
}

static uint32_t check_of(uint8_t head[HEAD], const void *rest, size_t bytes)
{
    nb_write_little(head + CHECK * NUMBER, NUMBER, 0);
    return (uint32_t)crc32_z(crc32_z(0, head, HEAD), rest, bytes);
}

nb_status nb_csv_save_head(nb_ctx *ctx, nb_sink *sink, const char *key, const nb_table *table,
                           int64_t rows, size_t width, nb_dtype dtype)
{
    uint8_t head[HEAD];
    nb_text rest, texts;
    nb_text_init(&rest, ctx);
    nb_text_init(&texts, ctx);
    add_texts(&texts, key, table);
    nb_status status = lay_out(ctx, &rest, key, table);
    if (status == NB_OK && !texts.failed) {
        fill_head(head, table, rows, width, dtype, texts.length);
        nb_write_little(head + CHECK * NUMBER, NUMBER,
                        check_of(head, nb_text_get(&rest), rest.length));
        nb_sink_write(sink, head, HEAD);
        nb_sink_write(sink, nb_text_get(&rest), rest.length);
    }
    if (texts.failed) status = NB_EMEMORY;
    nb_text_free(&texts);
    nb_text_free(&rest);
    return status;
}

uint64_t nb_csv_saved_size(const char *key, const nb_table *table, int64_t rows, size_t width,
                           nb_dtype dtype)
{
    uint64_t x = (uint64_t)rows * width * nb_dtype_size(dtype);
    return HEAD + strlen(key) + y_bytes(table) + 3 * ALIGN + x;
}

/* ---- Reading ---- */

/* A head that was read, and how the file is cut by it. */
typedef struct saved {
    uint64_t value[FIELDS];
    size_t y_at, y_bytes, x_at; /* in bytes behind the head; behind the begin */
    nb_elements x, y;
} saved;

static bool read_elements(nb_elements *of, uint64_t dtype, uint64_t rows, uint64_t width)
{
    if (dtype >= NB_DTYPES || rows == 0 || rows > INT64_MAX || width > INT64_MAX) return false;
    *of = (nb_elements){.dtype = (nb_dtype)dtype, .plain = true, .dims = width ? 2 : 1};
    of->shape[0] = (int64_t)rows;
    of->shape[1] = (int64_t)width;
    return nb_shape_count(of->dims, of->shape) > 0;
}

static uint64_t bytes_of(const nb_elements *of)
{
    return (uint64_t)nb_shape_count(of->dims, of->shape) * nb_dtype_size(of->dtype);
}

/* Whether sizes and counts are such as fit each other and a file of `size` bytes. */
static bool cut(saved *s, uint64_t size)
{
    const uint64_t *v = s->value;
    uint64_t columns = v[COUNTS + 1], targets = v[COUNTS + 2], classes = v[COUNTS + 3];
    bool has_y = v[Y_DTYPE] != NB_DTYPES;
    if (v[MAGIC] != magic() || v[WIDTH] == 0 || v[TEXT_BYTES] > size || v[COUNTS] != 1)
        return false;
    if (!read_elements(&s->x, v[DTYPE], v[ROWS], v[WIDTH])) return false;
    if (has_y && !read_elements(&s->y, v[Y_DTYPE], v[ROWS], v[Y_WIDTH])) return false;
    if (has_y && bytes_of(&s->y) > size) return false;
    if ((columns && columns != v[WIDTH]) || classes > NB_CSV_LABELS_MAX) return false;
    if (targets && targets != (v[Y_WIDTH] ? v[Y_WIDTH] : 1)) return false;
    if (classes && !(has_y && v[Y_DTYPE] == NB_I32 && v[Y_WIDTH] == 0)) return false;
    s->y_bytes = has_y ? (size_t)bytes_of(&s->y) : 0;
    s->y_at = padded(HEAD + (size_t)v[TEXT_BYTES]) - HEAD;
    s->x_at = padded(HEAD + s->y_at + s->y_bytes);
    return s->x_at <= size && bytes_of(&s->x) == size - s->x_at;
}

/* The next `count` of the texts; NULL where they are not there, or memory ended. */
static nb_names *take_names(nb_ctx *ctx, const char **at, const char *end, uint64_t count)
{
    nb_text packed;
    const char *begin = *at;
    nb_text_init(&packed, ctx);
    for (uint64_t i = 0; i < count; i++) {
        const char *stop = memchr(*at, 0, (size_t)(end - *at));
        if (!stop) return nb_fail_null(ctx, NB_EFORMAT, "texts are cut short");
        *at = stop + 1;
    }
    nb_text_add_bytes(&packed, begin, (size_t)(*at - begin));
    nb_names *names = nb_names_new(ctx, &packed, (int64_t)count);
    nb_text_free(&packed);
    return names;
}

static nb_status take_texts(nb_ctx *ctx, const saved *s, const char *rest, const char *key,
                            nb_table *table)
{
    const char *at = rest, *end = rest + s->value[TEXT_BYTES];
    nb_names **into[] = {NULL, &table->columns, &table->targets, &table->classes};
    nb_names *first = take_names(ctx, &at, end, 1);
    bool ours = first && strcmp(first->name[0], key) == 0;
    nb_names_release(ctx, first);
    if (!first) return ctx->status;
    if (!ours) return nb_fail(ctx, NB_EFORMAT, "it was made of something else");
    for (int i = 1; i < TEXTS; i++)
        if (s->value[COUNTS + i] && !(*into[i] = take_names(ctx, &at, end, s->value[COUNTS + i])))
            return ctx->status;
    return at == end ? NB_OK : nb_fail(ctx, NB_EFORMAT, "texts are left over");
}

static nb_status take_y(nb_ctx *ctx, const saved *s, const char *rest, nb_table *table)
{
    if (s->y_bytes == 0) return NB_OK;
    table->y = nb_tensor_new(ctx, s->y.dtype, s->y.dims, s->y.shape);
    if (!table->y) return ctx->status;
    memcpy(nb_tensor_data(table->y), rest + s->y_at, s->y_bytes);
    const int32_t *class = nb_tensor_data(table->y);
    for (int64_t i = 0; table->classes && i < s->y.shape[0]; i++)
        if (class[i] < 1 || class[i] > table -> classes -> count)
            return nb_fail(ctx, NB_EFORMAT, "a class is none");
    return NB_OK;
}

static nb_status read_rest(nb_ctx *ctx, nb_source *source, uint8_t head[HEAD], const saved *s,
                           const char *key, nb_table *table)
{
    size_t bytes = s->x_at - HEAD;
    char *rest = nb_alloc(ctx, bytes);
    nb_status status = rest ? nb_source_read(source, rest, bytes, "its head") : NB_EMEMORY;
    if (status == NB_OK && s->value[CHECK] != check_of(head, rest, bytes))
        status = nb_fail(ctx, NB_EFORMAT, "its checksum is wrong");
    if (status == NB_OK) status = take_texts(ctx, s, rest, key, table);
    if (status == NB_OK) status = take_y(ctx, s, rest, table);
    nb_free(ctx, rest, bytes);
    return status;
}

static nb_status read_saved(nb_ctx *ctx, const char *path, const char *key, saved *s,
                            nb_table *table)
{
    uint8_t head[HEAD];
    nb_source *source = nb_source_open(ctx, path);
    if (!source) return ctx->status;
    nb_status status = nb_source_read(source, head, HEAD, "its head");
    for (int i = 0; i < FIELDS && status == NB_OK; i++)
        s->value[i] = nb_read_little(head + i * NUMBER, NUMBER);
    if (status == NB_OK && !cut(s, nb_source_raw_size(source)))
        status = nb_fail(ctx, NB_EFORMAT, "its head is none");
    if (status == NB_OK) status = read_rest(ctx, source, head, s, key, table);
    nb_source_close(source);
    return status;
}

nb_status nb_csv_open_saved(nb_ctx *ctx, const char *path, const char *key, nb_table *table,
                            nb_row_file **x)
{
    struct stat about;
    saved s = {.y_bytes = 0};
    *x = NULL;
    if (lstat(path, &about) != 0 || !S_ISREG(about.st_mode) || about.st_uid != geteuid())
        return NB_OK;
    nb_status status = read_saved(ctx, path, key, &s, table);
    if (status == NB_OK) {
        *x = nb_row_file_open_at(ctx, path, &about, s.x_at, &s.x);
        if (*x) (*x)->kept = true;
        if (*x) return NB_OK;
        status = ctx->status;
    }
    nb_table_free(ctx, table);
    return status == NB_EMEMORY || status == NB_EINTERRUPT ? status : NB_OK;
}
