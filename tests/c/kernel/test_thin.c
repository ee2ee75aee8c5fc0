/* Rows given as their non-zeros against the plain loops over all numbers that kernel/thin.h names,
 * bit for bit, on every instruction set: all widths up to 40 and one with several strips, rows that
 * are empty, whole or anyhow filled, rows of z and w with room behind them; and so many rows that
 * those of w are copied. */
#include "numbers.h"

#include "kernel/thin.h"

enum { ROWS = 7, COLUMNS = 29, WIDEST = 150, ROOM = 3, MANY_ROWS = 300, MANY_COLUMNS = 210 };

typedef struct problem {
    nb_dtype dtype;
    size_t rows, columns, m, ld, ldw;
    bool fused;
    nb_thin x;
    void *dense, *w, *z, *delta;
} problem;

static void *numbers(nb_dtype dtype, size_t count)
{
    void *x = malloc(count * MOST_BYTES);
    for (size_t i = 0; i < count; i++) put(dtype, x, i, random_unit());
    return x;
}

/* Row i: 0 holds nothing, 1 all, the others what `fill` of 16 draws give. */
static void fill_rows(problem *p, unsigned fill)
{
    int32_t at = 0;
    for (size_t i = 0; i < p->rows; i++) {
        p->x.start[i] = at;
        for (size_t j = 0; j < p->columns; j++) {
            bool holds = fill && i != 0 && (i == 1 || random_bits() >> 60 < fill);
            double value = holds ? random_unit() : 0;
            put(p->dtype, p->dense, i * p->columns + j, value);
            if (!holds) continue;
            p->x.index[at] = (int32_t)j;
            put(p->dtype, p->x.value, (size_t)at++, value);
        }
    }
    p->x.start[p->rows] = at;
    p->x.count = at;
}

static problem make(nb_dtype dtype, size_t rows, size_t columns, size_t m, size_t ldw,
                    unsigned fill)
{
    problem p = {
        .dtype = dtype, .rows = rows, .columns = columns, .m = m, .ld = m + ROOM, .ldw = ldw};
    p.x = (nb_thin){.dtype = dtype, .columns = (int64_t)columns, .rows = (int64_t)rows};
    p.x.start = malloc((rows + 1) * sizeof *p.x.start);
    p.x.index = malloc(rows * columns * sizeof *p.x.index);
    p.x.value = malloc(rows * columns * MOST_BYTES);
    p.dense = malloc(rows * columns * MOST_BYTES);
    p.w = numbers(dtype, columns * p.ldw);
    p.z = numbers(dtype, rows * p.ld);
    p.delta = numbers(dtype, rows * p.ld);
    fill_rows(&p, fill);
    return p;
}

static void drop(problem *p)
{
    free(p->x.start);
    free(p->x.index);
    free(p->x.value);
    free(p->dense);
    free(p->w);
    free(p->z);
    free(p->delta);
}

/* a b + c as the instruction set has it. */
static double term(const problem *p, double a, double b, double c)
{
    if (p->dtype == NB_F32)
        return p->fused ? (double)fmaf((float)a, (float)b, (float)c)
                        : (double)((float)((float)a * (float)b) + (float)c);
    return p->fused ? fma(a, b, c) : a * b + c;
}

static void plain_forward(const problem *p, void *z)
{
    for (size_t i = 0; i < p->rows; i++)
        for (size_t o = 0; o < p->m; o++)
            for (size_t j = 0; j < p->columns; j++)
                put(p->dtype, z, i * p->ld + o,
                    term(p, get(p->dtype, p->dense, i * p->columns + j),
                         get(p->dtype, p->w, j * p->ldw + o), get(p->dtype, z, i * p->ld + o)));
}

static void plain_back(const problem *p, double alpha, void *w)
{
    double d[1];
    for (size_t i = 0; i < p->rows; i++)
        for (size_t o = 0; o < p->m; o++) {
            put(p->dtype, d, 0, alpha * get(p->dtype, p->delta, i * p->ld + o));
            for (size_t j = 0; j < p->columns; j++)
                put(p->dtype, w, j * p->ldw + o,
                    term(p, get(p->dtype, p->dense, i * p->columns + j), get(p->dtype, d, 0),
                         get(p->dtype, w, j * p->ldw + o)));
        }
}

static void *copy_of(const void *x, size_t bytes)
{
    return memcpy(malloc(bytes), x, bytes);
}

static void check_one(const nb_thin_kernels *thin, nb_dtype dtype, size_t m, unsigned fill,
                      bool padded)
{
    size_t whole = (m + thin->width - 1) / thin->width * thin->width;
    problem p = make(dtype, ROWS, COLUMNS, m, padded ? whole : m + ROOM, fill);
    const double alpha = -0.375;
    size_t z_bytes = ROWS * p.ld * width(dtype), w_bytes = COLUMNS * p.ldw * width(dtype);
    void *z = copy_of(p.z, z_bytes), *w = copy_of(p.w, w_bytes);
    p.fused = thin->fused;
    if (fill < 16) assert_false(thin->repeats(&p.x, m));
    plain_forward(&p, z);
    plain_back(&p, alpha, w);
    thin->forward(&p.x, m, p.w, p.ldw, padded, true, p.z, p.ld);
    assert_memory_equal(p.z, z, z_bytes);
    thin->back(&p.x, m, alpha, p.delta, p.ld, p.w, p.ldw, padded);
    assert_memory_equal(p.w, w, w_bytes);
    /* Without what was in z, and of rows of w that overlap. */
    if (m > 1 && !padded) p.ldw = 1;
    for (size_t i = 0; i < ROWS; i++)
        memset((char *)z + i * p.ld * width(dtype), 0, m * width(dtype));
    plain_forward(&p, z);
    thin->forward(&p.x, m, p.w, p.ldw, padded, false, p.z, p.ld);
    assert_memory_equal(p.z, z, z_bytes);
    free(z);
    free(w);
    drop(&p);
}

