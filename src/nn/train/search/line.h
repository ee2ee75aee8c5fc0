/* A search along a line for a step that lowers the cost enough and comes near a place where the
 * slope along it is 0 (the strong conditions of Wolfe). Brackets and secants as Hager and Zhang
 * have them (2005): where costs differ by no more than rounding the slopes alone decide, so that it
 * goes on to where plain tests of the cost have to stop. */
#ifndef NB_LINE_H
#define NB_LINE_H

#include "base/context.h"
#include "nn/train/problem.h"

typedef struct nb_line {
    const nb_problem *problem; /* with cost and gradient where the line begins */
    const void *from;          /* the values there: a copy */
    const void *direction;
    void *slopes;     /* room for a vector: the gradient of the last look, as the search sees it */
    double decrease;  /* of what the slope promises, the least that is taken: 0 … ½ */
    double curvature; /* the slope left is at most so much of the first: above decrease, below 1 */
    double first;     /* the slope along the direction there; below 0 */
    double step;      /* the first to try, above 0; then the one found */
    double cost;      /* there; the values and problem->gradient are as there too */
} nb_line;

/* *found: false where no step lowers the cost; then the values are those where the line begins. So
 * they are on a failure, as when Ctrl-C comes. A cost that is not finite counts as too high. */
nb_status nb_line_search(nb_ctx *ctx, nb_line *line, bool *found);

#endif
