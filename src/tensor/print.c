/* Lays a tensor out: which elements are shown, one format for them, then slices of rows and
 * columns. Work and bytes are bounded by what is shown, whatever the tensor's size. */
#include "tensor/print.h"

#include "tensor/shape.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INDENT = 2,               /* before every row … */
    GAP = 2,                  /* … and between two columns */
    DECIMALS = 4,             /* at most, of fixed and of scientific numbers */
    SHORTEST_F32 = 9,         /* as many digits tell any two floats apart */
    LAST_BYTES = 512,         /* of NB_PRINT_BYTES, for the last label, row and "…" */
    VALUE_MAX = NB_NUMBER_MAX /* bytes of one number */
};

/* Fixed numbers are below this, and whole ones too: ten digits, every int32_t among them. */
#define FIXED_TOP 1e6
#define WHOLE_TOP 1e10
/* From here up DECIMALS decimals show more than 0. */
#define FIXED_BOTTOM 5e-5

typedef enum kind { WHOLE, FIXED, SCIENTIFIC } kind;

typedef struct format {
    kind kind;
    int decimals;
    int width;
} format;

/* The tensor as slices of rows and columns. Dimensions before the last two number the slices. */
typedef struct page {
    const nb_ctx *ctx;
    const nb_tensor *tensor;
    bool all;
    bool cut;                   /* long dimensions show their two ends only */
    int window;                 /* its columns; longer rows are cut into blocks */
    int64_t shown[NB_MAX_DIMS]; /* entries shown of each dimension; even where only the ends are */
    int64_t slices, rows, columns; /* shown */
    int64_t slices_all;            /* that would be shown if there were room for all */
    format format;
} page;

/* ---- What is shown -------------------------------------------------------------------------- */

static int64_t shown_of(const page *p, int64_t size)
{
    return p->cut && size > 2 * NB_PRINT_EDGE ? 2 * NB_PRINT_EDGE : size;
}

/* The index in its dimension of the k-th entry shown. */
static int64_t index_of(const page *p, int dim, int64_t k)
{
    int64_t size = p->tensor->shape[dim];
    return p->shown[dim] < size && k >= p->shown[dim] / 2 ? size - p->shown[dim] + k : k;
}

/* True where entries were left out before the k-th one shown. */
static bool gap_before(const page *p, int dim, int64_t k)
{
    return p->shown[dim] < p->tensor->shape[dim] && k == p->shown[dim] / 2;
}

/* More slices than there are bytes for are not even looked at. */
static int64_t limit_slices(const page *p)
{
    int64_t most = NB_PRINT_WHOLE / (p->rows * p->columns);
    return p->all || p->slices_all <= most ? p->slices_all : most;
}

static page make_page(const nb_ctx *ctx, const nb_tensor *tensor, bool all)
{
    page p = {.ctx = ctx, .tensor = tensor, .all = all, .window = ctx->columns};
    int dims = tensor->dims;
    p.slices_all = 1;
    p.cut = !all && nb_tensor_count(tensor) > NB_PRINT_WHOLE;
    for (int i = 0; i < dims; i++) p.shown[i] = shown_of(&p, tensor->shape[i]);
    for (int i = 0; i < dims - 2; i++) p.slices_all *= p.shown[i];
    p.rows = dims > 1 ? p.shown[dims - 2] : 1;
    p.columns = p.shown[dims - 1];
    p.slices = limit_slices(&p);
    return p;
}

/* The leading indices of a slice: the odometer's reading at `slice`. */
static void locate_slice(const page *p, int64_t slice, int64_t *index)
{
    for (int dim = p->tensor->dims - 3; dim >= 0; dim--) {
        index[dim] = index_of(p, dim, slice % p->shown[dim]);
        slice /= p->shown[dim];
    }
}

/* An element of the slice whose leading indices are set. */
static double value_at(const page *p, int64_t *index, int64_t row, int64_t column)
{
    int dims = p->tensor->dims;
    if (dims > 1) index[dims - 2] = index_of(p, dims - 2, row);
    index[dims - 1] = index_of(p, dims - 1, column);
    return nb_tensor_get(p->tensor, index);
}

/* ---- The format ----------------------------------------------------------------------------- */

typedef void visit_fn(void *arg, double value);

/* Ctrl-C ends it; what is written then says so. */
static void visit_shown(const page *p, visit_fn *visit, void *arg)
{
    int64_t index[NB_MAX_DIMS];
    for (int64_t slice = 0; slice < p->slices; slice++) {
        locate_slice(p, slice, index);
        for (int64_t row = 0; row < p->rows; row++) {
            for (int64_t column = 0; column < p->columns; column++) {
                if (nb_interrupted(p->ctx)) return;
                visit(arg, value_at(p, index, row, column));
            }
        }
    }
}

