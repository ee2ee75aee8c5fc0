/* Options that the searches along lines share. */
#ifndef NB_SEARCH_OPTIONS_H
#define NB_SEARCH_OPTIONS_H

enum {
    NB_HISTORY_MOST = 100,
    NB_DESCENT_EPOCHS = 1000 /* iterations, unless the user says */
};

/* left: the default of curvature. */
#define NB_DESCENT_OPTIONS(left)                                                                   \
    {.name = "tolerance",                                                                          \
     .help = "converged when no element of the gradient is larger",                                \
     .range = "a number from 0",                                                                   \
     .value = 1e-12,                                                                               \
     .high = 1e30,                                                                                 \
     .kind = NB_NUMBER,                                                                            \
     .offset = offsetof(nb_optimizer_options, tolerance)},                                         \
        {.name = "decrease",                                                                       \
         .help = "the share of what the slope promises that a step must gain (Wolfe's c1)",        \
         .range = "a number above 0, below 0.5",                                                   \
         .value = 1e-4,                                                                            \
         .high = 0.5 - 0x1p-54,                                                                    \
         .above = true,                                                                            \
         .kind = NB_NUMBER,                                                                        \
         .offset = offsetof(nb_optimizer_options, decrease)},                                      \
    {                                                                                              \
        .name = "curvature",                                                                       \
        .help = "the share of the slope along the line that may be left at its end (Wolfe's c2)",  \
        .range = "a number above 0, below 1", .value = (left), .high = 1 - 0x1p-53, .above = true, \
        .kind = NB_NUMBER, .offset = offsetof(nb_optimizer_options, curvature)                     \
    }

#endif
