/* The metrics that are built in. Sums are in f64, answers in their order, so that they do not
 * depend on how the set is cut. */
#include "nn/train/judge/metric.h"

#include "base/family.h"
#include "kernel/kernel.h"

#include <math.h>
#include <stddef.h>

#define X(name) extern const nb_metric_type nb_metric_##name;
#include "nn/train/judge/metrics.def"
#undef X

const nb_metric_type *const nb_metrics[NB_METRICS] = {
#define X(name) &nb_metric_##name,
#include "nn/train/judge/metrics.def"
#undef X
};

NB_DEFINE_FAMILY(nb_metric_type, nb_metric, nb_metrics, NB_METRICS)
NB_DEFINE_CHOICES(nb_metric_type, nb_metric, "metric")

static double number_of(const nb_tensor *t, int64_t i)
{
    if (t->dtype == NB_F64) return ((const double *)nb_tensor_data(t))[i];
    return (double)((const float *)nb_tensor_data(t))[i];
}

/* ---- Classes ---- */

NB_DESCRIPTOR(nb_metric_type, nb_metric_accuracy) = {
    .name = "accuracy",
    .help = "the share of right answers: the largest output stands at the class, or one output is "
            "on its side of one half",
    .example = "digits = data.digits()\nnet = nn.net \"64 - 10\"\n"
               "print(net:evaluate(digits.test, {metrics = {\"accuracy\"}}))",
    .classes = true,
};

static int64_t one_sum(int64_t k)
{
    (void)k;
    return 1;
}

/* The class is among the k largest when fewer than k outputs are above its own; of equal ones, as
 * argmax has it, the first counts as the larger. NaN is above everything. */
static bool is_among(const nb_tensor *given, int64_t row, int64_t columns, int64_t class, double k)
{
    double own = number_of(given, row * columns + class);
    double above = 0;
    for (int64_t i = 0; i < columns; i++) {
        double other = number_of(given, row * columns + i);
        above += i != class && (!(other <= own) || (other == own && i < class));
    }
    return own == own && above < k;
}

static void add_top(const nb_metric *metric, const nb_judged *answers, double *sums)
{
    const int32_t *class = nb_tensor_data(answers->classes);
    int64_t rows = answers->given->shape[0], columns = answers->given->shape[1];
    for (int64_t i = 0; i < rows; i++)
        sums[0] += is_among(answers->given, i, columns, class[i] - 1, metric->number[0]);
}

static double share(int64_t k, int64_t answers, const double *sums)
{
    (void)k;
    return sums[0] / (double)answers;
}

static const nb_option top_options[] = {
    {.name = "k",
     .help = "how many of the largest outputs are looked at",
     .range = "a whole number from 1",
     .value = 5,
     .low = 1,
     .high = NB_WHOLE_MAX,
     .kind = NB_NUMBER,
     .offset = offsetof(nb_chosen, number)},
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_metric_type, nb_metric_top_k) = {
    .name = "top_k",
    .help = "the share of answers whose class is among the k largest outputs",
    .example = "digits = data.digits()\nnet = nn.net \"64 - 10\"\n"
               "print(net:evaluate(digits.test, {metrics = {\"top_k(k=3)\"}}))",
    .options = top_options,
    .classes = true,
    .sums = one_sum,
    .add = add_top,
    .value = share,
};

static int64_t table_of_classes(int64_t k)
{
    return k * k;
}

static void add_confused(const nb_metric *metric, const nb_judged *answers, double *sums)
{
    const nb_tensor *given = answers->given;
    const nb_real_kernels *real = nb_real(given->dtype);
    const int32_t *class = nb_tensor_data(answers->classes);
    int64_t columns = given->shape[1];
    const char *row = nb_tensor_data(given);
    (void)metric;
    for (int64_t i = 0; i < given->shape[0];
         i++, row += columns * (int64_t)nb_dtype_size(given->dtype))
        sums[(class[i] - 1) * columns + (int64_t)real->argmax((size_t)columns, row, 1)]++;
}

NB_DESCRIPTOR(nb_metric_type, nb_metric_confusion) = {
    .name = "confusion",
    .help = "how often each class (a row) was given each answer (a column): no number but a table, "
            "which net:evaluate(set).confusion holds",
    .example = "digits = data.digits()\nnet = nn.net \"64 - 10\"\n"
               "print(net:evaluate(digits.test).confusion)",
    .classes = true,
    .sums = table_of_classes,
    .add = add_confused,
};

/* ---- Targets ---- */

static void add_absolute(const nb_metric *metric, const nb_judged *answers, double *sums)
{
    int64_t count = nb_tensor_count(answers->given);
    (void)metric;
    for (int64_t i = 0; i < count; i++)
        sums[0] += fabs(number_of(answers->given, i) - number_of(answers->wanted, i));
}

static double mean_of_numbers(int64_t k, int64_t answers, const double *sums)
{
    return sums[0] / ((double)answers * (double)k);
}

NB_DESCRIPTOR(nb_metric_type, nb_metric_mean_absolute_error) = {
    .name = "mean_absolute_error",
    .help = "the mean of |a - y| over all outputs of all answers",
    .example = "x = tensor.rand(20, 1)\nnet = nn.net \"1 - 3 tanh - 1 linear\"\n"
               "print(net:evaluate(x, x * 2, {metrics = {\"mean_absolute_error\"}}))",
    .sums = one_sum,
    .add = add_absolute,
    .value = mean_of_numbers,
};

/* Of every output: answers so far, the mean of y, Σ(y - mean)² by Welford's step, Σ(y - a)². */
enum { SEEN, MEAN, SPREAD, MISSED, OF_R2 };

static int64_t sums_of_r2(int64_t k)
{
    return OF_R2 * k;
}

static void add_r2(const nb_metric *metric, const nb_judged *answers, double *sums)
{
    int64_t columns = answers->given->shape[1], count = nb_tensor_count(answers->given);
    (void)metric;
    for (int64_t i = 0; i < count; i++) {
        double *own = sums + OF_R2 * (i % columns);
        double y = number_of(answers->wanted, i), missed = y - number_of(answers->given, i);
        double away = y - own[MEAN];
        own[SEEN] += 1;
        own[MEAN] += away / own[SEEN];
        own[SPREAD] += away * (y - own[MEAN]);
        own[MISSED] += missed * missed;
    }
}

/* The mean over the outputs. Of a y that never changes nothing is to explain: NaN. */
static double mean_r2(int64_t k, int64_t answers, const double *sums)
{
    double sum = 0;
    (void)answers;
    for (int64_t i = 0; i < k; i++)
        sum += sums[OF_R2 * i + SPREAD] > 0
                   ? 1 - sums[OF_R2 * i + MISSED] / sums[OF_R2 * i + SPREAD]
                   : NAN;
    return sum / (double)k;
}

NB_DESCRIPTOR(nb_metric_type, nb_metric_r2) = {
    .name = "r2",
    .help = "R², 1 - Σ(y - a)² / Σ(y - mean y)², the mean over the outputs; 1 is right everywhere, "
            "0 as good as the mean",
    .example = "x = tensor.rand(20, 1)\nnet = nn.net \"1 - 3 tanh - 1 linear\"\n"
               "print(net:evaluate(x, x * 2, {metrics = {\"r2\"}}))",
    .sums = sums_of_r2,
    .add = add_r2,
    .value = mean_r2,
};
