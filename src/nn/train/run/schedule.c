/* The schedules and their table. Epochs count from 0 here. */
#include "nn/train/run/schedule.h"

#include "base/family.h"

#include <assert.h>
#include <math.h>

#define PI 3.14159265358979323846

#define NUMBER(i) (offsetof(nb_schedule, number) + (i) * sizeof(double))

#define EXAMPLE(word)                                                                              \
    "net = nn.net \"4 - 3\"\nx, y = tensor.rand(9, 4), tensor.rand(9, 3)\n"                        \
    "net:train(x, y, {epochs = 4, lr = 0.1, schedule = \"" word "\"})"

static_assert(NB_SCHEDULE_warmup == NB_SCHEDULES - 1,
              "what may stand behind a warmup is before it");

/* A number of epochs, whole for schedules that change between them. */
#define EPOCHS(word, place, standard, least, words)                                                \
    {                                                                                              \
        .name = word, .help = words, .range = "a number from " #least, .value = standard,          \
        .low = least, .high = 1e9, .kind = NB_NUMBER, .offset = NUMBER(place)                      \
    }
#define FACTOR(place, standard)                                                                    \
    {                                                                                              \
        .name = "factor", .help = "of the rate", .range = "a number above 0, at most 1",           \
        .value = standard, .high = 1, .above = true, .kind = NB_NUMBER, .offset = NUMBER(place)    \
    }

/* ---- By epochs ------------------------------------------------------------------------------- */

static double constant(const nb_schedule *s, const nb_moment *m)
{
    (void)s;
    (void)m;
    return 1;
}

NB_DESCRIPTOR(nb_schedule_type, nb_schedule_constant) = {
    .name = "constant",
    .help = "The rate stays lr.",
    .example = EXAMPLE("constant"),
    .by_epoch = true,
    .factor = constant,
};

static double step(const nb_schedule *s, const nb_moment *m)
{
    return pow(s->number[1], floor(floor(m->at) / s->number[0]));
}

static const nb_option step_options[] = {
    EPOCHS("every", 0, 10, 1, "epochs between one step and the next"),
    FACTOR(1, 0.1),
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_schedule_type, nb_schedule_step) = {
    .name = "step",
    .help = "The rate is multiplied by `factor` after `every` epochs, again and again.",
    .example = EXAMPLE("step(every=2, factor=0.5)"),
    .options = step_options,
    .by_epoch = true,
    .factor = step,
};

static double exponential(const nb_schedule *s, const nb_moment *m)
{
    return pow(s->number[0], floor(m->at));
}

static const nb_option exponential_options[] = {FACTOR(0, 0.95), NB_OPTIONS_END};

NB_DESCRIPTOR(nb_schedule_type, nb_schedule_exponential) = {
    .name = "exponential",
    .help = "The rate is multiplied by `factor` after every epoch.",
    .example = EXAMPLE("exponential(factor=0.9)"),
    .options = exponential_options,
    .by_epoch = true,
    .factor = exponential,
};

static double inverse(const nb_schedule *s, const nb_moment *m)
{
    return 1 / (1 + s->number[0] * floor(m->at));
}

static const nb_option inverse_options[] = {
    {.name = "rate",
     .help = "how fast it falls",
     .range = "a number from 0",
     .value = 0.1,
     .high = 1e9,
     .kind = NB_NUMBER,
     .offset = NUMBER(0)},
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_schedule_type, nb_schedule_inverse) = {
    .name = "inverse",
    .help = "After e epochs the rate is lr / (1 + rate e).",
    .example = EXAMPLE("inverse(rate=0.5)"),
    .options = inverse_options,
    .by_epoch = true,
    .factor = inverse,
};

/* How much lower a cost must be to count as lower. */
#define LOWER 1e-4

/* The cost that is to fall. */
static double cost_of(const nb_epoch *epoch)
{
    return isnan(epoch->valid_cost) ? epoch->cost : epoch->valid_cost;
}

static double plateau(const nb_schedule *s, const nb_moment *m)
{
    double best = INFINITY, factor = 1;
    int64_t waited = 0, epochs = m->history ? m->history->epochs : 0;
    for (int64_t i = m->first; i < epochs; i++) {
        double cost = cost_of(&m->history->epoch[i]);
        waited++;
        if (cost < best - LOWER * fabs(isinf(best) ? 0 : best)) {
            best = cost;
            waited = 0;
        }
        if ((double)waited <= s->number[0]) continue;
        factor *= s->number[1];
        waited = 0;
    }
    return factor;
}

static const nb_option plateau_options[] = {
    EPOCHS("patience", 0, 10, 0, "epochs in a row that may go by without a lower cost"),
    FACTOR(1, 0.1),
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_schedule_type, nb_schedule_plateau) = {
    .name = "plateau",
    .help =
        "The rate is multiplied by `factor` when more than `patience` epochs in a row had no cost "
        "lower than the best by 0.01 %: on valid, or without it in training.",
    .example = EXAMPLE("plateau(patience=2, factor=0.5)"),
    .options = plateau_options,
    .by_epoch = true,
    .factor = plateau,
};

