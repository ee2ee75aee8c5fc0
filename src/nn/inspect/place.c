/* Numbers of a network by name. */
#include "nn/inspect/place.h"

#include <stdio.h>

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
