/* Networks in files: safetensors whose tensors are called "1.w", "1.b", … (or by the layer's name
 * instead of its number; in blocks by both, "3.1.w"; a shared layer by its first place), buffers
 * like parameters, and whose metadata says the rest:
 *
 *   format    "nabla 1"
 *   notation  the network (notation.h)
 *   dtype     "f32" or "f64"
 *   learning  how layers and neurons learn (tunings.h); absent where all is as usual. Masks are
 * tensors, "1.w.mask"
 *   classes   their names, one a line, '\' and newline in a name written as \\ and \n (classes.h);
 * absent where there are none
 *   columns, targets, words   names of x's columns, of y's, and of the words of x, likewise
 *
 * Tensors whose names begin with '@' are not the network's: checkpoints (train/checkpoint.h) keep
 * there what else a run is, and "@scale.offset" and "@scale.factor", f64, are the scale in which
 * the network sees x: (x - offset) factor, one number for all or one for each column
 * (grad/columns.h);
 * "@2.scale.offset" and so on that of one that stands in it. */
#ifndef NB_MODEL_H
#define NB_MODEL_H

#include "io/archive.h"
#include "nn/notation/notation.h"

#define NB_MODEL_FORMAT "nabla 1"

/* Writes a network; the file is the old one or the new one, never half.
 * NB_EARG where two layers have the same name. A network with layers that need the table form is
 * written too; its tensors can be read, but it cannot be loaded. */
nb_status nb_model_save(nb_ctx *ctx, nb_net *net, const char *path);
/* The network, or NULL with NB_EFORMAT: a file without notation, tensors that are missing, too many
 * or of another shape, each named. Nothing is allocated that the file does not hold. resolver as in
 * nb_notation_parse. */
nb_net *nb_model_load(nb_ctx *ctx, const char *path, const nb_resolver *resolver);

/* ---- For files that hold more than a network ---- */

#define NB_MODEL_ASIDE '@' /* what no layer's name begins with */

/* Adds the tensors and texts of a network. */
nb_status nb_model_add(nb_ctx *ctx, nb_archive *archive, nb_net *net);
/* The numbers that an archive holds of a network like this one, as new flat vectors of its dtype
 * (nb_net.values and .figures); the network stays as it is. NB_EFORMAT where notation, dtype or how
 * it learns (frozen, factors, masks) or its scale are others, or tensors are missing or too many.
 */
nb_status nb_model_numbers(nb_ctx *ctx, const nb_archive *archive, const nb_net *net,
                           nb_tensor **values, nb_tensor **figures);

#endif