/* ---- By steps -------------------------------------------------------------------------------- */

/* Half a cosine from one number to another, by the share of the way; NaN counts as its end. */
static double bend(double from, double to, double share)
{
    if (!(share < 1)) return to;
    return to + (from - to) * (1 + cos(PI * share)) / 2;
}

static double cosine(const nb_schedule *s, const nb_moment *m)
{
    double epochs = s->number[0] > 0 ? s->number[0] : m->epochs;
    return bend(1, s->number[1], m->at / epochs);
}

static const nb_option cosine_options[] = {
    {.name = "epochs",
     .help = "how long it falls",
     .range = "a number above 0",
     .standard = "those of the run",
     .value = 0,
     .high = 1e9,
     .kind = NB_NUMBER,
     .offset = NUMBER(0)},
    {.name = "low",
     .help = "the share of lr that is left at the end",
     .range = "a number from 0",
     .high = 1e9,
     .kind = NB_NUMBER,
     .offset = NUMBER(1)},
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_schedule_type, nb_schedule_cosine) = {
    .name = "cosine",
    .help =
        "Half a cosine down to `low` of lr, step by step: low + (1 - low) (1 + cos(π e/epochs))/2 "
        "(Loshchilov and Hutter 2017).",
    .example = EXAMPLE("cosine(low=0.1)"),
    .options = cosine_options,
    .factor = cosine,
};

#define RISE 0.3  /* the share of the run in which the rate goes up, and */
#define LAST 1e-4 /* what of lr it ends with */

static double one_cycle(const nb_schedule *s, const nb_moment *m)
{
    double top = s->number[0], up = RISE * m->epochs - m->step, end = m->epochs - m->step;
    if (m->at < up) return bend(1, top, m->at / up);
    return bend(top, LAST, (m->at - up) / (end - up));
}

static const nb_option one_cycle_options[] = {
    {.name = "top",
     .help = "times lr at the peak",
     .range = "a number above 0",
     .value = 25,
     .high = 1e9,
     .above = true,
     .kind = NB_NUMBER,
     .offset = NUMBER(0)},
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_schedule_type, nb_schedule_one_cycle) = {
    .name = "one_cycle",
    .help =
        "Up from lr to `top` times that in the first 30 % of the run, down to a ten-thousandth of "
        "lr in the rest, each by half a cosine (Smith and Topin 2018).",
    .example = EXAMPLE("one_cycle(top=10)"),
    .options = one_cycle_options,
    .factor = one_cycle,
};

/* The share of the way at the step's end, so that the first step learns something. */
static double warmup(const nb_schedule *s, const nb_moment *m)
{
    double epochs = s->number[0];
    nb_schedule then = {.type = s->then.type};
    nb_moment behind = *m;
    behind.at -= epochs;
    behind.epochs -= epochs;
    behind.first += (int64_t)epochs;
    for (int i = 0; i < NB_CHOSEN_NUMBERS; i++) then.number[i] = s->then.number[i];
    return m->at < epochs ? fmin((m->at + m->step) / epochs, 1)
                          : nb_schedule_factor(&then, &behind);
}

static const nb_family then_family;

static const nb_option warmup_options[] = {
    EPOCHS("epochs", 0, 5, 0, "how long it rises"),
    {.name = "then",
     .help = "the schedule behind it, which begins then",
     .standard = "constant",
     .kind = NB_CHOSEN,
     .family = &then_family,
     .offset = offsetof(nb_schedule, then)},
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_schedule_type, nb_schedule_warmup) = {
    .name = "warmup",
    .help =
        "Up from 0 to lr along a line, step by step, in the first `epochs` epochs; the schedule "
        "`then` behind it.",
    .example = EXAMPLE("warmup(epochs=1, then=cosine)"),
    .options = warmup_options,
    .factor = warmup,
};

/* ---- The table ------------------------------------------------------------------------------- */

#define X(name) extern const nb_schedule_type nb_schedule_##name;
#include "nn/train/run/schedules.def"
#undef X

const nb_schedule_type *const nb_schedules[NB_SCHEDULES] = {
#define X(name) &nb_schedule_##name,
#include "nn/train/run/schedules.def"
#undef X
};

NB_DEFINE_FAMILY(nb_schedule_type, nb_schedule, nb_schedules, NB_SCHEDULES)
NB_DEFINE_WIDE_CHOICES(nb_schedule_type, nb_schedule, "schedule", sizeof(nb_schedule))

static const void *find_then(const char *name)
{
    const nb_schedule_type *type = nb_schedule_find(name);
    return type == &nb_schedule_warmup ? NULL : type;
}

static const char *then_name_at(const void *list, size_t i)
{
    (void)list;
    return i < NB_SCHEDULE_warmup ? nb_schedules[i]->name : NULL;
}

static const nb_family then_family = {.noun = "schedule behind a warmup",
                                      .find = find_then,
                                      .name_at = then_name_at,
                                      .name = nb_schedule_name_of,
                                      .options = nb_schedule_options_of};

double nb_schedule_factor(const nb_schedule *schedule, const nb_moment *moment)
{
    return schedule->type ? schedule->type->factor(schedule, moment) : 1;
}
