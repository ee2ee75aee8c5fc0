/* Schedules: what the learning rate of a run is multiplied by, as a function of how far it has come
 * alone. So whoever goes on from a checkpoint needs nothing of them. */
#ifndef NB_SCHEDULE_H
#define NB_SCHEDULE_H

#include "base/option.h"
#include "nn/train/run/history.h"

/* When a step is made. */
typedef struct nb_moment {
    double at;                 /* epochs before it, a fraction within the one under way */
    double step;               /* what it is of an epoch */
    double epochs;             /* of the run */
    const nb_history *history; /* its epochs so far */
    int64_t first;             /* how many of these came before the schedule began */
} nb_moment;

typedef struct nb_schedule_type nb_schedule_type;

/* A word with its options, a plain value: step(every=10). Of an option of kind NB_CHOSEN. */
typedef struct nb_schedule {
    const nb_schedule_type *type; /* NULL: constant */
    double number[NB_CHOSEN_NUMBERS];
    nb_chosen then; /* what comes behind a warmup */
} nb_schedule;

struct nb_schedule_type {
    const char *name;
    const char *help; /* one line with the formula */
    const char *example;
    const nb_option *options; /* into nb_schedule; or NULL */
    bool by_epoch;            /* it changes between epochs only */
    /* From 0. */
    double (*factor)(const nb_schedule *schedule, const nb_moment *moment);
};

typedef enum nb_schedule_id {
#define X(name) NB_SCHEDULE_##name,
#include "nn/train/run/schedules.def"
#undef X
    NB_SCHEDULES
} nb_schedule_id;

extern const nb_schedule_type *const nb_schedules[NB_SCHEDULES];
extern const nb_family nb_schedule_family;
const nb_schedule_type *nb_schedule_find(const char *name);
const char *nb_schedule_name_at(const void *list, size_t i);

/* Of the step at that moment; 1 without a schedule. */
double nb_schedule_factor(const nb_schedule *schedule, const nb_moment *moment);

#endif
