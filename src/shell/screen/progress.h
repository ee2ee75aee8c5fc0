/* The line that shows how training goes: on a terminal it redraws itself, elsewhere there is a line
 * an epoch. */
#ifndef SH_PROGRESS_H
#define SH_PROGRESS_H

#include "lua/nbl.h"
#include "shell/screen/terminal.h"

typedef struct sh_progress {
    nbl_progress_shower shower; /* for nbl_set_progress_shower */
    const sh_terminal *terminal;
    bool visible;     /* the line is on the screen, the cursor behind it */
    double drawn;     /* seconds of the training when the line was drawn last */
    double accuracy;  /* of the last epoch's end, and */
    double test_cost; /* likewise; NaN before */
} sh_progress;

/* `terminal` must live as long. */
void sh_progress_init(sh_progress *progress, const sh_terminal *terminal);

#endif
