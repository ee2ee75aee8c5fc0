/* The matrix products of one training epoch and nothing else, by bare calls of the BLAS: what a
 * network of dense layers could reach if everything around its products were free. Not part of
 * nabla, linked to the CBLAS alone. Talks with bench.lua as the other children do.
 *
 * usage: sgemm BATCH SIZE SIZE...     the sizes of a network's layers, its input's first
 *        sgemm lstm INPUTS            those of tests/bench/nabla_lstm.lua: INPUTS 64, or 0 where
 *                                     letters are read as rows
 *        sgemm lenet BATCH            two convolutions before the layers 640, 100 and 10
 *        sgemm transformer            those of tests/bench/nabla_transformer.lua
 *        sgemm step BATCH SIZE...     prints the seconds of processor time of one batch, no more
 *        sgemm                        says which BLAS this is */
#include <cblas.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EXAMPLES = 50000, LAYERS_MAX = 128, LINE = 16, ROUNDS = 3 };

#define LEAST_SECONDS 0.1 /* of one measurement of a step */

/* Nothing in the buffers may grow over the rounds, or become so small that it is slow. */
#define STEP  -1e-8f
#define VALUE 0.5f

/* OpenBLAS has them; another CBLAS may not. */
extern char *openblas_get_config(void) __attribute__((weak));
extern char *openblas_get_corename(void) __attribute__((weak));

typedef struct net {
    int batch, layers;
    bool convolves;
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

/* ---- Convolutions: for every image, z of a place is a row of weights times what stands under the
 * window, k numbers; the products alone, as if that lay there already. */

typedef struct convolution {
    int maps, k, places;
    float *w, *under, *back, *z; /* (maps, k), (k, places) twice, (maps, places) */
} convolution;

enum { CONVOLUTIONS = 2 };

static convolution conv[CONVOLUTIONS] = {{.maps = 20, .k = 25, .places = 576},
                                         {.maps = 40, .k = 500, .places = 64}};

static void convolve(const convolution *c)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, c->maps, c->places, c->k, 1, c->w, c->k,
                c->under, c->places, 0, c->z, c->places);
}

static void convolve_back(const convolution *c)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, c->k, c->places, c->maps, 1, c->w, c->k,
                c->z, c->places, 0, c->back, c->places);
}

static void convolve_weights(const convolution *c)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, c->maps, c->k, c->places, STEP, c->z,
                c->places, c->under, c->places, 1, c->w, c->k);
}

/* Of n images; the first convolution hands nothing back. */
static void run_convolutions(int n)
{
    for (int i = 0; i < n * CONVOLUTIONS; i++) convolve(&conv[i / n]);
    for (int i = 0; i < n; i++) convolve_back(&conv[1]);
    for (int i = 0; i < n * CONVOLUTIONS; i++) convolve_weights(&conv[i / n]);
}

static void run_step(const net *of, int n)
{
    if (of->convolves) run_convolutions(n);
    for (int l = 1; l <= of->layers; l++) forward(of, l, n);
    for (int l = of->layers; l > 1; l--) carry_back(of, l, n);
    for (int l = 1; l <= of->layers; l++) descend(of, l, n);
}

static void run_epoch(const void *self)
{
    const net *of = self;
    for (int first = 0; first < EXAMPLES; first += of->batch)
        run_step(of, EXAMPLES - first < of->batch ? EXAMPLES - first : of->batch);
}

/* ---- The character LSTM ---------------------------------------------------------------------- */

enum { LETTERS = 64, UNITS = 128, GATES = 4 * UNITS, STEPS = 64, LSTM_BATCH = 32, BATCHES = 20 };
enum { ROWS = STEPS * LSTM_BATCH };

typedef struct lstm {
    int inputs;
    float *x, *h, *gates, *out; /* (rows, …), rows of one step together */
    float *wx, *wh, *wout;      /* (GATES, inputs), (GATES, UNITS), (LETTERS, UNITS) */
    float *dx, *dh, *dgates, *dout;
} lstm;

static void multiply(bool a_turned, bool b_turned, int m, int n, int k, const float *a,
                     const float *b, float beta, float *c)
{
    cblas_sgemm(CblasRowMajor, a_turned ? CblasTrans : CblasNoTrans,
                b_turned ? CblasTrans : CblasNoTrans, m, n, k, STEP, a, a_turned ? m : k, b,
                b_turned ? k : n, beta, c, n);
}

