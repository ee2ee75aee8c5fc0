/* Another program as a filter: it reads a text and writes a file. */
#ifndef NB_PROCESS_H
#define NB_PROCESS_H

#include "base/text.h"
#include "io/sink.h"

typedef struct nb_process {
    const char *const *argv; /* as execvp takes it */
    const char *input;       /* for its standard input */
    size_t input_bytes;
    nb_sink *output; /* takes its standard output */
    nb_text *said;   /* takes the beginning of its standard error */
    bool missing;    /* there is no such program */
    bool done;       /* it ended, with status 0 */
} nb_process;

/* Runs it to its end. NB_OK however it ended; NB_EIO where it cannot be started, NB_EINTERRUPT when
 * it was ended by Ctrl-C. One that ends early leaves input unread, which raises no signal. */
nb_status nb_process_run(nb_ctx *ctx, nb_process *process);

#endif
