/* What a core function says of its outcome. The core never prints, exits or jumps: it returns a
 * status (or NULL) and leaves one line for the user in the context's message. */
#ifndef NB_STATUS_H
#define NB_STATUS_H

typedef struct nb_ctx nb_ctx;

typedef enum nb_status {
    NB_OK,
    NB_EARG,       /* an argument that the user gave */
    NB_ESHAPE,     /* shapes or dtypes that do not fit; the message holds them */
    NB_EVALUE,     /* NaN or infinity where a number is needed; a singular matrix */
    NB_EMEMORY,    /* the allocator said no; what was there is untouched */
    NB_EIO,        /* the operating system said no */
    NB_EFORMAT,    /* a file that is not what its name says */
    NB_EINTERRUPT, /* Ctrl-C */
    NB_ECALLBACK   /* a function of the host raised; the host holds its error object */
} nb_status;

enum { NB_MESSAGE_MAX = 1024 };

/* Sets the context's status and message (printf's format, cut at NB_MESSAGE_MAX) and returns
 * `status`, so that `return nb_fail(...)` is one line. */
nb_status nb_fail(nb_ctx *ctx, nb_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, for functions that return a pointer: sets the message and returns NULL. */
void *nb_fail_null(nb_ctx *ctx, nb_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the last failure's message, where a caller knows more of the place. */
void nb_fail_in(nb_ctx *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
