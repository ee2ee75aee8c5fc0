/* The only file that knows the BLAS: its header, its ints, and that it must not start threads. */
#include "kernel/blas.h"

#include <cblas.h>
#include <pthread.h>

/* OpenBLAS has it; with another CBLAS it is absent, and that one's own setting holds. */
extern void openblas_set_num_threads(int threads) __attribute__((weak));

static pthread_once_t prepared = PTHREAD_ONCE_INIT;

static void prepare(void)
{
    if (openblas_set_num_threads) openblas_set_num_threads(1);
}

void nb_blas_prepare(void)
{
    pthread_once(&prepared, prepare);
}

/* The BLAS wants a row stride of at least a row, also of a matrix of one row, where ours says
 * nothing. */
static int row_stride(size_t rows, size_t columns, size_t ld)
{
    return (int)(rows == 1 ? columns : ld);
}

static int operand_stride(nb_matrix x, size_t rows, size_t columns)
{
    return x.transposed ? row_stride(columns, rows, x.ld) : row_stride(rows, columns, x.ld);
}

void nb_blas_product(nb_dtype dtype, size_t m, size_t n, size_t k, double alpha, nb_matrix a,
                     nb_matrix b, double beta, void *c, size_t ldc)
{
    CBLAS_TRANSPOSE ta = a.transposed ? CblasTrans : CblasNoTrans;
    CBLAS_TRANSPOSE tb = b.transposed ? CblasTrans : CblasNoTrans;
    int lda = operand_stride(a, m, k), ldb = operand_stride(b, k, n), ld = row_stride(m, n, ldc);
    nb_blas_prepare();
    if (dtype == NB_F32) {
        cblas_sgemm(CblasRowMajor, ta, tb, (int)m, (int)n, (int)k, (float)alpha, a.data, lda,
                    b.data, ldb, (float)beta, c, ld);
    } else {
        cblas_dgemm(CblasRowMajor, ta, tb, (int)m, (int)n, (int)k, alpha, a.data, lda, b.data, ldb,
                    beta, c, ld);
    }
}

void nb_blas_triangle(nb_dtype dtype, nb_triangle t, size_t columns, void *x)
{
    CBLAS_UPLO side = t.upper ? CblasUpper : CblasLower;
    CBLAS_TRANSPOSE turned = t.transposed ? CblasTrans : CblasNoTrans;
    CBLAS_DIAG diagonal = t.unit ? CblasUnit : CblasNonUnit;
    int n = (int)t.n, m = (int)columns;
    nb_blas_prepare();
    if (dtype == NB_F32) {
        cblas_strsm(CblasRowMajor, CblasLeft, side, turned, diagonal, n, m, 1.0F, t.data, n, x, m);
    } else {
        cblas_dtrsm(CblasRowMajor, CblasLeft, side, turned, diagonal, n, m, 1.0, t.data, n, x, m);
    }
}
