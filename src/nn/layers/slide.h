/* What layers have in common whose window slides over space, or along steps: where it may stand,
 * and how their ops, which know space alone, are called. */
#ifndef NB_SLIDE_H
#define NB_SLIDE_H

#include "nn/net/plan.h"
#include "nn/net/walk.h"

#include "kernel/window.h"

/* The words of `padding`, in the order in which every option lists them. */
typedef enum nb_padding { NB_PAD_SAME, NB_PAD_VALID, NB_PAD_CAUSAL } nb_padding;
extern const char *const nb_padding_words[];       /* all of them */
extern const char *const nb_padding_words_plain[]; /* without causal */

/* The most that sizes of windows, strides and padding may be. */
#define NB_SLIDE_MOST 16777216

/* What the user says, of a layer's settings. */
typedef struct nb_slide {
    const nb_sizes *kernel, *stride, *padding;
    const nb_sizes *dilation; /* or NULL: 1 */
    const nb_sizes *extra;    /* of conv_transpose, or NULL */
    int64_t groups;
    bool turned;  /* the sizes grow, as those of conv_transpose */
    bool strides; /* a stride of 0 is the kernel's size: pools */
    bool within;  /* no window may stand on padding alone: pools */
} nb_slide;

/* Extents of what comes: 1 of steps, 1 or 2 of space; 0 of what no window slides over. */
int nb_slide_extents(const nb_form *in);
/* Checks the input and the settings, and fills plan->out but for its channels, which stay; attr is
 * what the op is to be called with. */
nb_status nb_slide_plan(nb_planner *planner, const nb_layer *layer, nb_plan *plan,
                        const nb_slide *slide, struct nb_attr_window *attr);
/* The attr of a planned layer. */
struct nb_attr_window nb_slide_attr(const nb_plan *plan, const nb_slide *slide);
/* Places along extent i of `size` numbers; below 1 where there are none. */
int64_t nb_slide_places(const struct nb_attr_window *attr, bool turned, int i, int64_t size);
/* Of steps: how many a layer makes of so many; below 1 for none. */
int64_t nb_slide_steps(const nb_plan *plan, const nb_slide *slide, int64_t steps);
/* The dimension of the channels of an input's form, and how many they are. */
int64_t nb_slide_channels(const nb_form *in);

/* Calls the op with x and `more` inputs behind it: steps are turned to (n, features, T) and back,
 * their padding reads as zeros, and lengths are bound where T changes. Where `lowest` padding is
 * left out of a maximum. call->in[0] is x. */
nb_tensor *nb_slide_call(nb_walk *walk, const nb_layer *layer, nb_call *call, bool lowest,
                         bool turned);

/* What every place of a window sees of x, (n, in…): (n, places, numbers under it), of `channels` of
 * the channels from number `first` on; 0 where it stands on padding. Of a turned window what every
 * number of the output is made of: 0 where nothing was spread over it. */
nb_tensor *nb_slide_rows(nb_ctx *ctx, const nb_plan *plan, const nb_slide *slide, nb_tensor *x,
                         int64_t first, int64_t channels);

/* Numbers of x or z of one example as planes, (channels, rows, columns); steps are columns. */
typedef struct nb_planes {
    int64_t channels, rows, columns;
    bool steps; /* each has its channels beside it: (columns, channels) */
} nb_planes;
/* The windows of one example, number by number. */
typedef struct nb_under {
    nb_window window;
    nb_planes in, out;
    bool turned;
} nb_under;
nb_under nb_slide_under(const nb_joint *joint, const nb_slide *slide);
/* A number of z: its channel, and the place of its window. */
typedef struct nb_window_at {
    int64_t channel, at[NB_EXTENTS];
} nb_window_at;
nb_window_at nb_under_at(const nb_under *under, int64_t out);
/* Which number of channel `channel` of x is under number (down, along) of the window at a place, or
 * sends it there where it is turned; -1: none. */
int64_t nb_under_number(const nb_under *under, const nb_window_at *place, int64_t channel,
                        int64_t down, int64_t along);

/* Options of windows, of a settings struct with fields of these names. */
#define NB_SLIDE_RANGE "a whole number from 1 to 16777216, or two as in 3x5"
#define NB_SLIDE_SIZES(word, about, first, usual, struct_type)                                     \
    .name = #word, .help = about, .range = NB_SLIDE_RANGE, .value = usual, .low = 1,               \
    .high = NB_SLIDE_MOST, .kind = NB_SIZES, .most = 2, .place = first,                            \
    .offset = offsetof(struct_type, word)

#endif
