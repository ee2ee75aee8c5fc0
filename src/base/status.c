/* The one place that writes the context's message, in which nothing moves a terminal's cursor. */
#include "base/status.h"

#include "base/context.h"
#include "base/escape.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { UTF8_TAIL_MAX = 3 }; /* bytes of a character behind its first */

/* Ends a line that is too long for a message where a character ends. line[NB_MESSAGE_MAX - 1] is
 * the first byte that does not fit. */
static void cut(char *line)
{
    size_t end = NB_MESSAGE_MAX - 1;
    for (int i = 0; i < UTF8_TAIL_MAX && nb_is_tail(line[end]); i++) end--;
    line[end] = '\0';
}

/* What of the line may be shown as it is, and escapes of the rest: names and paths in it are the
 * user's, or a file's. */
static void escape_into(char message[NB_MESSAGE_MAX], const char *line)
{
    char shown[NB_ESCAPE_MAX];
    size_t used = 0, left = strlen(line);
    while (left > 0) {
        size_t taken = nb_escape(line, left, NB_ESCAPE_LINES, shown), bytes = strlen(shown);
        if (bytes >= NB_MESSAGE_MAX - used) break;
        memcpy(message + used, shown, bytes);
        used += bytes;
        line += taken;
        left -= taken;
    }
    message[used] = '\0';
}

/* The line is made aside because the arguments may point into the message that it replaces. */
static void __attribute__((format(printf, 3, 0)))
set_message(nb_ctx *ctx, nb_status status, const char *format, va_list arguments)
{
    char line[NB_MESSAGE_MAX + 1];
    int length = vsnprintf(line, sizeof line, format, arguments);
    if (length < 0) line[0] = '\0';
    if (length >= NB_MESSAGE_MAX) cut(line);
    escape_into(ctx->message, line);
    ctx->status = status;
}

nb_status nb_fail(nb_ctx *ctx, nb_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_message(ctx, status, format, arguments);
    va_end(arguments);
    return status;
}

void *nb_fail_null(nb_ctx *ctx, nb_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_message(ctx, status, format, arguments);
    va_end(arguments);
    return NULL;
}

void nb_fail_in(nb_ctx *ctx, const char *format, ...)
{
    char place[NB_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(place, sizeof place, format, arguments);
    va_end(arguments);
    if (length >= 0) nb_fail(ctx, ctx->status, "%s: %s", place, ctx->message);
}