static void check(const nb_kernels *table, nb_dtype dtype, size_t m, unsigned fill)
{
    check_one(table->thin[dtype], dtype, m, fill, false);
    check_one(table->thin[dtype], dtype, m, fill, true);
}

static void test_bits(void **state)
{
    static const unsigned fills[] = {0, 1, 3, 8, 16};
    size_t tables;
    const nb_kernels *const *table = nb_kernels_all(&tables);
    (void)state;
    for (size_t t = 0; t < tables; t++)
        for (int dtype = NB_F32; dtype <= NB_F64; dtype++)
            for (size_t f = 0; f < sizeof fills / sizeof *fills; f++) {
                for (size_t m = 1; m <= 40; m++) check(table[t], (nb_dtype)dtype, m, fills[f]);
                check(table[t], (nb_dtype)dtype, 64, fills[f]);
                check(table[t], (nb_dtype)dtype, 65, fills[f]);
                check(table[t], (nb_dtype)dtype, 80, fills[f]);
                check(table[t], (nb_dtype)dtype, WIDEST, fills[f]);
            }
}

/* ---- Many rows ------------------------------------------------------------------------------- */

/* The transpose of x, of whose rows the first `from` are left out. */
static nb_thin transpose(const nb_thin_kernels *thin, const nb_thin *x, size_t from)
{
    size_t count = (size_t)x->start[x->rows] + 1;
    nb_thin part = *x, turned = {.dtype = x->dtype};
    part.start += from;
    part.rows -= (int64_t)from;
    turned.rows = part.columns;
    turned.columns = part.rows;
    turned.start = malloc(((size_t)x->columns + 2) * sizeof *turned.start);
    turned.index = malloc(count * sizeof *turned.index);
    turned.value = malloc(count * MOST_BYTES);
    thin->turn(&part, &turned);
    return turned;
}

static void drop_lists(nb_thin *lists)
{
    free(lists->start);
    free(lists->index);
    free(lists->value);
}

/* All examples, and those behind the first few. */
static void check_back_turned(problem *p, const nb_thin_kernels *thin, bool padded)
{
    const double alpha = -0.375;
    size_t bytes = p->columns * p->ldw * width(p->dtype);
    for (size_t from = 0; from < 9; from += 8) {
        void *w = copy_of(p->w, bytes);
        problem rest = *p;
        rest.rows -= from;
        rest.dense = (char *)p->dense + from * p->columns * width(p->dtype);
        rest.delta = (char *)p->delta + from * p->ld * width(p->dtype);
        nb_thin turned = transpose(thin, &p->x, from);
        plain_back(&rest, alpha, w);
        thin->back_turned(&turned, p->m, alpha, rest.delta, p->ld, p->w, p->ldw, padded);
        /* What stands behind whole rows has no meaning. */
        for (size_t j = 0; j < p->columns; j++) {
            size_t at = j * p->ldw * width(p->dtype);
            assert_memory_equal((char *)p->w + at, (char *)w + at, p->m * width(p->dtype));
        }
        if (!padded) assert_memory_equal(p->w, w, bytes);
        drop_lists(&turned);
        free(w);
    }
}

static void check_many(const nb_thin_kernels *thin, nb_dtype dtype, size_t m, unsigned fill,
                       bool padded)
{
    size_t whole = (m + thin->width - 1) / thin->width * thin->width;
    problem p = make(dtype, MANY_ROWS, MANY_COLUMNS, m, padded ? whole : m + ROOM, fill);
    size_t bytes = p.rows * p.ld * width(dtype);
    p.fused = thin->fused;
    assert_true(thin->repeats(&p.x, m) == (m > 3));
    for (int adds = 0; adds < 2; adds++) {
        void *z = copy_of(p.z, bytes);
        for (size_t i = 0; i < p.rows && !adds; i++)
            memset((char *)z + i * p.ld * width(dtype), 0, m * width(dtype));
        plain_forward(&p, z);
        thin->forward(&p.x, m, p.w, p.ldw, padded, adds, p.z, p.ld);
        assert_memory_equal(p.z, z, bytes);
        free(z);
    }
    check_back_turned(&p, thin, padded);
    drop(&p);
}

static void test_many(void **state)
{
    static const size_t widths[] = {1, 3, 31, 32, 48, 65, 83};
    static const unsigned fills[] = {1, 4};
    size_t tables;
    const nb_kernels *const *table = nb_kernels_all(&tables);
    (void)state;
    for (size_t t = 0; t < tables; t++)
        for (int dtype = NB_F32; dtype <= NB_F64; dtype++)
            for (size_t f = 0; f < sizeof fills / sizeof *fills; f++)
                for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
                    const nb_thin_kernels *thin = table[t]->thin[dtype];
                    check_many(thin, (nb_dtype)dtype, widths[i], fills[f], false);
                    check_many(thin, (nb_dtype)dtype, widths[i], fills[f], true);
                }
}

/* No rows at all: nothing is read or written. */
static void test_nothing(void **state)
{
    size_t tables;
    const nb_kernels *const *table = nb_kernels_all(&tables);
    const int32_t start[1] = {0};
    nb_thin none = {.columns = COLUMNS, .start = (int32_t *)(uintptr_t)start};
    (void)state;
    for (size_t t = 0; t < tables; t++)
        for (size_t m = 1; m < WIDEST; m++) {
            table[t]->thin[NB_F32]->forward(&none, m, NULL, m, false, true, NULL, m);
            table[t]->thin[NB_F32]->back(&none, m, 1, NULL, m, NULL, m, false);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