static void run_lstm(const void *self)
{
    const lstm *of = self;
    const int n = LSTM_BATCH, inputs = of->inputs;
    for (int batch = 0; batch < BATCHES; batch++) {
        if (inputs) multiply(false, true, ROWS, GATES, inputs, of->x, of->wx, 0, of->gates);
        for (int t = 0; t < STEPS; t++)
            multiply(false, true, n, GATES, UNITS, of->h + t * n * UNITS, of->wh, 1,
                     of->gates + t * n * GATES);
        multiply(false, true, ROWS, LETTERS, UNITS, of->h, of->wout, 0, of->out);
        multiply(false, false, ROWS, UNITS, LETTERS, of->dout, of->wout, 0, of->dh);
        for (int t = STEPS - 1; t > 0; t--)
            multiply(false, false, n, UNITS, GATES, of->dgates + t * n * GATES, of->wh, 1,
                     of->dh + (t - 1) * n * UNITS);
        if (inputs) multiply(false, false, ROWS, inputs, GATES, of->dgates, of->wx, 0, of->dx);
        multiply(true, false, LETTERS, UNITS, ROWS, of->dout, of->h, 1, of->wout);
        multiply(true, false, GATES, UNITS, ROWS, of->dgates, of->h, 1, of->wh);
        if (inputs) multiply(true, false, GATES, inputs, ROWS, of->dgates, of->x, 1, of->wx);
    }
}

static lstm new_lstm(int inputs)
{
    int columns = inputs ? inputs : 1;
    lstm of = {.inputs = inputs};
    float **const rows[] = {&of.x, &of.dx, &of.h, &of.dh, &of.gates, &of.dgates, &of.out, &of.dout};
    const int width[] = {columns, columns, UNITS, UNITS, GATES, GATES, LETTERS, LETTERS};
    for (int i = 0; i < 8; i++) *rows[i] = new_matrix(ROWS, width[i]);
    of.wx = new_matrix(GATES, columns);
    of.wh = new_matrix(GATES, UNITS);
    of.wout = new_matrix(LETTERS, UNITS);
    return of;
}

/* ---- The transformer --------------------------------------------------------------------------
 */

enum { WIDTH = 64, INNER = 256, BLOCKS = 4, HEADS = 4, SIZE = WIDTH / HEADS, BOUND = 16 };

typedef struct transformer {
    float *x, *y;       /* (ROWS, INNER), what goes in and what comes out */
    float *w;           /* (INNER, WIDTH) */
    float *fit, *slope; /* (STEPS, STEPS) of one head */
} transformer;

/* A dense layer there and back. */
static void run_dense(const transformer *of, int units, int inputs)
{
    multiply(false, true, ROWS, units, inputs, of->x, of->w, 0, of->y);
    multiply(false, false, ROWS, inputs, units, of->y, of->w, 0, of->x);
    multiply(true, false, units, inputs, ROWS, of->y, of->x, 1, of->w);
}

/* (m, n) = A B of one head, of which `a` and `b` say whether they are rows of features. */
static void head(CBLAS_TRANSPOSE turn_a, CBLAS_TRANSPOSE turn_b, int n, int k, const float *a,
                 int lda, const float *b, float *c, int ldc)
{
    cblas_sgemm(CblasRowMajor, turn_a, turn_b, STEPS, n, k, STEP, a, lda, b, WIDTH, 0, c, ldc);
}

/* Queries, keys and values, and what comes, stand in x and y; two products there, four back. */
static void run_attention(const transformer *of)
{
    for (int i = 0; i < LSTM_BATCH * HEADS; i++) {
        const float *x = of->x + i / HEADS * STEPS * WIDTH + i % HEADS * SIZE;
        float *y = of->y + i / HEADS * STEPS * WIDTH + i % HEADS * SIZE;
        head(CblasNoTrans, CblasTrans, STEPS, SIZE, x, WIDTH, x, of->fit, STEPS);
        head(CblasNoTrans, CblasNoTrans, SIZE, STEPS, of->fit, STEPS, x, y, WIDTH);
        head(CblasTrans, CblasNoTrans, SIZE, STEPS, of->fit, STEPS, x, y, WIDTH);
        head(CblasNoTrans, CblasTrans, STEPS, SIZE, x, WIDTH, x, of->slope, STEPS);
        head(CblasNoTrans, CblasNoTrans, SIZE, STEPS, of->slope, STEPS, x, y, WIDTH);
        head(CblasTrans, CblasNoTrans, SIZE, STEPS, of->slope, STEPS, x, y, WIDTH);
    }
}

