/* Metrics as users ask for them. */
#ifndef NBL_METRIC_H
#define NBL_METRIC_H

#include "lua/nbl.h"
#include "nn/train/judge/measure.h"

/* The option of train and evaluate; its field is an int. */
#define NBL_METRICS_OPTION(at)                                                                     \
    {                                                                                              \
        .name = "metrics",                                                                         \
        .help = "what else is told: a list of names, such as \"r2\" or \"top_k(k=3)\", and of "    \
                "functions (a, y) → number by their names, {f1 = f}, of all outputs and all y at " \
                "once",                                                                            \
        .standard = "none", .kind = NB_HOST, .offset = (at)                                        \
    }

/* The metrics asked for, and their names. */
typedef struct nbl_metrics {
    nb_metrics_asked asked;
    char name[NB_METRICS_MAX][NB_NAME_MAX];
} nbl_metrics;

/* Reads that option's value, at `at` (0: not given, none). What they need is left on the stack. */
void nbl_read_metrics(lua_State *L, int at, const char *whose, nbl_metrics *out);

#endif
