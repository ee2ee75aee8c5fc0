/* Threads for large loops. Work is cut into pieces by its size alone, never by the number of
 * threads, so that results have the same bits at any number. */
#ifndef NB_WORKERS_H
#define NB_WORKERS_H

#include "base/context.h"

/* Does piece number `piece` of the work in `arg`. Must not use the context, so never nests; on the
 * workers signals are blocked. */
typedef void nb_piece(void *arg, size_t piece);

/* Runs pieces 0 … pieces - 1, each once, on the calling thread and the workers; returns when all
 * are done. Without workers (one thread, no thread could be started, or in a child of fork) the
 * caller does them in order. */
void nb_parallel(nb_ctx *ctx, size_t pieces, nb_piece *piece, void *arg);

/* 1 <= threads <= NB_MAX_THREADS, or NB_EARG. */
enum { NB_MAX_THREADS = 256 };
nb_status nb_set_threads(nb_ctx *ctx, int64_t threads);
/* Ends the threads, if there are any; the next nb_parallel starts them again. */
void nb_workers_stop(nb_ctx *ctx);
/* Processors that this process may use. */
int nb_processors(void);

#endif
