/* The ops behind a value, each judged by itself. */
#ifndef NB_JUDGE_OPS_H
#define NB_JUDGE_OPS_H

#include "nn/inspect/check/judge.h"

/* The first op in backward's order, among those whose records led to `root`, that is wrong: *op,
 * NULL: none; with its numbers in *found. The records are still there afterwards. */
nb_status nb_judge_ops(nb_ctx *ctx, nb_tensor *root, const nb_op **op, nb_judged *found);

#endif