/* As printf writes it, in the locale's way. */
static void print_number(const format *f, double value, char out[VALUE_MAX])
{
    if (f->kind != SCIENTIFIC)
        snprintf(out, VALUE_MAX, "%.*f", f->decimals, value);
    else if (value == 0)
        strcpy(out, signbit(value) ? "-0" : "0");
    else
        snprintf(out, VALUE_MAX, "%.*e", f->decimals, value);
}

/* Makes the locale's decimal sign a point. */
static void mend_point(char *number)
{
    char *sign = number + strspn(number, "+-0123456789");
    if (*sign == '\0' || *sign == 'e') return;
    char *rest = sign + strcspn(sign, "0123456789");
    *sign = '.';
    memmove(sign + 1, rest, strlen(rest) + 1);
}

static const char *number_text(const format *f, double value, char out[VALUE_MAX])
{
    if (!isfinite(value)) return nb_number_text(value, out);
    print_number(f, value, out);
    mend_point(out);
    return out;
}

/* The magnitudes that are neither 0, NaN nor infinite; low > high where there are none. */
typedef struct range {
    double low, high;
    bool whole; /* all of them are whole numbers */
} range;

static void widen_range(void *arg, double value)
{
    range *seen = arg;
    double size = fabs(value);
    if (size == 0 || !isfinite(size)) return;
    if (size != floor(size)) seen->whole = false;
    if (size < seen->low) seen->low = size;
    if (size > seen->high) seen->high = size;
}

static kind choose_kind(const page *p)
{
    range seen = {.low = INFINITY, .high = 0, .whole = true};
    visit_shown(p, widen_range, &seen);
    if (seen.whole && seen.high < WHOLE_TOP) return WHOLE;
    return seen.high < FIXED_TOP && seen.low > FIXED_BOTTOM ? FIXED : SCIENTIFIC;
}

static bool reads_back(const page *p, const char *number, double value)
{
    double read = strtod(number, NULL);
    return p->tensor->dtype == NB_F32 ? (float)read == (float)value : read == value;
}

/* As many decimals as a number needs to be itself, DECIMALS where that is not enough. */
static void widen_decimals(void *arg, double value)
{
    char number[VALUE_MAX];
    page *p = arg;
    format *f = &p->format;
    for (; isfinite(value) && f->decimals < DECIMALS; f->decimals++) {
        print_number(f, value, number);
        if (reads_back(p, number, value)) return;
    }
}

static void widen_column(void *arg, double value)
{
    char number[VALUE_MAX];
    page *p = arg;
    int width = (int)strlen(number_text(&p->format, value, number));
    if (width > p->format.width) p->format.width = width;
}

static void choose_format(page *p)
{
    p->format = (format){.kind = choose_kind(p)};
    if (p->format.kind != WHOLE) visit_shown(p, widen_decimals, p);
    visit_shown(p, widen_column, p);
}

/* ---- Writing -------------------------------------------------------------------------------- */

/* Columns from … to - 1 (of those shown) of one slice. */
typedef struct block {
    int64_t index[NB_MAX_DIMS]; /* the leading ones are set */
    int64_t from, to;
} block;

/* How many columns fit into `room` columns of the window; at least one. */
static int64_t fitting(const page *p, int room)
{
    int64_t fit = (room - INDENT + GAP) / (p->format.width + GAP);
    return fit > 0 ? fit : 1;
}

static bool ends_only(const page *p)
{
    int last = p->tensor->dims - 1;
    return p->shown[last] < p->tensor->shape[last];
}

/* The columns that "[13]" takes before the rows of a vector. */
static int mark_width(const page *p)
{
    return snprintf(NULL, 0, "[%" PRId64 "]", p->columns) + GAP;
}

static int64_t columns_a_line(const page *p)
{
    int64_t fit = fitting(p, p->window);
    if (ends_only(p) || fit >= p->columns) return p->columns;
    return p->tensor->dims == 1 ? fitting(p, p->window - mark_width(p)) : fit;
}

/* Where a window is too narrow for both ends of a row, the ends become shorter. */
static void shorten_ends(page *p)
{
    if (!ends_only(p)) return;
    int64_t fit = fitting(p, p->window - 1 - GAP); /* beside the "…" */
    if (fit < p->columns) p->columns = fit > 2 ? fit / 2 * 2 : 2;
    p->shown[p->tensor->dims - 1] = p->columns;
}

