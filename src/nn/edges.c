/* The connections of layers that change nothing. */
#include "nn/edges.h"

void nb_edges_same(const nb_joint *joint, int64_t out, nb_edge_fn *see, void *self)
{
    (void)joint;
    see(self, &(nb_edge){.in = out, .factor = 1, .weight = -1});
}
