/* How the options of two runs differ, as text. */
#ifndef NB_DIFFER_H
#define NB_DIFFER_H

#include "base/text.h"
#include "nn/train/glass/pane.h"

/* A line for each that differs: its name, what it is in either, with tabs between. Functions of the
 * host differ only where one run has one. */
void nb_options_differ(nb_text *text, const nb_glass *one, const nb_glass *other);

#endif
