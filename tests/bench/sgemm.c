/* The matrix products of one training epoch and nothing else, by bare calls of the BLAS: what a
 * network of dense layers could reach if everything around its products were free. Not part of
 * nabla, linked to the CBLAS alone. Talks with bench.lua as the other children do.
 *
 * usage: sgemm BATCH SIZE SIZE...     the sizes of a network's layers, its input's first
 *        sgemm                        says which BLAS this is */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EXAMPLES = 50000, LAYERS_MAX = 8, LINE = 16 };

/* Nothing in the buffers may grow over the rounds, or become so small that it is slow. */
#define STEP  -1e-8f
#define VALUE 0.5f

/* OpenBLAS has them; another CBLAS may not. */
extern char *openblas_get_config(void) __attribute__((weak));
extern char *openblas_get_corename(void) __attribute__((weak));

typedef struct net {
    int batch, layers;
    int size[LAYERS_MAX + 1];
    float *a[LAYERS_MAX + 1];     /* (batch, size), a[0] the input */
    float *delta[LAYERS_MAX + 1]; /* (batch, size), from 1 on */
    float *w[LAYERS_MAX + 1];     /* (size, size of the layer before), from 1 on */
} net;

static void fail(const char *why)
{
    fprintf(stderr, "sgemm: %s\n", why);
    exit(1);
}

static float *new_matrix(int rows, int columns)
{
    size_t count = (size_t)rows * (size_t)columns;
    float *out = aligned_alloc(64, (count * sizeof *out + 63) / 64 * 64);
    if (!out) fail("not enough memory");
    for (size_t i = 0; i < count; i++) out[i] = VALUE;
    return out;
}

/* Forward: Z = A Wᵀ, n examples. */
static void forward(const net *of, int l, int n)
{
    int k = of->size[l - 1], m = of->size[l];
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, m, k, 1, of->a[l - 1], k, of->w[l], k,
                0, of->a[l], m);
}

/* BP2: δ of the layer before. */
static void carry_back(const net *of, int l, int n)
{
    int k = of->size[l - 1], m = of->size[l];
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, k, m, 1, of->delta[l], m, of->w[l], k,
                0, of->delta[l - 1], k);
}

/* BP4, added straight into the weights. */
static void descend(const net *of, int l, int n)
{
    int k = of->size[l - 1], m = of->size[l];
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, m, k, n, STEP, of->delta[l], m,
                of->a[l - 1], k, 1, of->w[l], k);
}

static void run_epoch(const net *of)
{
    for (int first = 0; first < EXAMPLES; first += of->batch) {
        int n = EXAMPLES - first < of->batch ? EXAMPLES - first : of->batch;
        for (int l = 1; l <= of->layers; l++) forward(of, l, n);
        for (int l = of->layers; l > 1; l--) carry_back(of, l, n);
        for (int l = 1; l <= of->layers; l++) descend(of, l, n);
    }
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* One epoch to warm up, then one for every line that says so. */
static void serve(const net *of)
{
    char line[LINE];
    run_epoch(of);
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) && strcmp(line, "epoch\n") == 0) {
        double began = now();
        run_epoch(of);
        printf("%.9f\n", now() - began);
        fflush(stdout);
    }
}

static int read_size(const char *text)
{
    int size = atoi(text);
    if (size < 1) fail("sizes are whole numbers from 1");
    return size;
}

/* OpenBLAS's configuration begins with its name and version. */
static void say_which(void)
{
    char version[LINE];
    if (openblas_get_config && openblas_get_corename &&
        sscanf(openblas_get_config(), "OpenBLAS %15s", version) == 1)
        printf("OpenBLAS %s, %s\n", version, openblas_get_corename());
    else
        puts("a CBLAS that is not OpenBLAS");
}

int main(int argc, char **argv)
{
    net of = {.layers = argc - 3};
    if (argc == 1) {
        say_which();
        return 0;
    }
    if (of.layers < 1 || of.layers > LAYERS_MAX) fail("usage: sgemm BATCH SIZE SIZE...");
    of.batch = read_size(argv[1]);
    for (int l = 0; l <= of.layers; l++) {
        of.size[l] = read_size(argv[2 + l]);
        of.a[l] = new_matrix(of.batch, of.size[l]);
        of.delta[l] = new_matrix(of.batch, of.size[l]);
        of.w[l] = l > 0 ? new_matrix(of.size[l], of.size[l - 1]) : NULL;
    }
    serve(&of);
    return 0;
}
