/* Vocabularies: from code points, from text, to text. */
#include "nn/data/words.h"

#include "base/context.h"
#include "base/escape.h"
#include "tensor/assign.h"

#include <inttypes.h>
#include <string.h>

enum {
    NAME = NB_UTF8_MAX + 1,  /* bytes of a character's name, its NUL included */
    BETWEEN_LOOKS = 1 << 16, /* characters until Ctrl-C is looked for */
    ASCII = 0x80,
    LISTED = 48 /* bytes of names that a description lists */
};

static void write_name(int32_t point, bool byte, char name[NAME])
{
    if (point == 0) {
        strcpy(name, NB_NUL_NAME);
    } else if (byte) {
        name[0] = (char)point;
        name[1] = '\0';
    } else {
        nb_utf8_write((uint32_t)point, name);
    }
}

nb_classes *nb_words_new(nb_ctx *ctx, const int32_t *point, int64_t count, bool bytes)
{
    size_t n = (size_t)count;
    char(*text)[NAME] = nb_alloc(ctx, n * sizeof *text);
    const char **name = text ? nb_alloc(ctx, n * sizeof *name) : NULL;
    for (size_t i = 0; name && i < n; i++) {
        write_name(point[i], bytes, text[i]);
        name[i] = text[i];
    }
    nb_classes *words = name ? nb_classes_new(ctx, name, count) : NULL;
    nb_free(ctx, name, n * sizeof *name);
    nb_free(ctx, text, n * sizeof *text);
    return words;
}

/* ---- From text ------------------------------------------------------------------------------- */

/* What a name is the name of: a code point or a byte. */
static uint32_t point_of(const char *name)
{
    size_t length = nb_utf8_length(name, strlen(name));
    if (strcmp(name, NB_NUL_NAME) == 0) return 0;
    return length ? nb_utf8_point(name, length) : (unsigned char)*name;
}

static bool is_of_bytes(const nb_classes *words)
{
    for (int64_t i = 0; i < words->count; i++) {
        const char *name = words->name[i];
        if ((unsigned char)*name >= ASCII && name[1] == '\0') return true;
    }
    return false;
}

/* The place of a name, which a file may have brought out of order; -1: there is none. */
static int64_t find(const nb_classes *words, const char *name)
{
    uint32_t point = point_of(name);
    int64_t low = 0, high = words->count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (point_of(words->name[middle]) < point)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < words->count && strcmp(words->name[low], name) == 0) return low;
    for (int64_t i = 0; i < words->count; i++)
        if (strcmp(words->name[i], name) == 0) return i;
    return -1;
}

static nb_status unknown(nb_ctx *ctx, const nb_classes *words, const char *name, bool byte,
                         int64_t at)
{
    char shown[NB_SHOWN];
    if (byte)
        return nb_fail(ctx, NB_EVALUE,
                       "byte %" PRId64 " of the text is 0x%02X, which is none of the %" PRId64
                       " bytes of the vocabulary",
                       at, (unsigned)point_of(name), words->count);
    return nb_fail(ctx, NB_EVALUE,
                   "character %" PRId64 " of the text is '%s', which is none of the %" PRId64
                   " of the vocabulary",
                   at, strcmp(name, NB_NUL_NAME) ? nb_text_shown(name, shown) : "\\0",
                   words->count);
}

/* Writes the numbers of a text's characters, *count of them. */
static nb_status number(nb_ctx *ctx, const nb_classes *words, const char *text, size_t length,
                        int32_t *to, int64_t *count)
{
    bool bytes = is_of_bytes(words);
    char name[NAME];
    *count = 0;
    for (size_t i = 0, taken; i < length; i += taken) {
        taken = bytes ? 1 : nb_utf8_length(text + i, length - i);
        if (taken == 0)
            return nb_fail(ctx, NB_EVALUE, "byte %zu of the text is no UTF-8 (0x%02X)", i + 1,
                           (unsigned char)text[i]);
        int32_t point = bytes ? (unsigned char)text[i] : (int32_t)nb_utf8_point(text + i, taken);
        write_name(point, bytes, name);
        int64_t at = find(words, name);
        if (at < 0) return unknown(ctx, words, name, bytes, *count + 1);
        to[(*count)++] = (int32_t)at + 1;
        if (*count % BETWEEN_LOOKS == 0 && nb_poll(ctx) != NB_OK) return ctx->status;
    }
    return NB_OK;
}

nb_tensor *nb_words_read(nb_ctx *ctx, const nb_classes *words, const char *text, size_t length)
{
    int64_t most = (int64_t)length, count;
    nb_tensor *all = nb_tensor_new(ctx, NB_I32, 1, &most);
    if (!all) return NULL;
    nb_status status = number(ctx, words, text, length, nb_tensor_data(all), &count);
    if (status == NB_OK && count == most) return all;
    nb_tensor *some = status == NB_OK ? nb_tensor_narrow(ctx, all, 0, 0, count, 1) : NULL;
    nb_tensor *own = some ? nb_tensor_clone(ctx, some) : NULL;
    nb_tensor_release(ctx, some);
    nb_tensor_release(ctx, all);
    return own;
}

/* ---- To text --------------------------------------------------------------------------------- */

static void add_name(nb_text *to, const char *name)
{
    if (strcmp(name, NB_NUL_NAME) == 0)
        nb_text_add_bytes(to, "", 1);
    else
        nb_text_add_bytes(to, name, strlen(name));
}

nb_status nb_words_write(nb_ctx *ctx, nb_text *to, const nb_classes *words, nb_tensor *numbers)
{
    nb_tensor *fit = nb_tensor_fit(ctx, numbers, NB_I32);
    nb_tensor *list = fit ? nb_tensor_contiguous(ctx, fit) : NULL;
    nb_status status = list ? NB_OK : ctx->status;
    for (int64_t i = 0; status == NB_OK && i < nb_tensor_count(list); i++) {
        int32_t word = ((const int32_t *)nb_tensor_data(list))[i];
        if (word < 1 || word > words->count)
            status = nb_fail(ctx, NB_EVALUE,
                             "number %" PRId64 " is %d; the vocabulary has 1 to %" PRId64, i + 1,
                             (int)word, words->count);
        else
            add_name(to, words->name[word - 1]);
        if (i % BETWEEN_LOOKS == BETWEEN_LOOKS - 1 && status == NB_OK) status = nb_poll(ctx);
    }
    nb_tensor_release(ctx, list);
    nb_tensor_release(ctx, fit);
    return status == NB_OK && to->failed ? ctx->status : status;
}

/* ---- For people ------------------------------------------------------------------------------ */

void nb_words_describe(nb_text *text, const nb_classes *words)
{
    const char *what = is_of_bytes(words) ? "byte" : "character";
    size_t listed = 0;
    nb_text_add_grouped(text, words->count);
    nb_text_add(text, " %s%s ", what, words->count == 1 ? "" : "s");
    for (int64_t i = 0; i < words->count; i++) {
        const char *name = words->name[i];
        listed += strlen(name);
        if (listed > LISTED) {
            nb_text_add(text, "…");
            return;
        }
        nb_classes_add_name(text, name);
    }
}
