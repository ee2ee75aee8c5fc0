/* Differences along one number, and kinks. */
#include "nn/inspect/check/differences.h"

#include <math.h>

/* Slopes to both sides of a number, and between them. */
typedef struct sides {
    double above, below, central;
} sides;

/* With steps of `h` times max(1, |number|). */
static nb_status take_slopes(const nb_varied *v, double h, sides *out)
{
    double number = *v->number, step = h * fmax(1, fabs(number)), above = 0, below = 0;
    *v->number = number + step;
    nb_status status = v->value_of(v->self, &above);
    *v->number = number - step;
    if (status == NB_OK) status = v->value_of(v->self, &below);
    *v->number = number;
    out->above = (above - v->value) / step;
    out->below = (v->value - below) / step;
    out->central = (above - below) / (2 * step);
    return status;
}

nb_status nb_difference(const nb_varied *v, double *slope)
{
    sides s = {.central = 0};
    nb_status status = take_slopes(v, NB_CHECK_STEP, &s);
    *slope = s.central;
    return status;
}

#define ROUGHNESS 2e-8 /* a gap of which rounding, in the finest step, hides no third */

/* How far the slopes to both sides are apart. */
static double gap_of(const sides *s)
{
    return fabs(s->above - s->below);
}

/* Whether the gap of a step `finer` times as small is another than a smooth curve's, which is as
 * many times as small. */
static bool bends(double gap, double smaller, double finer)
{
    double ratio = smaller / gap * finer;
    return !(ratio > 0.6 && ratio < 1.4);
}

/* Whether the value bends at the number or beside it, within the step, where g disagrees with the
 * central difference. Along a smooth curve the slopes to both sides come together in proportion to
 * the step; a bend holds them apart, or is no longer seen. g is right anywhere between the slopes
 * that the finest step finds. */
static nb_status look_for_kink(const nb_varied *v, double g, const sides *wide, bool *kink)
{
    enum { FINER = 2, FINEST = 8 };
    sides finer, finest;
    double gap = gap_of(wide), value = v->scale;
    *kink = false;
    if (!(gap > ROUGHNESS * (1 + fabs(value)))) return NB_OK;
    nb_status status = take_slopes(v, NB_CHECK_STEP / FINER, &finer);
    if (status == NB_OK) status = take_slopes(v, NB_CHECK_STEP / FINEST, &finest);
    if (status != NB_OK) return status;
    double low = fmin(finest.above, finest.below), high = fmax(finest.above, finest.below);
    bool between = (g >= low && g <= high) || nb_check_agrees(g, low, value) ||
                   nb_check_agrees(g, high, value);
    *kink = between && (bends(gap, gap_of(&finer), FINER) || bends(gap, gap_of(&finest), FINEST));
    return NB_OK;
}

nb_status nb_difference_check(const nb_varied *v, double g, double *d, bool *kink)
{
    sides s = {.central = 0};
    nb_status status = take_slopes(v, NB_CHECK_STEP, &s);
    *d = s.central;
    *kink = false;
    if (status != NB_OK || nb_check_agrees(g, s.central, v->scale)) return status;
    return look_for_kink(v, g, &s, kink);
}
