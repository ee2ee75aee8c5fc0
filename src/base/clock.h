/* The clock that durations are taken by. */
#ifndef NB_CLOCK_H
#define NB_CLOCK_H

#include <time.h>

/* Seconds since some moment; they never go back. */
static inline double nb_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
