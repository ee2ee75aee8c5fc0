/* Bounds on steps. */
#include "nn/train/reach.h"

#include <float.h>
#include <math.h>

/* More than what rounding adds to a bound in one step, of itself. */
#define ROUNDING 1e-6

void nb_reach_forget(nb_reach *reach)
{
    reach->values = INFINITY;
    for (int i = 0; i < NB_RULE_STATES; i++) reach->state[i] = INFINITY;
}

static double look(const nb_problem *p, const void *numbers)
{
    return nb_real(p->dtype)->magnitude((size_t)p->count, numbers);
}

/* The largest rate of a stretch. */
static double rate_of(const nb_problem *p)
{
    double most = p->segments ? 0 : 1;
    for (int64_t i = 0; i < p->segments; i++) most = fmax(most, fabs(p->segment[i].factor));
    return most * fabs(p->rate);
}

/* ---- By rule (kernel/rules.def) -------------------------------------------------------------- */

/* How far the means of Adam's kind go: s[0] of gradients, s[1] of their squares. */
static void grow_means(double g, double *s)
{
    s[0] = fmax(s[0], g);
    s[1] = fmax(s[1], g * g);
}

/* u = g / (√s + ε), rolling or not; s[0] is the mean of squares, the means of gradients come last.
 */
static double grow_root(const nb_rule *rule, double rate, double g, double *s)
{
    bool rolls = rule->id == NB_RULE_rmsprop_rolling || rule->id == NB_RULE_rmsprop_both;
    bool centered = rule->id == NB_RULE_rmsprop_centered || rule->id == NB_RULE_rmsprop_both;
    double u = g / rule->c[1];
    s[0] = fmax(s[0], g * g);
    if (rolls) u = s[1] = rule->c[2] * s[1] + u;
    if (centered) s[rolls ? 2 : 1] = fmax(s[rolls ? 2 : 1], g);
    return rate * u;
}

/* |g| / √(ρ s + (1-ρ) g²) is no larger than 1 / √(1-ρ). */
static double grow_adadelta(const nb_rule *rule, double rate, double g, double *s)
{
    double rho = rule->c[0], u = sqrt((s[1] + rule->c[1]) / (1 - rho));
    s[0] = fmax(s[0], g * g);
    s[1] = rho * s[1] + (1 - rho) * u * u;
    return rate * u;
}

/* The most that the rule moves a value whose gradient is no larger than g; s becomes what the state
 * holds behind that. Not finite where there is no such bound. */
static double grow(const nb_rule *rule, double rate, double g, double *s)
{
    const double *c = rule->c;
    switch (rule->id) {
    case NB_RULE_descend:
        return rate * g;
    case NB_RULE_momentum:
        return s[0] = c[0] * s[0] + rate * g;
    case NB_RULE_nesterov:
        s[0] = c[0] * s[0] + rate * g;
        return c[0] * s[0] + rate * g;
    case NB_RULE_amsgrad:
        grow_means(g, s);
        s[2] = fmax(s[2], s[1]);
        return rate * c[2] * s[0] / c[4];
    case NB_RULE_adam:
        grow_means(g, s);
        return rate * c[2] * s[0] / c[4];
    case NB_RULE_nadam:
        grow_means(g, s);
        return rate * (fabs(c[2]) * g + fabs(c[3]) * s[0]) / c[5];
    case NB_RULE_rmsprop:
    case NB_RULE_rmsprop_centered:
    case NB_RULE_rmsprop_rolling:
    case NB_RULE_rmsprop_both:
        return grow_root(rule, rate, g, s);
    case NB_RULE_adagrad:
        s[0] += g * g;
        return rate * c[0] * g / c[1];
    case NB_RULE_adadelta:
        return grow_adadelta(rule, rate, g, s);
    case NB_RULE_rprop:
        s[0] = g;
        s[1] = c[4];
        return rate / c[0] * c[4];
    default: /* quickprop jumps to where a line through two slopes is 0: anywhere */
        return INFINITY;
    }
}

/* ---- A step ---------------------------------------------------------------------------------- */

/* Bounds behind the step from those before it; false: a number may pass what the dtype holds. */
static bool bound_step(const nb_problem *p, const nb_rule *rule, double g, nb_reach *reach)
{
    double most = (p->dtype == NB_F32 ? (double)FLT_MAX : DBL_MAX) / 2, rate = rate_of(p);
    double swell = fmax(1, fabs(1 - rate * p->penalty.decay));
    bool safe;
    if (p->penalty.clip_value > 0) g = fmin(g, p->penalty.clip_value);
    reach->values = (swell * reach->values + grow(rule, rate, g, reach->state)) * (1 + ROUNDING);
    safe = reach->values <= most && g * g <= most;
    for (int i = 0; i < nb_rule_states[rule->id]; i++) {
        reach->state[i] *= 1 + ROUNDING;
        safe = safe && reach->state[i] <= most;
    }
    return safe;
}

bool nb_reach_grow(const nb_problem *p, const nb_rule *rule)
{
    int states = nb_rule_states[rule->id];
    double g = p->steepest > 0 ? p->steepest : look(p, p->gradient);
    nb_reach known = *p->reach;
    known.values = p->largest > 0 ? p->largest : look(p, p->values);
    for (int i = 0; i < states; i++)
        if (!isfinite(known.state[i])) known.state[i] = look(p, nb_tensor_data(rule->state[i]));
    *p->reach = known;
    if (bound_step(p, rule, g, p->reach)) return true;
    /* Bounds that grew over many steps say less than a look. */
    known.values = look(p, p->values);
    for (int i = 0; i < states; i++) known.state[i] = look(p, nb_tensor_data(rule->state[i]));
    *p->reach = known;
    return bound_step(p, rule, look(p, p->gradient), p->reach);
}
