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
#define FAINT     5e-9 /* the same of a step half as long */

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

enum { FINER = 2, FINEST = 8 };

/* Whether g lies between the slopes to both sides, of a step `finer` times as small as a whole one,
 * or is one of them: rounding of the value is that many times as much of them. */
static bool is_between(double g, const sides *s, double value, double finer)
{
    double low = fmin(s->above, s->below), high = fmax(s->above, s->below);
    double most = fmax(fabs(g), fmax(fabs(low), fabs(high)));
    double slack = finer * NB_CHECK_ABSOLUTE * (1 + fabs(value)) + NB_CHECK_RELATIVE * most;
    return g >= low - slack && g <= high + slack;
}

/* Whether the value bends at the number or beside it, within the step, where g disagrees with the
 * central difference. Along a smooth curve the slopes to both sides come together in proportion to
 * the step; a bend holds them apart, or is no longer seen. g is right anywhere between the slopes
 * of the finest step that tells them from rounding. */
static nb_status look_for_kink(const nb_varied *v, double g, const sides *wide, bool *kink)
{
    sides finer, finest;
    double gap = gap_of(wide), unit = 1 + fabs(v->scale);
    *kink = false;
    if (!(gap > FAINT * unit)) return NB_OK;
    nb_status status = take_slopes(v, NB_CHECK_STEP / FINER, &finer);
    if (status != NB_OK) return status;
    bool bent = bends(gap, gap_of(&finer), FINER);
    if (!(gap > ROUGHNESS * unit)) {
        *kink = bent && is_between(g, &finer, v->scale, FINER);
        return NB_OK;
    }
    status = take_slopes(v, NB_CHECK_STEP / FINEST, &finest);
    if (status != NB_OK) return status;
    bent = bent || bends(gap, gap_of(&finest), FINEST);
    *kink = bent && is_between(g, &finest, v->scale, FINEST);
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