static void run_transformer(const void *self)
{
    const transformer *of = self;
    for (int batch = 0; batch < BOUND; batch++) {
        for (int block = 0; block < BLOCKS; block++) {
            for (int i = 0; i < 4; i++) run_dense(of, WIDTH, WIDTH);
            run_attention(of);
            run_dense(of, INNER, WIDTH);
            run_dense(of, WIDTH, INNER);
        }
        run_dense(of, LETTERS + 1, WIDTH);
    }
}

static transformer new_transformer(void)
{
    return (transformer){new_matrix(ROWS, INNER), new_matrix(ROWS, INNER), new_matrix(INNER, WIDTH),
                         new_matrix(STEPS, STEPS), new_matrix(STEPS, STEPS)};
}

/* ---- All of them ----------------------------------------------------------------------------- */

static double read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* The seconds that each of `count` steps takes. */
static double time_steps(const net *of, long count)
{
    double began = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    for (long i = 0; i < count; i++) run_step(of, of->batch);
    return (read_clock(CLOCK_PROCESS_CPUTIME_ID) - began) / (double)count;
}

/* The median of ROUNDS, as tests/bench/nabla_growth.lua takes it. */
static void print_step(const net *of)
{
    double seconds[ROUNDS];
    long count = 1;
    while (time_steps(of, count) * (double)count < LEAST_SECONDS) count *= 2;
    for (int i = 0; i < ROUNDS; i++) {
        double took = time_steps(of, count);
        int at = i;
        for (; at > 0 && seconds[at - 1] > took; at--) seconds[at] = seconds[at - 1];
        seconds[at] = took;
    }
    printf("%.9f\n", seconds[ROUNDS / 2]);
}

/* One epoch to warm up, then one for every line that says so. */
static void serve(void (*run)(const void *), const void *of)
{
    char line[LINE];
    run(of);
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) && strcmp(line, "epoch\n") == 0) {
        double began = now();
        run(of);
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

static void make_convolutions(void)
{
    for (int i = 0; i < CONVOLUTIONS; i++) {
        conv[i].w = new_matrix(conv[i].maps, conv[i].k);
        conv[i].under = new_matrix(conv[i].k, conv[i].places);
        conv[i].back = new_matrix(conv[i].k, conv[i].places);
        conv[i].z = new_matrix(conv[i].maps, conv[i].places);
    }
}

/* BATCH SIZE SIZE... */
static void read_net(net *of, char **text)
{
    if (of->layers < 1 || of->layers > LAYERS_MAX) fail("usage: sgemm BATCH SIZE SIZE...");
    of->batch = read_size(text[0]);
    for (int l = 0; l <= of->layers; l++) {
        of->size[l] = read_size(text[1 + l]);
        of->a[l] = new_matrix(of->batch, of->size[l]);
        of->delta[l] = new_matrix(of->batch, of->size[l]);
        of->w[l] = l > 0 ? new_matrix(of->size[l], of->size[l - 1]) : NULL;
    }
}

int main(int argc, char **argv)
{
    static char none[] = "", flat[] = "640", hidden[] = "100", classes[] = "10";
    static char *lenet[] = {none, none, flat, hidden, classes};
    bool convolves = argc == 3 && strcmp(argv[1], "lenet") == 0;
    if (convolves) {
        lenet[1] = argv[2];
        argv = lenet;
        argc = 5;
        make_convolutions();
    }
    bool step = argc > 1 && strcmp(argv[1], "step") == 0;
    argv += step;
    argc -= step;
    net of = {.layers = argc - 3, .convolves = convolves};
    if (argc == 1) {
        say_which();
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "lstm") == 0) {
        const lstm recurrent = new_lstm(atoi(argv[2]));
        serve(run_lstm, &recurrent);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "transformer") == 0) {
        const transformer of_steps = new_transformer();
        serve(run_transformer, &of_steps);
        return 0;
    }
    read_net(&of, argv + 1);
    if (step)
        print_step(&of);
    else
        serve(run_epoch, &of);
    return 0;
}
