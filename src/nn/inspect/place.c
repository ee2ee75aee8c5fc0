/* Numbers of a network by name. */
#include "nn/inspect/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *nb_place_text(const char *name, const char *path, int dims, const int64_t *shape,
                          int64_t at, char out[NB_PLACE_TEXT])
{
    int64_t index[NB_MAX_DIMS];
    int used = snprintf(out, NB_PLACE_TEXT, "%s[%.24s]", name, path);
    for (int i = dims - 1; i >= 0; i--) {
        index[i] = at % shape[i] + 1;
        at /= shape[i];
    }
    for (int i = 0; i < dims && used < NB_PLACE_TEXT; i++)
        used += snprintf(out + used, NB_PLACE_TEXT - (size_t)used, "[%lld]", (long long)index[i]);
    return out;
}

const char *nb_param_text(const nb_net *net, int64_t at, char out[NB_PLACE_TEXT])
{
    int64_t start = net->params ? net->param[0]->start : 0;
    for (int l = 0; l < net->parts; l++) {
        const nb_plan *plan = net->part[l]->plan;
        for (int i = 0; i < plan->params; i++) {
            const nb_param *param = &plan->param[i];
            int64_t inside = at - (param->start - start);
            if (inside < 0 || inside >= param->count) continue;
            return nb_place_text(param->name, nb_net_path(net, plan), param->dims, param->shape,
                                 inside, out);
        }
    }
    out[0] = '\0';
    return out;
}

/* Which child one piece of a path leads to: a number, or the first that is called so. */
static int child_of(const nb_layer *block, const char *piece, size_t length)
{
    if (*piece >= '0' && *piece <= '9') return (int)strtol(piece, NULL, 10) - 1;
    for (int i = 0; i < block->children; i++) {
        const char *name = block->child[i]->head.name;
        if (strlen(name) == length && !strncmp(name, piece, length)) return i;
    }
    return -1;
}

int nb_net_place(nb_ctx *ctx, nb_net *net, const char *path)
{
    const nb_layer *at = &net->layer;
    int place = -1;
    if (!nb_net_layer(ctx, net, path)) return -1;
    for (const char *piece = path; *piece;) {
        size_t length = strcspn(piece, ".");
        int child = child_of(at, piece, length);
        if (child < 0 || child >= at->children)
            return nb_fail(ctx, NB_EARG, "the network has no layer '%s'", path), -1;
        place++;
        for (int i = 0; i < child; i++) place += at->child[i]->plan->places;
        at = at->child[child];
        piece += length + (piece[length] == '.');
    }
    return place;
}
