/* What flows back through the layers of a network, epoch by epoch: the sizes of δ and of gradients,
 * and how many neurons are saturated. Measured on some of the examples, always the same ones. */
#ifndef NB_FLOW_H
#define NB_FLOW_H

#include "nn/net/net.h"

/* What is kept of a place in an epoch; NaN where the layer has no such thing. */
typedef enum nb_flow_figure {
    NB_FLOW_DELTA,     /* ‖δ‖, over examples, neurons and places */
    NB_FLOW_GRADIENT,  /* that of all gradients of its parameters */
    NB_FLOW_SATURATED, /* the share of its neurons' slopes that are below NB_FLOW_SLOPE */
    NB_FLOW_FIGURES
} nb_flow_figure;

#define NB_FLOW_SLOPE 0.01
enum { NB_FLOW_EXAMPLES = 100, NB_FLOW_TITLE = 96 };

/* A place of the network, with what is told of it when the network is another. */
typedef struct nb_flow_place {
    char path[NB_PATH_MAX];    /* "3.1" */
    char title[NB_FLOW_TITLE]; /* "dense 30 sigmoid" */
} nb_flow_place;

typedef struct nb_flow {
    int places; /* depth first; 0: nobody asked */
    nb_flow_place *place;
    int64_t room;   /* epochs */
    double *number; /* (room, places, NB_FLOW_FIGURES) */
} nb_flow;

/* The names of a network's figures, as users and files know them. */
extern const char *const nb_flow_names[NB_FLOW_FIGURES];

/* The places of a network, into an empty flow. */
nb_status nb_flow_begin(nb_ctx *ctx, const nb_net *net, nb_flow *flow);
void nb_flow_free(nb_ctx *ctx, nb_flow *flow);
/* The first `epochs` of a flow, into an empty one; on failure it stays so. */
nb_status nb_flow_copy(nb_ctx *ctx, nb_flow *to, const nb_flow *from, int64_t epochs);
/* Room for so many epochs. */
nb_status nb_flow_reserve(nb_ctx *ctx, nb_flow *flow, int64_t epochs);
/* The figures of a place in an epoch, counted from 0. */
static inline double *nb_flow_at(const nb_flow *flow, int64_t epoch, int place)
{
    return flow->number + (epoch * flow->places + place) * NB_FLOW_FIGURES;
}

#endif
