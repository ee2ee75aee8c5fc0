/* Homes of gradients: how they are made, and how they go. */
#include "grad/home.h"

#include <math.h>
#include <string.h>

nb_home *nb_home_new(nb_ctx *ctx, nb_dtype dtype, int64_t count)
{
    nb_home *home = nb_alloc_zero(ctx, 1, sizeof *home);
    if (!home) return NULL;
    home->refs = 1;
    home->steepest.size = home->largest.size = INFINITY;
    home->grads = nb_tensor_zeros(ctx, dtype, 1, &count);
    if (home->grads) return home;
    nb_home_release(ctx, home);
    return NULL;
}

nb_home *nb_home_retain(nb_home *home)
{
    home->refs++;
    return home;
}

void nb_home_release(nb_ctx *ctx, nb_home *home)
{
    if (!home || --home->refs) return;
    nb_tensor_release(ctx, home->grads);
    nb_free(ctx, home, sizeof *home);
}

void nb_home_clear(nb_home *home)
{
    size_t count = (size_t)nb_tensor_count(home->grads);
    memset(nb_tensor_data(home->grads), 0, count * nb_dtype_size(home->grads->dtype));
    nb_tensor_touch(home->grads, "backward");
    home->state = NB_HOME_FILLED;
}

void nb_home_forget(nb_home *home)
{
    nb_home_clear(home);
    home->state = NB_HOME_NEW;
}
