/* Rows given as their non-zeros against the plain loops over all numbers that kernel/thin.h names,
 * bit for bit, on every instruction set: all widths up to 40 and one with several strips, rows that
 * are empty, whole or anyhow filled, rows of z and w with room behind them. */
#include "numbers.h"

#include "kernel/thin.h"

enum { ROWS = 7, COLUMNS = 29, WIDEST = 150, ROOM = 3 };

typedef struct problem {
    nb_dtype dtype;
    size_t m, ld, ldw;
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
    for (size_t i = 0; i < ROWS; i++) {
        p->x.start[i] = at;
        for (size_t j = 0; j < COLUMNS; j++) {
            bool holds = fill && i != 0 && (i == 1 || random_bits() >> 60 < fill);
            double value = holds ? random_unit() : 0;
            put(p->dtype, p->dense, i * COLUMNS + j, value);
            if (!holds) continue;
            p->x.index[at] = (int32_t)j;
            put(p->dtype, p->x.value, (size_t)at++, value);
        }
    }
    p->x.start[ROWS] = at;
    p->x.count = at;
}

static problem make(nb_dtype dtype, size_t m, size_t ldw, unsigned fill)
{
    problem p = {.dtype = dtype, .m = m, .ld = m + ROOM, .ldw = ldw};
    p.x = (nb_thin){.dtype = dtype, .columns = COLUMNS, .rows = ROWS};
    p.x.start = malloc((ROWS + 1) * sizeof *p.x.start);
    p.x.index = malloc(ROWS * COLUMNS * sizeof *p.x.index);
    p.x.value = malloc(ROWS * COLUMNS * MOST_BYTES);
    p.dense = malloc(ROWS * COLUMNS * MOST_BYTES);
    p.w = numbers(dtype, COLUMNS * p.ldw);
    p.z = numbers(dtype, ROWS * p.ld);
    p.delta = numbers(dtype, ROWS * p.ld);
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
    for (size_t i = 0; i < ROWS; i++)
        for (size_t o = 0; o < p->m; o++)
            for (size_t j = 0; j < COLUMNS; j++)
                put(p->dtype, z, i * p->ld + o,
                    term(p, get(p->dtype, p->dense, i * COLUMNS + j),
                         get(p->dtype, p->w, j * p->ldw + o), get(p->dtype, z, i * p->ld + o)));
}

static void plain_back(const problem *p, double alpha, void *w)
{
    double d[1];
    for (size_t i = 0; i < ROWS; i++)
        for (size_t o = 0; o < p->m; o++) {
            put(p->dtype, d, 0, alpha * get(p->dtype, p->delta, i * p->ld + o));
            for (size_t j = 0; j < COLUMNS; j++)
                put(p->dtype, w, j * p->ldw + o,
                    term(p, get(p->dtype, p->dense, i * COLUMNS + j), get(p->dtype, d, 0),
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
    problem p = make(dtype, m, padded ? whole : m + ROOM, fill);
    const double alpha = -0.375;
    size_t z_bytes = ROWS * p.ld * width(dtype), w_bytes = COLUMNS * p.ldw * width(dtype);
    void *z = copy_of(p.z, z_bytes), *w = copy_of(p.w, w_bytes);
    p.fused = thin->fused;
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
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
