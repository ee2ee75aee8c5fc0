/* Copies of matrices whose elements lie anyhow, against plain loops. */
#include "numbers.h"

#include <stdio.h>

enum { MOST = 40, GAP = 3, ROOM = MOST * (MOST + GAP) * GAP * MOST_BYTES };

/* How a matrix of rows x columns lies: strides in elements. */
typedef struct layout {
    const char *name;
    ptrdiff_t row, column;
} layout;

/* Row-major, column-major, both with gaps, one element for each row or column. Reads may repeat. */
static size_t layouts(size_t rows, size_t columns, bool written, layout *out)
{
    ptrdiff_t m = (ptrdiff_t)rows, n = (ptrdiff_t)columns;
    layout all[] = {{"along", n, 1},          {"along, gaps", n + GAP, 1},
                    {"across", 1, m},         {"across, gaps", 1, m + GAP},
                    {"spread", GAP * n, GAP}, {"spread across", GAP, GAP * m},
                    {"rows repeated", 0, 1},  {"columns repeated", 1, 0},
                    {"all one", 0, 0}};
    size_t count = sizeof all / sizeof *all - (written ? 3 : 0);
    memcpy(out, all, count * sizeof *all);
    return count;
}

static void copy_plainly(size_t size, size_t rows, size_t columns, const unsigned char *x,
                         layout from, unsigned char *y, layout to)
{
    for (ptrdiff_t i = 0; i < (ptrdiff_t)rows; i++)
        for (ptrdiff_t j = 0; j < (ptrdiff_t)columns; j++)
            memcpy(y + (i * to.row + j * to.column) * (ptrdiff_t)size,
                   x + (i * from.row + j * from.column) * (ptrdiff_t)size, size);
}

/* Every byte is compared, also those that must not be written. */
static void check_size(const nb_kernels *kernels, size_t size, size_t rows, size_t columns)
{
    static unsigned char x[ROOM], y[ROOM], plain[ROOM];
    layout from[9], to[9];
    size_t sources = layouts(rows, columns, false, from),
           targets = layouts(rows, columns, true, to);
    for (size_t i = 0; i < ROOM; i++) x[i] = (unsigned char)(i * 167 + i / 251);
    for (size_t f = 0; f < sources; f++)
        for (size_t t = 0; t < targets; t++) {
            memset(y, 0xa5, sizeof y);
            memset(plain, 0xa5, sizeof plain);
            kernels->copy_matrix(size, rows, columns, x, from[f].row, from[f].column, y, to[t].row,
                                 to[t].column);
            copy_plainly(size, rows, columns, x, from[f], plain, to[t]);
            if (memcmp(y, plain, sizeof y) != 0)
                fail_msg("%s: %zux%zu of %zu bytes, %s to %s", kernels->isa, rows, columns, size,
                         from[f].name, to[t].name);
        }
}

/* Catches squares turned wrongly, ends left out, and writing beyond them. */
static void matrices_are_copied(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 15, 16, 17, 33, MOST}, widths[] = {1, 4, 8};
    size_t count, edges = sizeof sizes / sizeof *sizes;
    const nb_kernels *const *tables = nb_kernels_all(&count);
    for (size_t k = 0; k < count; k++)
        for (size_t w = 0; w < 3; w++)
            for (size_t i = 0; i < edges * edges; i++)
                check_size(tables[k], widths[w], sizes[i / edges], sizes[i % edges]);
}

/* Lines a page apart, which go by another order of squares, to whole rows and to some of wider
 * ones, this way and that. */
static void check_pages(const nb_kernels *kernels, size_t size, size_t along, size_t lines)
{
    enum { PAGE = 4096 };
    static unsigned char x[MOST * PAGE + MOST * MOST_BYTES], y[ROOM], plain[ROOM];
    const layout from = {"a page apart", 1, PAGE / (ptrdiff_t)size};
    const layout to = {"along, gaps", (ptrdiff_t)lines + GAP, 1};
    const layout back = {"", from.column, from.row}, across = {"", to.column, to.row};
    for (size_t i = 0; i < sizeof x; i++) x[i] = (unsigned char)(i * 167 + i / 251);
    for (int turned = 0; turned < 2; turned++) {
        memset(y, 0xa5, sizeof y);
        memset(plain, 0xa5, sizeof plain);
        if (turned)
            kernels->copy_matrix(size, lines, along, x, back.row, back.column, y, across.row,
                                 across.column);
        else
            kernels->copy_matrix(size, along, lines, x, from.row, from.column, y, to.row,
                                 to.column);
        copy_plainly(size, along, lines, x, from, plain, to);
        if (memcmp(y, plain, sizeof y) != 0)
            fail_msg("%s: %zux%zu of %zu bytes, a page apart", kernels->isa, along, lines, size);
    }
}

static void pages_are_copied(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 5, 16, 17, 33, MOST}, widths[] = {1, 4, 8};
    size_t count, edges = sizeof sizes / sizeof *sizes;
    const nb_kernels *const *tables = nb_kernels_all(&count);
    for (size_t k = 0; k < count; k++)
        for (size_t w = 0; w < 3; w++)
            for (size_t i = 0; i < edges * edges; i++)
                check_pages(tables[k], widths[w], sizes[i / edges], sizes[i % edges]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(matrices_are_copied),
                                       cmocka_unit_test(pages_are_copied)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