/* "[2, :, 1..12]"; nothing where there is one slice and one block. */
static void write_label(nb_text *text, const page *p, const block *b)
{
    int dims = p->tensor->dims;
    bool part = b->to - b->from < p->columns;
    if (dims < 2 || (dims == 2 && !part)) return;
    nb_text_add(text, "\n[");
    for (int i = 0; i < dims - 2; i++) nb_text_add(text, "%" PRId64 ", ", b->index[i] + 1);
    if (part)
        nb_text_add(text, ":, %" PRId64 "..%" PRId64 "]", b->from + 1, b->to);
    else
        nb_text_add(text, ":, :]");
}

static void write_row(nb_text *text, const page *p, block *b, int64_t row)
{
    char number[VALUE_MAX];
    int dims = p->tensor->dims;
    nb_text_add(text, "\n%*s", INDENT, "");
    if (dims == 1 && columns_a_line(p) < p->columns) {
        int digits = mark_width(p) - GAP - 2;
        nb_text_add(text, "[%*" PRId64 "]%*s", digits, b->from + 1, GAP, "");
    }
    for (int64_t column = b->from; column < b->to; column++) {
        if (column > b->from) nb_text_add(text, "%*s", GAP, "");
        if (gap_before(p, dims - 1, column)) nb_text_add(text, "…%*s", GAP, "");
        double value = value_at(p, b->index, row, column);
        nb_text_add(text, "%*s", p->format.width, number_text(&p->format, value, number));
    }
}

/* True while another line may follow: there is room and nobody pressed Ctrl-C. */
static bool may_go_on(nb_text *text, const page *p, size_t start)
{
    if (nb_poll(text->ctx) != NB_OK) text->failed = true;
    if (text->failed) return false;
    return p->all || text->length - start <= NB_PRINT_BYTES - LAST_BYTES;
}

static bool write_block(nb_text *text, const page *p, block *b, size_t start)
{
    write_label(text, p, b);
    for (int64_t row = 0; row < p->rows; row++) {
        if (!may_go_on(text, p, start)) return false;
        if (p->tensor->dims > 1 && gap_before(p, p->tensor->dims - 2, row)) {
            nb_text_add(text, "\n%*s…", INDENT + p->format.width - 1, "");
        }
        write_row(text, p, b, row);
    }
    return true;
}

/* True where slices were left out before this one: the dimension that has just moved on says so. */
static bool gap_before_slice(const page *p, int64_t slice)
{
    for (int dim = p->tensor->dims - 3; dim >= 0; dim--) {
        int64_t k = slice % p->shown[dim];
        if (k > 0) return gap_before(p, dim, k);
        slice /= p->shown[dim];
    }
    return false;
}

static bool write_slice(nb_text *text, const page *p, int64_t slice, size_t start)
{
    int64_t a_line = columns_a_line(p);
    if (gap_before_slice(p, slice)) nb_text_add(text, "\n…");
    for (int64_t from = 0; from < p->columns; from += a_line) {
        int64_t to = p->columns - from < a_line ? p->columns : from + a_line;
        block b = {.from = from, .to = to};
        locate_slice(p, slice, b.index);
        if (!write_block(text, p, &b, start)) return false;
    }
    return true;
}

static void write_page(nb_text *text, const page *p, size_t start)
{
    bool whole = true;
    for (int64_t slice = 0; slice < p->slices && whole; slice++) {
        whole = write_slice(text, p, slice, start);
    }
    if (!whole || p->slices < p->slices_all) nb_text_add(text, "\n…");
}

/* The shortest decimal of a number of this dtype: 0.1 as f32 is "0.1", not what it is as f64. */
static void write_number(nb_text *text, nb_dtype dtype, double value)
{
    char number[VALUE_MAX];
    double read = value;
    for (int digits = 1; dtype == NB_F32 && isfinite(value) && digits <= SHORTEST_F32; digits++) {
        snprintf(number, sizeof number, "%.*e", digits - 1, value);
        read = strtod(number, NULL);
        if ((float)read == (float)value) break;
    }
    nb_text_add_number(text, read);
}

void nb_tensor_print(nb_text *text, const nb_tensor *tensor, bool all)
{
    char shape[NB_SHAPE_TEXT];
    size_t start = text->length;
    if (tensor->dims == 0) {
        write_number(text, tensor->dtype, nb_tensor_item(tensor));
        return;
    }
    nb_text_add(text, "%s %s", nb_shape_text(tensor->dims, tensor->shape, shape),
                nb_dtype_name(tensor->dtype));
    if (nb_tensor_count(tensor) == 0) {
        nb_text_add(text, " (empty)");
        return;
    }
    page p = make_page(text->ctx, tensor, all);
    choose_format(&p);
    shorten_ends(&p);
    write_page(text, &p, start);
}
