/* The line that shows how training goes: on a terminal it redraws itself, elsewhere there is a line
 * an epoch. Other long work shows a line on a terminal only, which goes when the work is done. */
#ifndef SH_PROGRESS_H
#define SH_PROGRESS_H

#include "lua/nbl.h"
#include "shell/screen/terminal.h"

typedef struct sh_progress {
    nbl_progress_shower shower; /* for nbl_set_progress_shower */
    nb_meter meter;             /* for nb_ctx.meter */
    const sh_terminal *terminal;
    bool visible;                      /* the line is on the screen, the cursor behind it */
    double drawn;                      /* seconds of the training when the line was drawn last */
    double valid_accuracy, valid_cost; /* of the last epoch's end; NaN before */
    double accuracy, test_cost;        /* likewise, on the test set */
    const char *work;                  /* other work under way, NULL: none */
    double share;                      /* of it that is done, */
    double began;                      /* since when, and */
    double told;                       /* when it was drawn last, both on the monotonic clock */
} sh_progress;

/* `terminal` must live as long. */
void sh_progress_init(sh_progress *progress, const sh_terminal *terminal);

#endif
