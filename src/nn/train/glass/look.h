/* What has been changed at a stop: found and put on record. */
#ifndef NB_LOOK_H
#define NB_LOOK_H

#include "base/text.h"
#include "nn/train/glass/pane.h"

/* That is how the run leaves things. */
void nb_left_note(nb_glass *glass);
/* Whether the network is built as it was: else NB_EARG with the layer's name. */
nb_status nb_look_built(nb_ctx *ctx, const nb_glass *glass);
/* The layers of a network by place, type and neurons, a line for each. */
void nb_look_list(nb_text *text, const nb_net *net);
/* What others did since: trained, or changed the numbers of the set, of valid or test. */
typedef struct nb_elsewhere {
    bool trained, set, judged;
} nb_elsewhere;
/* NB_EARG where the user has not been told yet. */
nb_status nb_look_elsewhere(nb_ctx *ctx, nb_glass *glass, nb_elsewhere *found);
/* Whether the set's numbers are others than those that steps were made with. */
bool nb_look_set(const nb_glass *glass);
/* Whether numbers, layers or options have been touched since. */
bool nb_look_touched(const nb_glass *glass);
/* Numbers alone, by their versions. */
bool nb_look_numbers(const nb_glass *glass);
/* Puts on record what is not as it was left. before: the numbers as they were; NULL: not known, so
 * that all count as changed. Ends the record ahead where anything is. On failure nothing has
 * changed, and the next look finds it. */
nb_status nb_look_keep(nb_ctx *ctx, nb_glass *glass, nb_edit_by by,
                       nb_tensor *const before[NB_NET_STATE]);
/* What the layers say from now on, also where they said it before; the run keeps a reference. */
void nb_look_says(nb_ctx *ctx, nb_glass *glass, nb_said *said);
/* Adds an edit of where the run stands. */
nb_status nb_look_add(nb_ctx *ctx, nb_glass *glass, nb_edit *edit);

#endif
