/* The copy holds the writing end of a pipe, which closes when it ends, however that is; what it has
 * written counts when the mark behind it stands. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pipe2 */
#endif
#include "base/processes/errand.h"

#include "base/memory.h"
#include "base/processes/copy.h"
#include "base/processes/crew.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 20 }; /* between two looks at Ctrl-C */

static size_t written_bytes(const nb_errand *e)
{
    size_t bytes = 0;
    for (int i = 0; i < NB_ERRAND_WRITTEN; i++)
        bytes += e->written[i].data ? e->written[i].bytes : 0;
    return bytes;
}

/* From the block, or into it. */
static void carry(const nb_errand *e, bool back)
{
    char *at = e->block;
    for (int i = 0; i < NB_ERRAND_WRITTEN; i++) {
        void *data = e->written[i].data;
        size_t bytes = e->written[i].bytes;
        if (!data || !bytes) continue;
        memcpy(back ? data : at, back ? at : data, bytes);
        at += bytes;
    }
}

static char *mark_of(const nb_errand *e)
{
    return e->block + e->bytes - 1;
}

/* Until the copy has ended, or has to. */
static nb_status wait_for(nb_ctx *ctx, int pipe, pid_t copy)
{
    struct pollfd ended = {pipe, POLLIN, 0};
    nb_status status = nb_poll(ctx);
    while (status == NB_OK && poll(&ended, 1, LOOK_MS) <= 0) status = nb_poll(ctx);
    if (status != NB_OK) kill(copy, SIGKILL);
    nb_copy_wait(copy);
    return status;
}

/* False: no copy has done it. */
static bool send(nb_ctx *ctx, nb_errand *e)
{
    int pipe[2];
    if (pipe2(pipe, O_CLOEXEC) != 0) return false;
    pid_t copy = nb_copy_make(ctx, 1);
    e->away = copy == 0;
    close(pipe[!e->away]);
    if (e->away) return false;
    if (copy > 0) e->status = wait_for(ctx, pipe[0], copy);
    close(pipe[0]);
    return copy > 0 && (e->status != NB_OK || *mark_of(e));
}

bool nb_errand_begin(nb_ctx *ctx, nb_errand *e)
{
    e->status = NB_OK;
    if (!ctx->interrupt || !(e->operations >= NB_ERRAND_LEAST)) return true;
    e->bytes = written_bytes(e) + 1;
    if (!nb_memory_has_room(ctx, e->bytes)) return true;
    e->block = nb_crew_block(ctx, e->bytes);
    if (!e->block) return true;
    bool done = send(ctx, e);
    if (done && e->status == NB_OK) carry(e, true);
    return !done;
}

nb_status nb_errand_end(nb_ctx *ctx, nb_errand *e)
{
    if (e->away) {
        carry(e, false);
        *mark_of(e) = 1;
        nb_copy_leave();
    }
    nb_crew_free(ctx, e->block, e->bytes);
    e->block = NULL;
    return e->status;
}
